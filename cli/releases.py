"""The releases of a run as the report tells them: their steps, who had the traffic, and what became of the requests."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from breakwater.wire import load
from release.chart import Bar, Mark, draw
from release.record import Release
from release.story import GOOD, OPEN, Point, Step, ends, points, steps, warnings
from sandbox.ecs.requests import MINUTE, Sample
from sandbox.front import Sandbox

AROUND = timedelta(minutes=3)
"""How much of the traffic before and after a release is shown."""


@dataclass(frozen=True, slots=True)
class ReleaseStory:
    """One release. `how` bodes `good`, `bad` or `open`; `requests` are those of the minutes in which it went on."""

    id: str
    service: str
    revision: str
    before: str
    strategy: str
    by: str
    began: datetime
    ended: datetime
    result: str
    how: str
    reason: str
    steps: tuple[Step, ...]
    warnings: tuple[str, ...]
    weights: tuple[Point, ...]
    requests: tuple[Bar, ...]

    @property
    def seconds(self) -> float:
        """How long it went on."""
        return (self.ended - self.began).total_seconds()

    @property
    def sent(self) -> int:
        """How many requests there were."""
        return sum(bar.old + bar.new for bar in self.requests)

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return sum(bar.failed for bar in self.requests)

    @property
    def to_new(self) -> int:
        """How many went to the new side."""
        return sum(bar.new for bar in self.requests)

    @property
    def picture(self) -> str:
        """Its traffic over time, as SVG."""
        marks = [Mark(step.number, step.at, step.title) for step in self.steps]
        return draw(self.weights, marks, self.ended, self.requests, f"Traffic of {self.service} during its release")


def stories(sandbox: Sandbox, items: Sequence[Mapping[str, Any]]) -> Iterator[ReleaseStory]:
    """All releases that the table knows, the first one first."""
    found = [load(Release, str(item["doc"])) for item in items if str(item["pk"]).startswith("RELEASE#")]
    for release in sorted(found, key=lambda one: (one.began_at, one.execution)):
        yield story(release, sandbox.native.requests.samples)


def story(release: Release, samples: Mapping[str, Mapping[int, Sample]]) -> ReleaseStory:
    """One release and the requests to its target groups."""
    told, ending = steps(release), release.ending
    until = ends(release, told)
    result = ending.error if ending else ""
    return ReleaseStory(
        id=release.short,
        service=release.service,
        revision=release.task_definition.rpartition("/")[2],
        before=release.before.task_definition.rpartition("/")[2] if release.before else "",
        strategy=release.strategy,
        by="somebody else's deployment" if release.attended else release.requested_by,
        began=release.began_at,
        ended=until,
        result=result,
        how=OPEN if ending is None else GOOD if ending.next == "released" else "bad",
        reason=ending.cause if ending else release.why,
        steps=told,
        warnings=warnings(release),
        weights=points(release),
        requests=tuple(_bars(release, samples, until)),
    )


def _bars(release: Release, samples: Mapping[str, Mapping[int, Sample]], until: datetime) -> Iterator[Bar]:
    shares = release.before.shares if release.before else ()
    old = {share.group for share in shares if share.weight}
    new = {share.group for share in shares} - old
    at = (release.began_at - AROUND).replace(second=0, microsecond=0)
    while at <= until + AROUND:
        minute = int(at.astimezone(UTC).timestamp() * 1000) // MINUTE * MINUTE
        sides = [
            [samples[group][minute] for group in groups if minute in samples.get(group, ())] for groups in (old, new)
        ]
        if any(sides):
            counts = [sum(one.requests for one in side) for side in sides]
            failed = sum(one.target_5xx + one.balancer_5xx for side in sides for one in side)
            yield Bar(at, counts[0], counts[1], failed)
        at += timedelta(minutes=1)


def kept(item: Mapping[str, Any]) -> Release:
    """A release as an item of the table has it."""
    return load(Release, str(item["doc"]))


def line(service: str, step: Step) -> str:
    """One step in one line."""
    mark = f" {step.mark[0]}" if step.mark else ""
    return f"{service}: {step.title}{mark}{f': {step.reason}' if step.reason else ''}"


def as_data(releases: Sequence[ReleaseStory]) -> list[dict[str, Any]]:
    """What programs are told of them."""
    return [
        {
            "service": one.service,
            "revision": one.revision,
            "result": one.result,
            "reason": one.reason,
            "began": one.began.isoformat(),
            "ended": one.ended.isoformat(),
            "requests": {"sent": one.sent, "to_new": one.to_new, "failed": one.failed},
        }
        for one in releases
    ]
