"""What a channel is: one way to reach people. How a notice looks there is the channel's own affair.

The errors of `send` and `send_digest` say what becomes of the message: `ThrottledError`, try later, and so with
everything else for this channel; `RefusedError`, the channel itself is broken (a revoked webhook, a missing
permission); any other, this one message cannot be sent.
"""

from collections.abc import Sequence
from typing import Protocol

from breakwater.model import Notice

from .decision import Line


class Channel(Protocol):
    """One way to reach people."""

    @property
    def name(self) -> str:
        """The word for it in keys and logs."""

    def send(self, notice: Notice) -> None:
        """Send one notice as a message of its own."""

    def room(self, lines: Sequence[Line]) -> int:
        """How many of these lines, from the front, fit into one digest: at least one of one or more."""

    def send_digest(self, lines: Sequence[Line], waiting: int) -> None:
        """Send one message that names these incidents; `waiting` more are for the next digest."""
