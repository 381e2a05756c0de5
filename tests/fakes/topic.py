"""A topic in memory that remembers what was published, and fails when told to."""

from collections.abc import Iterable

from breakwater.model import Notice
from breakwater.topics import IncidentTopic, Publication


class FakeTopic(IncidentTopic):
    """Takes every notice unless `down`."""

    def __init__(self) -> None:
        self.published: list[Notice] = []
        self.down = False

    def publish(self, notices: Iterable[Notice]) -> Publication:
        notices = list(notices)
        if self.down:
            return Publication(frozenset(), "the topic is down")
        self.published += notices
        return Publication(frozenset(notice.id for notice in notices))
