"""Carrying out what was decided: the notices of a batch on one channel, and the digest of one channel.

Everything is written down before it is done and confirmed after: messages are reserved on the channel's meter, a notice
is claimed, sent, and marked as sent. A crash between any two calls loses no notice, since the queue brings the batch
again; it can repeat a message only between sending and marking. Whoever loses the race for the meter reads again and
decides again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, assert_never

from breakwater.errors import BreakwaterError, ConflictError, RefusedError, ThrottledError
from breakwater.model import Notice

from .channel_store import ChannelStore
from .channels import Channel
from .decision import (
    NEVER,
    SEND_WITHIN,
    Defer,
    Digest,
    Hold,
    Mark,
    Nothing,
    Plan,
    Send,
    Skip,
    Wait,
    decide_delivery,
    decide_digest,
    defer_all,
    entry_of,
)
from .outcomes import Outcomes

RACES = 5
CLAIM = timedelta(seconds=90)
"""Longer than the function may run, shorter than a message stays invisible: a claim that old has no living owner."""


class WakeUps(Protocol):
    """Asks to be woken for the digest of a channel."""

    def ask(self, channel: str, delay: timedelta) -> None:
        """Have a `notifier.flush` for the channel delivered after the delay, not before."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a delivery works with, besides the channel."""

    store: ChannelStore
    wake_ups: WakeUps
    now: Callable[[], datetime]
    outcomes: Outcomes


def deliver(
    channel: Channel, notices: Sequence[Notice], means: Means, quiet: Mapping[str, datetime] = NEVER
) -> set[str]:
    """Bring notices of distinct ids to one channel. Returns the ids of those that have to come again.

    `quiet` says which of them wait for the end of quiet hours.
    """
    if not notices:
        return set()
    try:
        plan, marks, reserved_at = _reserve(channel, notices, means, quiet)
    except BreakwaterError as error:
        for notice in notices:
            means.outcomes.notice("failed", channel.name, notice, str(error))
        return {notice.id for notice in notices}
    sends = [delivery for delivery in plan.deliveries if isinstance(delivery, Send)]
    again = _defer(channel, [each for each in plan.deliveries if isinstance(each, Defer)], plan.wake, means)
    again |= _send_each(channel, sends, marks, reserved_at + SEND_WITHIN, means)
    for delivery in plan.deliveries:
        match delivery:
            case Hold(notice, reason):
                again.add(notice.id)
                means.outcomes.notice("held", channel.name, notice, reason)
            case Skip(notice, reason):
                means.outcomes.notice("skipped", channel.name, notice, reason)
            case Send() | Defer():
                pass
            case _:
                assert_never(delivery)
    return again


def flush(channel: Channel, means: Means) -> None:
    """Send the digest of one channel if it is due. Raises what the channel or the table raises: try again later."""
    for _ in range(RACES):
        now = means.now()
        entries, meter, marks = means.store.read_pending(channel.name)
        decision = decide_digest(entries, marks, meter, now, channel.room)
        match decision:
            case Nothing(told, reason):
                means.store.forget(channel.name, told)
                return means.outcomes.digest("nothing to send", channel.name, 0, reason)
            case Wait() | Digest():
                try:
                    if decision.meter != meter:
                        means.store.save(channel.name, decision.meter, now)
                except ConflictError:
                    continue
                return _carry_out(channel, decision, now, means)
            case _:
                assert_never(decision)
    raise ThrottledError(f"the meter of {channel.name} changed {RACES} times while a digest was decided")


def _carry_out(channel: Channel, decision: Digest | Wait, now: datetime, means: Means) -> None:
    if isinstance(decision, Wait):
        _wake(channel, decision.wake, means)
        return means.outcomes.digest("waiting", channel.name, 0, decision.reason)
    named = [entry for line in decision.lines for entry in line.entries]
    if means.now() > now + SEND_WITHIN:
        raise ThrottledError(f"the digest for {channel.name} could not be begun in time")
    channel.send_digest(decision.lines, decision.waiting)
    means.outcomes.digest("sent", channel.name, len(decision.lines), decision.reason)
    # Marks first: were the entries gone and the marks not yet there, a notice delivered again would be sent again.
    means.store.mark_sent(channel.name, [entry.notice_id for entry in named], means.now())
    means.store.forget(channel.name, [*named, *decision.told])
    _wake(channel, decision.wake, means)
    return None


def _reserve(
    channel: Channel, notices: Sequence[Notice], means: Means, quiet: Mapping[str, datetime]
) -> tuple[Plan, Mapping[str, Mark], datetime]:
    """Decide, and save the meter that goes with the decision; when others always come first, send nothing singly."""
    for attempt in range(RACES + 1):
        now = means.now()
        meter, marks, waiting = means.store.read(channel.name, notices)
        plan = decide_delivery(notices, marks, waiting, meter, now, quiet)
        if attempt == RACES:
            break
        try:
            if plan.meter != meter:
                means.store.save(channel.name, plan.meter, now)
        except ConflictError:
            continue
        return plan, marks, now
    return defer_all(plan), marks, now


def _send_each(
    channel: Channel, sends: Iterable[Send], marks: Mapping[str, Mark], last_start: datetime, means: Means
) -> set[str]:
    """Send one by one; once the channel as a whole is in trouble, leave the rest to a later try."""
    again: set[str] = set()
    trouble: str | None = None
    for send in sends:
        now = means.now()
        if trouble is None and now > last_start:
            trouble = "it could not be begun in time"
        if trouble is not None:
            again.add(send.notice.id)
            means.outcomes.notice("failed", channel.name, send.notice, trouble)
            continue
        try:
            means.store.claim(channel.name, send.notice.id, marks.get(send.notice.id), now + CLAIM, now)
            channel.send(send.notice)
        except ConflictError as error:
            again.add(send.notice.id)
            means.outcomes.notice("held", channel.name, send.notice, str(error))
            continue
        except Exception as error:  # whatever is wrong with one notice, even a bug, is not to hold up the others
            again.add(send.notice.id)
            means.outcomes.notice("failed", channel.name, send.notice, _words(error))
            trouble = _words(error) if isinstance(error, ThrottledError | RefusedError) else None
            continue
        means.outcomes.notice("sent", channel.name, send.notice, _confirm(channel, send, means))
    return again


def _confirm(channel: Channel, send: Send, means: Means) -> str:
    """Mark as sent. A mark that cannot be written is no reason to send again: the message is out."""
    try:
        means.store.mark_sent(channel.name, [send.notice.id], means.now())
    except BreakwaterError as error:
        return f"{send.reason}; not marked as sent: {error}"
    return send.reason


def _defer(channel: Channel, defers: Sequence[Defer], wake: datetime | None, means: Means) -> set[str]:
    if not defers:
        return set()
    try:
        means.store.defer(channel.name, [entry_of(defer.notice, defer.until) for defer in defers], means.now())
        _wake(channel, wake, means)
    except BreakwaterError as error:
        for defer in defers:
            means.outcomes.notice("failed", channel.name, defer.notice, str(error))
        return {defer.notice.id for defer in defers}
    for defer in defers:
        means.outcomes.notice("deferred", channel.name, defer.notice, defer.reason)
    return set()


def _wake(channel: Channel, at: datetime | None, means: Means) -> None:
    if at is not None:
        means.wake_ups.ask(channel.name, at - means.now())


def _words(error: Exception) -> str:
    """The error for the log. Only our own say what they mean; of others the kind alone, their text may quote a URL."""
    return str(error) if isinstance(error, BreakwaterError) else f"unexpected {type(error).__name__}"
