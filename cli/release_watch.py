"""Look at a release until it is over. Looking is all that is done: who stops looking changes nothing of it."""

import sys
from collections.abc import Mapping
from datetime import timedelta

from breakwater.errors import BreakwaterError, ThrottledError
from cli.release_account import AbsentError, Account
from cli.release_screen import Screen, ending, say
from cli.release_view import View, view_of

LONGEST = 2160
"""Minutes: the machine's own limit."""
_NEW = timedelta(seconds=30)
_PATIENCE = 20


class LeftOffError(Exception):
    """Nobody looks any more, and the release goes on; the message says why."""


def watch(
    account: Account, execution: str, screen: Screen, *, interval: float, minutes: int, new: bool = False
) -> View:
    """Look every `interval` seconds, until it is over; then say how it ended. `new`: it was started just now.

    Raises `LeftOffError` after so many minutes or on Ctrl-C, `BreakwaterError` if it cannot be looked at.
    """
    until, failures, view = account.now() + timedelta(minutes=minutes), 0, None
    began = account.now()
    try:
        while view is None or view.result is None:
            if view is not None or failures:
                account.sleep(interval)
            if account.now() >= until:
                raise LeftOffError(f"not over after {minutes} minutes")
            try:
                view = view_of(account.seen(execution))
            except (AbsentError, ThrottledError) as error:
                # What was started just now may not be seen yet: DescribeExecution is eventually consistent.
                if isinstance(error, AbsentError) and not (new and account.now() - began < _NEW):
                    raise
                failures += 1
                if failures > _PATIENCE:
                    raise BreakwaterError(f"it could not be looked at {failures} times: {error}") from error
                continue
            failures = 0
            screen.show(view, account.now())
    except KeyboardInterrupt:
        raise LeftOffError("interrupted") from None
    finally:
        screen.close()
    return view


def tell_end(view: View, account: Account, *, as_json: bool) -> int:
    """Say how it ended, and give the exit code."""
    if not as_json:
        say(ending(view, account.reports, brief=sys.stdout.isatty()))
    return 0 if view.result is not None and view.result.good else 1


def commands_for(name: str, options: str) -> Mapping[str, str]:
    """What one types about this release."""
    return {verb: f"breakwater release {verb} {name}{options}" for verb in ("watch", "approve", "abort")}
