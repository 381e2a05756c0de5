"""Every five minutes each channel's digest is looked after, so that a lost wake-up delays it and no more.

The same decision as for a wake-up: nothing waits, not yet due, or send it. A channel that fails does not keep the next
one from its turn; the failure is raised at the end, so that the function's error alarm sees it.
"""

from breakwater.errors import BreakwaterError

from .delivery import flush
from .wiring import Deps, wiring


def handler(event: object, context: object) -> dict[str, list[str]]:
    """Look after the digest of every channel."""
    return respond(wiring())


def respond(deps: Deps) -> dict[str, list[str]]:
    """Flush each channel; raise at the end what failed."""
    problems: list[str] = []
    for name, channel in deps.channels.items():
        try:
            flush(channel, deps.means)
        except BreakwaterError as error:
            deps.means.outcomes.digest("failed", name, 0, str(error))
            problems.append(f"{name}: {error}")
    deps.means.outcomes.close()
    if problems:
        raise BreakwaterError("; ".join(problems))
    return {"looked_after": list(deps.channels)}
