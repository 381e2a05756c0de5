"""The traffic of a release as a picture: inline SVG without scripts, readable in print and in the dark. Pure.

Above, who has the production traffic: the old side (blue) and the new one (green), by the recorded weights of the
listener. Below, where they are known, the requests of each minute by side, and those that failed. Colours are classes
of the page's style; words and patterns say the same.
"""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .story import Point

WIDTH, LEFT, RIGHT = 760, 64, 16
MARKS, BAND, GAP, BARS, FOOT = 26, 84, 34, 64, 26
NEAR = 17
"""Marks closer than this are written as one, or their numbers would lie upon each other."""
MINUTE = timedelta(minutes=1)
STYLE = (
    ".traffic{display:block;width:100%;height:auto;font:11.5px system-ui,sans-serif}"
    ".traffic text{fill:var(--soft)}.traffic .old{fill:var(--blue)}.traffic .new{fill:var(--green)}"
    ".traffic .bad{fill:var(--red)}.traffic .edge{fill:none;stroke:var(--ink);stroke-width:1.5}"
    ".traffic .grid{stroke:var(--line)}.traffic .at{stroke:var(--soft);stroke-dasharray:2 3}"
    ".traffic .dot{fill:var(--card);stroke:var(--ink)}.traffic .n{fill:var(--ink);font-size:10px}"
    ".traffic .in{fill:var(--ink);font-weight:600}"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A step of the release in the picture, by its number in the list beside it."""

    number: int
    at: datetime
    title: str


@dataclass(frozen=True, slots=True)
class Bar:
    """The requests of one minute: to the old side, to the new one, and how many of all failed."""

    at: datetime
    old: int
    new: int
    failed: int


@dataclass(frozen=True, slots=True)
class _Scale:
    start: datetime
    end: datetime

    def x(self, at: datetime) -> float:
        whole = max(1.0, (self.end - self.start).total_seconds())
        part = min(1.0, max(0.0, (at - self.start).total_seconds() / whole))
        return round(LEFT + part * (WIDTH - LEFT - RIGHT), 1)


def draw(
    points: Sequence[Point], marks: Sequence[Mark], end: datetime, bars: Sequence[Bar] = (), title: str = "Traffic"
) -> str:
    """The picture, or nothing if no weights were recorded."""
    if not points:
        return ""
    starts = [points[0].at, *(bar.at for bar in bars)]
    ends = [end, *(bar.at + MINUTE for bar in bars), points[0].at + MINUTE]
    scale = _Scale(min(starts), max(ends))
    height = MARKS + BAND + FOOT + (GAP + BARS if bars else 0)
    parts = [
        f'<svg class="traffic" viewBox="0 0 {WIDTH} {height}" role="img"><title>{html.escape(title)}</title>',
        *_band(points, scale),
        *(_bars(bars, scale) if bars else ()),
        *_marks(marks, scale, height - FOOT),
        *_axis(scale, height),
        "</svg>",
    ]
    return "".join(parts)


def _band(points: Sequence[Point], scale: _Scale) -> Iterator[str]:
    """The share over time as steps: it stays as it was recorded until it was recorded otherwise."""
    top, foot, right = MARKS, MARKS + BAND, WIDTH - RIGHT
    yield f'<rect class="old" x="{LEFT}" y="{top}" width="{right - LEFT}" height="{BAND}"/>'
    edges = [*(scale.x(point.at) for point in points), float(right)]
    edge = []
    for point, since, until in zip(points, edges, edges[1:], strict=False):
        y = round(foot - BAND * point.share / 100, 1)
        edge.append(f"{since},{y} {until},{y}")
        if point.share:
            width, high = round(until - since, 1), round(foot - y, 1)
            yield f'<rect class="new" x="{since}" y="{y}" width="{width}" height="{high}"/>'
    yield f'<polyline class="edge" points="{" ".join(edge)}"/>'
    for share in (0, 50, 100):
        y = foot - BAND * share / 100
        yield f'<text x="{LEFT - 8}" y="{y + 4:g}" text-anchor="end">{share} %</text>'
    for point, since, until in zip(points, edges, edges[1:], strict=False):
        if 0 < point.share < 100 and until - since > 40:
            edge_at = foot - BAND * point.share / 100
            y = edge_at - 6 if point.share <= 75 else edge_at + 15
            yield f'<text class="in" x="{since + 5:g}" y="{y:g}">{point.share:g} % new</text>'


def _bars(bars: Sequence[Bar], scale: _Scale) -> Iterator[str]:
    foot = MARKS + BAND + GAP + BARS
    peak = max((bar.old + bar.new for bar in bars), default=0) or 1
    yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{foot}" y2="{foot}"/>'
    yield f'<text x="{LEFT - 8}" y="{foot - BARS + 8}" text-anchor="end">{peak}</text>'
    yield f'<text x="{LEFT - 8}" y="{foot}" text-anchor="end">0</text>'
    yield f'<text x="{LEFT}" y="{foot - BARS - 8}">requests a minute</text>'
    for bar in bars:
        x = scale.x(bar.at)
        width = round(max(1.0, scale.x(bar.at + MINUTE) - x - 1), 1)
        y = float(foot)
        said = f"{bar.at:%H:%M}: {bar.old} to the old side, {bar.new} to the new one, {bar.failed} failed"
        yield f"<g><title>{said}</title>"
        for kind, count in (("old", bar.old), ("new", bar.new)):
            high = round(BARS * count / peak, 1)
            y = round(y - high, 1)
            if high:
                yield f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{high}"/>'
        if bar.failed:
            high = max(2.0, round(BARS * bar.failed / peak, 1))
            yield f'<rect class="bad" x="{x}" y="{round(foot - high, 1)}" width="{width}" height="{high}"/>'
        yield "</g>"


def _marks(marks: Sequence[Mark], scale: _Scale, foot: int) -> Iterator[str]:
    for x, group in _near(marks, scale):
        numbers = f"{group[0].number}" if len(group) == 1 else f"{group[0].number}-{group[-1].number}"
        said = html.escape("; ".join(f"{mark.number} {mark.at:%H:%M:%S} {mark.title}" for mark in group))
        wide = 16 if len(group) == 1 else 30
        left = min(max(x - wide / 2, LEFT - 14), WIDTH - wide - 1)
        yield f'<g><title>{said}</title><line class="at" x1="{x}" x2="{x}" y1="18" y2="{foot}"/>'
        yield f'<rect class="dot" x="{left:g}" y="2" width="{wide}" height="16" rx="8"/>'
        yield f'<text class="n" x="{left + wide / 2:g}" y="13.5" text-anchor="middle">{numbers}</text></g>'


def _near(marks: Sequence[Mark], scale: _Scale) -> Iterator[tuple[float, list[Mark]]]:
    group: list[Mark] = []
    for mark in marks:
        if group and scale.x(mark.at) - scale.x(group[0].at) > (NEAR if len(group) == 1 else 2 * NEAR):
            yield scale.x(group[0].at), group
            group = []
        group.append(mark)
    if group:
        yield scale.x(group[0].at), group


def _axis(scale: _Scale, height: int) -> Iterator[str]:
    """A label every so many minutes that there are at most eight."""
    span = (scale.end - scale.start).total_seconds() / 60
    every = next((each for each in (1, 2, 5, 10, 15, 30, 60, 120, 360, 720) if span / each <= 8), 1440)
    midnight = scale.start.replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + timedelta(minutes=every) * -(-(scale.start - midnight) // timedelta(minutes=every))
    while at <= scale.end:
        x = scale.x(at)
        if x < WIDTH - RIGHT - 12:
            yield f'<text x="{x}" y="{height - 7}" text-anchor="middle">{at:%H:%M}</text>'
        at += timedelta(minutes=every)
