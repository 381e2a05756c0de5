"""What became of each notice and digest: one structured log line and one count each.

A line names the notice and the incident. It never carries what the incident says, a log tail or an address.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from breakwater.model import Notice


class Log(Protocol):
    """What is used of the Powertools logger."""

    def info(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Write one line."""

    def error(self, msg: object, *, extra: Mapping[str, object]) -> None:
        """Write one line that asks for attention."""


class Counts(Protocol):
    """What is used of the Powertools metrics."""

    @property
    def metric_set(self) -> Mapping[str, Any]:
        """What was counted and not yet written."""

    def add_metric(self, name: str, unit: str, value: float) -> None:
        """Count something."""

    def flush_metrics(self) -> None:
        """Write what was counted."""


_METRICS = {"sent": "MessagesSent", "deferred": "NoticesDeferred", "failed": "NoticesFailed"}


class Outcomes:
    """Says what happened, once for each thing that happened."""

    def __init__(self, log: Log, counts: Counts) -> None:
        self._log = log
        self._counts = counts

    def notice(self, outcome: str, channel: str, notice: Notice, reason: str) -> None:
        """What became of one notice on one channel: sent, deferred, skipped, held or failed."""
        incident = notice.incident
        extra = {
            "channel": channel,
            "notice": notice.id,
            "kind": notice.kind.value,
            "incident": incident.id,
            "severity": incident.severity.value,
            "cause": incident.cause.value,
            "reason": reason,
        }
        self._say(outcome, f"notice {outcome}", extra)

    def digest(self, outcome: str, channel: str, incidents: int, reason: str) -> None:
        """What became of the digest of one channel."""
        self._say(outcome, f"digest: {outcome}", {"channel": channel, "incidents": incidents, "reason": reason})

    def message(self, message_id: str, reason: str) -> None:
        """A queue message that is neither a notice nor a wake-up, or a wake-up for a channel there is not."""
        self._say("failed", "message not understood", {"message_id": message_id, "reason": reason})

    def close(self) -> None:
        """Write the counts of this invocation."""
        if self._counts.metric_set:
            self._counts.flush_metrics()

    def _say(self, outcome: str, text: str, extra: Mapping[str, object]) -> None:
        (self._log.error if outcome == "failed" else self._log.info)(text, extra=extra)
        if outcome in _METRICS:
            self._counts.add_metric(_METRICS[outcome], "Count", 1)
