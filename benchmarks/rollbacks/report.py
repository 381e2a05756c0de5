"""The table for the terminal, the same as Markdown, and the picture as plain SVG."""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import isinf

from benchmarks.rollbacks.peers import ALARMS, COUNT3, DEFAULT, EARLY, ENTRIES, OURS
from benchmarks.rollbacks.scenarios import BAD, COMMON, CRASH

Cell = tuple[str, int, int, str]
SHOWN = (OURS, EARLY, DEFAULT, COUNT3, ALARMS)


def tell(medians: Mapping[Cell, float], runs: Counter[str], wrong: Counter[str]) -> None:
    """Print the tables to standard error."""
    from rich.console import Console
    from rich.table import Table

    console = Console(stderr=True, width=150)
    table = Table(title="Median seconds to the rollback call", title_justify="left")
    for name in ("scenario", "max %", "desired", *ENTRIES):
        table.add_column(name, justify="left" if name == "scenario" else "right")
    for scenario, percent, desired in _rows(medians):
        times = (_seconds(medians[(scenario, percent, desired, who)]) for who in ENTRIES)
        table.add_row(scenario, str(percent), str(desired), *times)
    console.print(table)
    table = Table(title="Deployments called back although that would not help", title_justify="left")
    for name in ("what happened", OURS, EARLY, DEFAULT):
        table.add_column(name, justify="left" if name == "what happened" else "right")
    for kind, name in (("healthy", "healthy"), *(("common", name) for name in COMMON)):
        found = (f"{kind}: {name}: {who}" for who in (OURS, EARLY, DEFAULT))
        table.add_row(name, *(f"{wrong[key]} of {runs[key]}" if runs[key] else "" for key in found))
    console.print(table)


def markdown(medians: Mapping[Cell, float]) -> str:
    """The table of times as Markdown."""
    lines = [f"| scenario | max % | desired | {' | '.join(SHOWN)} |", "|---|--:|--:|" + "--:|" * len(SHOWN)]
    for scenario, percent, desired in _rows(medians):
        times = " | ".join(_seconds(medians[(scenario, percent, desired, who)]) for who in SHOWN)
        lines.append(f"| {scenario} | {percent} | {desired} | {times} |")
    return "\n".join(lines) + "\n"


def _rows(medians: Mapping[Cell, float]) -> Iterable[tuple[str, int, int]]:
    """The rows in the order of the scenarios."""
    found = {(scenario, percent, desired) for scenario, percent, desired, _ in medians}
    return sorted(found, key=lambda row: (list(BAD).index(row[0]), row[1], row[2]))


def _seconds(value: float) -> str:
    return "never" if isinf(value) else f"{value:.0f}"


# ── the picture ─────────────────────────────────────────────────────────────────────────────────────────────────────

_COLOURS = {OURS: "#0b6e8a", EARLY: "#5bb5cf", DEFAULT: "#8a8f98", COUNT3: "#b4b8bf", ALARMS: "#d9b26f"}
_LEFT, _BAR, _GAP, _WIDTH, _TOP = 250, 11, 16, 920, 96
_NAMES = {OURS: "Breakwater, on STOPPED", EARLY: "Breakwater, on exit codes", ALARMS: "alarm 2 x 60 s"}
_SECONDS = (0, 60, 120, 180, 240, 300, 360, 420, 480)


def picture(medians: Mapping[Cell, float]) -> str:
    """Bars of seconds, one group for each scenario and size, at maximum percent 125; a long bar is cut."""
    groups = [
        row
        for row in _rows(medians)
        if row[1] == 125
        and (row[0] == CRASH or row[2] in (1, 50))
        and not all(isinf(medians[(*row, who)]) for who in SHOWN)
    ]
    height = _TOP + len(groups) * (len(SHOWN) * _BAR + _GAP) + 20
    body = [*_legend(), *_grid(height)]
    y = _TOP
    for scenario, percent, desired in groups:
        tasks = "1 task" if desired == 1 else f"{desired} tasks"
        body.append(_text(_LEFT - 10, y + len(SHOWN) * _BAR / 2 + 4, f"{scenario}, {tasks}", "end"))
        for number, who in enumerate(SHOWN):
            body.append(_bar(medians[(scenario, percent, desired, who)], y + number * _BAR, who))
        y += len(SHOWN) * _BAR + _GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="12" fill="#1f2933">\n'
        "<title>Median seconds to the rollback call, on the model of ECS</title>\n"
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _legend() -> list[str]:
    found = [
        _text(12, 22, "Median seconds from the start of the deployment (of the crash loop) to the rollback call"),
        _text(12, 40, "Model of ECS, maximum percent 125; Breakwater without native rollback, the others with it"),
    ]
    x = 12
    for who in SHOWN:
        name = _NAMES.get(who, who)
        found += [f'<rect x="{x}" y="52" width="12" height="12" fill="{_COLOURS[who]}"/>', _text(x + 17, 62, name)]
        x += 40 + 7 * len(name)
    return found


def _grid(height: int) -> list[str]:
    return [
        f'<line x1="{_x(at):.0f}" x2="{_x(at):.0f}" y1="{_TOP - 8}" y2="{height - 12}" stroke="#e3e6ea"/>'
        + _text(_x(at), _TOP - 12, f"{at} s", "middle")
        for at in _SECONDS
    ]


def _bar(seconds: float, y: float, who: str) -> str:
    if isinf(seconds):
        swatch = f'<rect x="{_LEFT}" y="{y}" width="3" height="{_BAR - 1}" fill="{_COLOURS[who]}"/>'
        return swatch + _text(_LEFT + 7, y + _BAR - 2, "never", size=9)
    return (
        f'<rect x="{_LEFT}" y="{y}" width="{_x(seconds) - _LEFT:.1f}" height="{_BAR - 1}" fill="{_COLOURS[who]}"/>'
        + _text(_x(seconds) + 4, y + _BAR - 2, f"{seconds:.0f}", size=9)
    )


def _x(seconds: float) -> float:
    return _LEFT + min(seconds / _SECONDS[-1], 1.0) * (_WIDTH - _LEFT - 60)


def _text(x: float, y: float, words: str, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}">{words}</text>'
