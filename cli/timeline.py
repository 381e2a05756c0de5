"""The lines that a run shows while it goes on: one for each piece of news, with the channels that brought it."""

import re
import sys
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime

from rich.console import Console
from rich.live import Live
from rich.text import Text

from cli.rehearsal import Progress
from cli.run import JournalLine, Message

_BADGE = re.compile(r"\[([^\]]+)\] (?:\[LATE\] )?(.*)", re.DOTALL)
_REVISION = re.compile(r" \([^()]+:\d+\)$")
_LOOKS = {
    "HIGH": "bold red",
    "MEDIUM": "yellow",
    "LOW": "cyan",
    "RESOLVED": "green",
    "DONE": "green",
    "DIGEST": "magenta",
}
_PAUSE = 0.08
_WIDE = 180
_BODES = {"good": "green", "bad": "bold red", "open": "yellow"}
_MARKS = {"GOES ON": "▲", "IS BACK": "↻"}


@dataclass(frozen=True, slots=True)
class Line:
    """One piece of news: when, how bad (or what), about what, through which channels."""

    at: str
    badge: str
    mark: str
    subject: str
    words: str
    channels: tuple[str, ...]

    def text(self) -> Text:
        """The line in colours; they say nothing that the words do not."""
        look = _LOOKS.get(self.badge.partition(",")[0], "")
        line = Text.assemble((self.at, "dim"), "  ", (f"{self.mark} {self.badge:<13}", look), " ")
        line.append(self.subject, "bold" if self.badge != "RESOLVED" else "")
        line.append(f"  {self.words}" if self.words else "")
        return line.append(f"  → {', '.join(self.channels)}", "dim")


def lines_of(messages: Iterable[Message]) -> list[Line]:
    """The messages of one moment as lines: the same news on two channels is one line."""
    groups: dict[tuple[str, tuple[str, ...], str], list[Message]] = {}
    for message in messages:
        badge, _ = _split(message.title)
        groups.setdefault((badge, message.incidents, f"{message.at:%H:%M}"), []).append(message)
    return [_line(badge, group) for (badge, _, _), group in groups.items()]


def _split(title: str) -> tuple[str, str]:
    match = _BADGE.match(title)
    if match:
        return match[1], match[2]
    return title.split(" ", 1)[0], title.partition(" ")[2].strip()


def _line(badge: str, group: list[Message]) -> Line:
    first = group[0]
    subject, _, words = _REVISION.sub("", _split(first.title)[1]).partition(": ")
    mark = next((mark for news, mark in _MARKS.items() if news in badge), "●")
    mark = {"RESOLVED": "✓", "DONE": "✓", "DIGEST": "▤"}.get(badge, mark)
    channels = tuple(dict.fromkeys(each.channel for each in group))
    return Line(f"{first.at:%H:%M:%S}", badge, mark, subject, words, channels)


def terminal(*, quiet: bool) -> Console:
    """The console of a command; where its output is no terminal, lines are not cut and not folded."""
    if sys.stdout.isatty():
        return Console(file=sys.stdout, highlight=False, quiet=quiet)
    return Console(file=sys.stdout, highlight=False, quiet=quiet, width=_WIDE)


@dataclass(slots=True)
class Timeline:
    """Prints lines as they come; on a terminal a status line below them moves with the virtual clock."""

    console: Console
    _live: Live | None = field(default=None, init=False)
    _shown: float = field(default=0.0, init=False)

    def showing(self) -> AbstractContextManager[object]:
        """Keep the status line while the run goes on. No thread draws it: while a function runs, stdout is its own."""
        if not self.console.is_terminal:
            return nullcontext()
        self._live = Live(
            Text(),
            console=self.console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        return self._live

    def told(self, messages: list[Message]) -> None:
        """Print what people are told now."""
        for line in lines_of(messages):
            self.console.print(line.text(), overflow="ellipsis", no_wrap=True)

    def released(self, at: datetime, what: str, bodes: str) -> None:
        """Print a step of a release: what it did, what a check found."""
        subject, _, words = what.partition(": ")
        look = _BODES.get(bodes, "cyan")
        text = Text.assemble((f"{at:%H:%M:%S}", "dim"), "  ", (f"⇄ {'RELEASE':<13}", look), " ", (subject, "bold"))
        self.console.print(text.append(f"  {words}"), overflow="ellipsis", no_wrap=True)

    def moved(self, progress: Progress) -> None:
        """Move the status line, a dozen times a second at most."""
        if self._live is None or time.perf_counter() - self._shown < _PAUSE:
            return
        self._shown = time.perf_counter()
        width = min(30, max(10, self.console.width - 70))
        done = min(width, round(width * progress.share))
        bar = Text.assemble(("━" * done, "cyan"), ("━" * (width - done), "dim"))
        words = f"  {progress.events:,} events, {progress.admitted} reached the code"
        self._live.update(Text.assemble((f"{progress.at:%H:%M:%S}  ", "bold"), bar, words), refresh=True)


def deed_line(line: JournalLine) -> Text:
    """One decision of Breakwater about a service or a job, in one line."""
    text = Text.assemble((f"{line.at:%H:%M:%S}  ", "dim"), f"{line.subject}  {line.decision}")
    return text.append(f"  {line.reason} ({line.outcome})", "dim")
