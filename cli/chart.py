"""The morning as a picture: where bars, ticks and labels of the report's timeline lie. Pure geometry, no markup."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cli.report import Pace, Report, Story

WIDTH = 1120
LABEL = 236
RIGHT = 16
ROW = 24
TOP = 112
PACE = 64


@dataclass(frozen=True, slots=True)
class Bar:
    """One episode of an incident: solid while it happened, faint until it was resolved."""

    story: Story
    x: float
    seen: float
    width: float


@dataclass(frozen=True, slots=True)
class Tick:
    """One piece of news."""

    x: float
    kind: str
    digest: bool
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """All incidents of one subject."""

    name: str
    y: float
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """Five minutes of events: how high all of them stand, and how high those that reached the code."""

    x: float
    width: float
    events: float
    admitted: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that is drawn."""

    width: int
    height: float
    label: int
    top: int
    pace: int
    hours: tuple[tuple[float, str], ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    peak: int


def draw(report: Report) -> Chart:
    """Lay out the report's timeline."""
    scale = _Scale(report.start, report.end)
    rows = tuple(_rows(report.incidents, scale))
    peak = max((pace.events for pace in report.pace), default=1)
    return Chart(
        width=WIDTH,
        height=TOP + ROW * len(rows) + 12,
        label=LABEL,
        top=TOP,
        pace=PACE,
        hours=tuple(_hours(report, scale)),
        columns=tuple(_column(pace, peak, scale) for pace in report.pace),
        rows=rows,
        peak=peak,
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    start: datetime
    end: datetime

    def x(self, at: datetime) -> float:
        """Where an instant lies; what is outside lies at the edge."""
        whole = max(1.0, (self.end - self.start).total_seconds())
        part = min(1.0, max(0.0, (at - self.start).total_seconds() / whole))
        return round(LABEL + part * (WIDTH - LABEL - RIGHT), 1)


def _rows(stories: Sequence[Story], scale: _Scale) -> Iterable[Row]:
    by_name: dict[str, list[Story]] = {}
    for story in stories:
        by_name.setdefault(story.name, []).append(story)
    for position, (name, group) in enumerate(by_name.items()):
        bars = tuple(bar for story in group for bar in _bars(story, scale))
        ticks = tuple(
            Tick(
                scale.x(told.at),
                told.kind,
                len(set(told.channels.values())) < len(told.channels),
                f"{told.at:%H:%M:%S} {told.kind}: {story.title}",
            )
            for story in group
            for told in story.told
        )
        yield Row(name, TOP + ROW * position + ROW / 2, bars, ticks)


def _bars(story: Story, scale: _Scale) -> Iterable[Bar]:
    """One bar for each time between being opened (or opened again) and resolved, by what people were told."""
    begins: datetime | None = None
    for told in story.told:
        if told.kind in ("opened", "reopened"):
            begins = min(told.at, story.incident.first_seen) if told.kind == "opened" else told.at
        elif told.kind == "resolved" and begins is not None:
            yield _bar(story, begins, told.at, scale)
            begins = None
    if begins is not None:
        yield _bar(story, begins, story.ends if story.ends > begins else scale.end, scale)


def _bar(story: Story, begins: datetime, ends: datetime, scale: _Scale) -> Bar:
    quiet = timedelta(minutes=30)
    seen = min(max(begins, story.incident.last_seen), max(begins, ends - quiet))
    x = scale.x(begins)
    return Bar(story, x, max(3.0, scale.x(seen) - x), max(3.0, scale.x(ends) - x))


def _hours(report: Report, scale: _Scale) -> Iterable[tuple[float, str]]:
    span = report.end - report.start
    step = timedelta(minutes=30 if span < timedelta(hours=3) else 60 if span < timedelta(hours=14) else 360)
    at = report.start.replace(minute=0, second=0, microsecond=0)
    while at <= report.end:
        if at >= report.start:
            yield scale.x(at), f"{at:%H:%M}"
        at += step


def _column(pace: Pace, peak: int, scale: _Scale) -> Column:
    x = scale.x(pace.at)
    width = max(1.5, scale.x(pace.at + timedelta(minutes=5)) - x - 1.5)
    return Column(x, width, round(PACE * pace.events / peak, 1), round(PACE * pace.admitted / peak, 1))
