"""`breakwater explain`: what Breakwater reads in an event and would decide. No AWS call, nothing kept.

For programs (`--jsonl`) there is exactly one line of JSON for each file, in the order given and whatever is in it,
and nothing else on standard output. For people there is the same decision with what it means and what to do next.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from breakwater.causes import explanation
from breakwater.diagnosis import BatchDiagnosis, Facts, Memory, diagnose, diagnose_batch
from breakwater.events import read, read_batch, read_json
from breakwater.model import Category, Cause, Diagnosis, Severity
from cli.context import Contexts, WrongUsageError

_COLOURS = {Severity.HIGH: "red", Severity.MEDIUM: "yellow", Severity.LOW: "cyan", Severity.INFO: "blue"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said about one file."""

    file: str
    decision: Diagnosis
    batch: BatchDiagnosis | None = None

    def as_line(self) -> str:
        """Give the answer as one line of JSON, in ASCII, so that no terminal or encoding can stumble over it."""
        decision = self.decision
        fields: dict[str, object] = {
            "file": self.file,
            "category": decision.category,
            "nonzero_exit_alert": decision.nonzero_exit_alert,
            "any_alert": decision.any_alert,
            "severity": decision.severity,
            "cause": decision.cause,
            "counts_for_rollback": decision.counts_for_rollback,
            "action": decision.action,
            "reason": decision.reason,
            "container": decision.container,
            "late": decision.late,
        }
        if self.batch:
            fields["records"] = self.batch.records
            fields["alerts"] = self.batch.alerts
            fields["batch_item_failures"] = self.batch.batch_item_failures
        return json.dumps(fields)


def explain(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Events, one JSON file each.")],
    context: Annotated[
        Path | None, typer.Option(help="What would have been looked up: one object, file name -> context.")
    ] = None,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One line of JSON for each file, for programs.")] = False,
    sequence: Annotated[bool, typer.Option("--sequence", help="Judge the files in order, with one memory.")] = False,
) -> None:
    """Say what Breakwater reads in events and would decide. Calls nothing, keeps nothing."""
    try:
        contexts = Contexts.read(context)
    except WrongUsageError as error:
        typer.echo(f"breakwater explain: {error}", err=True)
        raise typer.Exit(2) from None
    console = None if jsonl else Console()
    shared = Memory()
    for path in files:
        answer = judge(path, contexts.of(path.name), shared if sequence else Memory())
        if console is None:
            typer.echo(answer.as_line())
        else:
            console.print(panel(answer))


def judge(path: Path, facts: Facts, memory: Memory) -> Answer:
    """Read one file and judge it; a file that cannot be read is judged as malformed."""
    try:
        raw = read_json(path.read_bytes())
    except (OSError, ValueError):
        return Answer(path.name, _UNREADABLE)
    batch = read_batch(raw)
    if batch is None:
        return Answer(path.name, diagnose(read(raw), facts, memory))
    judged = diagnose_batch(batch, facts, memory)
    return Answer(path.name, judged.decision, judged)


_UNREADABLE = Diagnosis(Category.NONE, Severity.NONE, Cause.MALFORMED, "The file cannot be read as JSON.")


def panel(answer: Answer) -> Panel:
    """Show one answer to a person."""
    decision = answer.decision
    colour = _COLOURS.get(decision.severity, "dim")
    parts: list[Text] = [Text(decision.reason)]
    told = explanation(decision.cause, decision.category) if decision.severity is not Severity.NONE else None
    if told:
        parts += [Text(), Text(told.title, style="bold"), Text(told.meaning), Text()]
        parts += [Text(f"{number}. {step}") for number, step in enumerate(told.next_steps, 1)]
    parts += [Text(), Text(_facts_line(answer), style="dim")]
    return Panel(Group(*parts), title=Text(answer.file), title_align="left", border_style=colour)


def _facts_line(answer: Answer) -> str:
    decision = answer.decision
    words = [f"{decision.category}, {decision.severity}, cause {decision.cause}"]
    words.append("alerts" if decision.any_alert else "no alert")
    if decision.counts_for_rollback:
        words.append("counts against the deployment in progress")
    if decision.action != "none":
        words.append(f"action {decision.action}")
    if decision.late:
        words.append("late")
    if answer.batch:
        words.append(f"{answer.batch.records} records, {answer.batch.alerts} alerts")
    return " · ".join(words)
