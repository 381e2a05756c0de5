"""Virtual time: whole milliseconds, and one heap of timers ordered by time and then by registration."""

import heapq
from collections.abc import Callable
from typing import Any

from sandbox.errors import SandboxError

MAX_TIMERS_AT_ONE_INSTANT = 1_000_000
"""More at one instant means that the model spins without time passing."""


class Engine:
    """What is due when. Nothing runs but inside `advance`, and nothing there knows the time of the day."""

    __slots__ = ("_background", "_heap", "_order", "now")

    def __init__(self, now: int) -> None:
        self.now = now
        self._heap: list[tuple[int, int, bool, Callable[..., None], tuple[Any, ...]]] = []
        self._order = 0
        self._background = 0

    def at(self, when: int, action: Callable[..., None], *arguments: Any) -> None:
        """Run something at an instant; one that is past runs next."""
        self._order += 1
        heapq.heappush(self._heap, (max(when, self.now), self._order, False, action, arguments))

    def background_at(self, when: int, action: Callable[..., None], *arguments: Any) -> None:
        """The same for what repeats for ever: a model that has nothing else to do is idle."""
        self._order += 1
        self._background += 1
        heapq.heappush(self._heap, (max(when, self.now), self._order, True, action, arguments))

    @property
    def next_at(self) -> int | None:
        """When the next timer is due."""
        return self._heap[0][0] if self._heap else None

    @property
    def idle(self) -> bool:
        """Whether nothing but the background is waiting."""
        return len(self._heap) == self._background

    def advance(self, until: int) -> None:
        """Let time pass, running what is due on the way."""
        heap, pop = self._heap, heapq.heappop
        ran = 0
        while heap and heap[0][0] <= until:
            when, _, background, action, arguments = pop(heap)
            self._background -= background
            ran = ran + 1 if when == self.now else 0
            if ran > MAX_TIMERS_AT_ONE_INSTANT:
                raise SandboxError(f"the ECS model spins: timers run at {when} without end")
            self.now = when
            action(*arguments)
        self.now = max(self.now, until)
