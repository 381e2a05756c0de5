"""A topic in memory that remembers what was published, and fails when told to."""

from collections.abc import Iterable

from breakwater.model import Notice
from breakwater.topics import IncidentTopic


class FakeTopic(IncidentTopic):
    """Takes every notice unless `down`."""

    def __init__(self) -> None:
        self.published: list[Notice] = []
        self.down = False

    def publish(self, notices: Iterable[Notice]) -> frozenset[str]:
        notices = list(notices)
        if self.down:
            return frozenset()
        self.published += notices
        return frozenset(notice.id for notice in notices)
