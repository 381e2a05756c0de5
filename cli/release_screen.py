"""Where a watched release is shown: a live display on a terminal, a line for each change elsewhere, or JSON lines.

Everything that comes from the account is put in as text, never as Rich's markup, and is freed of terminal escapes.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table as Grid
from rich.text import Text

from cli.release_changes import End, changes, clean, data_of, news, text_of
from cli.release_view import Asked, How, View
from release.record import Line

_MARKS = {
    How.AHEAD: ("·", "dim"),
    How.ASKING: ("?", "bold yellow"),
    How.DONE: ("✓", "green"),
    How.FAILED: ("✗", "bold red"),
    How.NOT_DONE: ("-", "dim"),
}


class Screen(Protocol):
    """Shows one look after the other."""

    def show(self, view: View, now: datetime) -> None:
        """Show what is new."""

    def close(self) -> None:
        """Leave what was shown last."""


class Lines:
    """A line for each change, or a JSON object."""

    def __init__(self, commands: Mapping[str, str], *, as_json: bool) -> None:
        self._commands, self._as_json = commands, as_json
        self._before: View | None = None
        self._titled = False

    def show(self, view: View, now: datetime) -> None:
        """Print what the look before did not have."""
        if view.title and not self._titled and not self._as_json:
            typer.echo(f"Release of {clean(view.service)}{_told(view)}  [{view.name}]")
        self._titled = self._titled or bool(view.title)
        for change in changes(self._before, view, now, self._commands):
            if self._as_json:
                typer.echo(json.dumps(data_of(change)))
            elif not isinstance(change, End):  # who watched says that at the end
                typer.echo(text_of(change))
        self._before = view

    def close(self) -> None:
        """Nothing is left open."""


class Display:
    """The steps on a terminal, kept up to date in place."""

    def __init__(self, commands: Mapping[str, str], console: Console | None = None) -> None:
        self._commands = commands
        self._live = Live(console=console, refresh_per_second=8, transient=False)
        self._open = False
        self._asked: Asked | None = None
        self._told: Sequence[Line] = ()

    def show(self, view: View, now: datetime) -> None:
        """Draw it anew."""
        if not self._open:
            self._open = True
            self._live.start()
        if view.asked is not None and view.asked != self._asked:
            self._ask()
        self._asked = view.asked
        for line in news(self._told, view.lines):
            if line.what.startswith("warning"):
                self._live.console.print(Text(f"{line.what}: {clean(line.reason)}", "yellow"))
        self._told = view.lines
        self._live.update(page(view, now), refresh=True)

    def _ask(self) -> None:
        """Print the commands above the display, where no line is cut: they are to be copied."""
        console = self._live.console
        console.print(Text("A person is asked. One of these answers:"))
        for verb in ("approve", "abort"):
            console.print(Text(f"  {self._commands[verb]}", "bold"), soft_wrap=True)

    def close(self) -> None:
        """Leave the last picture on the screen."""
        if self._open:
            self._live.stop()


def screen(commands: Mapping[str, str], *, as_json: bool) -> Screen:
    """The one that suits: a display only where somebody looks at a terminal."""
    if as_json or not sys.stdout.isatty():
        return Lines(commands, as_json=as_json)
    return Display(commands)


def page(view: View, now: datetime) -> RenderableType:
    """The whole of a view."""
    title = Text.assemble("Release of ", (clean(view.service), "bold"), _told(view), overflow="fold")
    grid = Grid.grid(padding=(0, 1))
    for width in (1, 9, 8):
        grid.add_column(no_wrap=True, width=width)
    grid.add_column(overflow="fold")
    for row in view.rows:
        mark: RenderableType = Spinner("dots", style="cyan") if row.how is How.DOING else Text(*_MARKS[row.how])
        faint = "dim" if row.how in (How.AHEAD, How.NOT_DONE) else ""
        at = f"{row.at:%H:%M:%S}" if row.at is not None else ""
        grid.add_row(mark, Text(str(row.step), faint), Text(at, "dim"), Text(clean(row.note)))
    parts: list[RenderableType] = [title, grid]
    if view.asked is not None:
        parts.append(Text(f"Somebody has to answer until {view.asked.until:%H:%M} UTC; see above.", "bold yellow"))
    if view.result is None:
        parts.append(Text(f"{_span(view.started_at, now)} since {view.started_at:%H:%M:%S} UTC  {view.name}", "dim"))
    return Group(*parts)


def ending(view: View, reports: str, *, brief: bool = False) -> list[tuple[str, str]]:
    """The last lines, each with its style: how it ended, and where it is written down. `brief` below a display."""
    result = view.result
    if result is None:
        return []
    style = "bold green" if result.good else "bold red"
    took = f" after {_span(view.started_at, view.stopped_at)}" if view.stopped_at is not None else ""
    lines = [(f"{clean(result.outcome)}{took}{'.' if brief else f': {clean(result.reason)}'}", style)]
    if reports and view.lines and view.service:
        lines.append((f"s3://{reports}/releases/{view.service}/{view.name}/release-report.html", ""))
    return lines


def say(lines: list[tuple[str, str]]) -> None:
    """Print lines in their styles, as text."""
    if not sys.stdout.isatty():
        for text, _ in lines:
            typer.echo(text)
        return
    console = Console()
    for text, style in lines:
        console.print(Text(text, style), soft_wrap=True)


def _told(view: View) -> str:
    return f": {clean(view.title)}" if view.title else ""


def _span(since: datetime, until: datetime) -> str:
    seconds = max(0, int((until - since).total_seconds()))
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"
