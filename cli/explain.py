"""`breakwater explain`: what Breakwater reads in an event and would decide. No AWS call, nothing kept.

For programs (`--jsonl`) there is exactly one line of JSON for each file, in the order given and whatever is in it,
and nothing else on standard output. For people there is the same decision with what it means and what to do next.
`--json` is one object with all answers, like that of the other commands. To `--jsonl` a file that cannot be read is one
more malformed event; for people and in `--json` it is named with the reason, and the command exits with 2 at its end.
"""

import json
from collections.abc import Iterable
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
    error: str | None = None  # why the file cannot be read

    def fields(self) -> dict[str, object]:
        """Give the answer as programs get it."""
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
        return fields


def explain(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Events, one JSON file each.")],
    context: Annotated[
        Path | None, typer.Option(help="What would have been looked up: one object, file name -> context.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help='One JSON object: {"answers": [...]}.')] = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="One line of JSON for each file, also for one that cannot be read.")
    ] = False,
    sequence: Annotated[bool, typer.Option("--sequence", help="Judge the files in order, with one memory.")] = False,
) -> None:
    """Say what Breakwater reads in events and would decide. Calls nothing, keeps nothing.

    Exits with 2 if a file cannot be read, but for --jsonl, where it is one more malformed event.
    """
    try:
        if as_json and jsonl:
            raise WrongUsageError("--json and --jsonl exclude each other")
        contexts = Contexts.read(context)
    except WrongUsageError as error:
        _say(error)
        raise typer.Exit(2) from None
    shared = Memory()
    # Judged one by one, so that the first answers are there before the last file is read.
    judged = ((path, judge(path, contexts.of(path.name), shared if sequence else Memory())) for path in files)
    if jsonl:
        for _, answer in judged:
            typer.echo(json.dumps(answer.fields()))  # in ASCII, so that no terminal or encoding can stumble over it
        return
    unread = _show_object(judged) if as_json else _show_panels(judged)
    raise typer.Exit(2 if unread else 0)


def _show_object(judged: Iterable[tuple[Path, Answer]]) -> bool:
    """Print all answers as one object, each with the reason why its file cannot be read; says whether there was one."""
    answers = []
    for path, answer in judged:
        answers.append({**answer.fields(), "error": answer.error})
        if answer.error:
            _say(f"{path}: {answer.error}")
    typer.echo(json.dumps({"answers": answers}))
    return any(answer["error"] for answer in answers)


def _show_panels(judged: Iterable[tuple[Path, Answer]]) -> bool:
    """Print the answers for people; says whether a file could not be read."""
    console, unread = Console(), False
    for path, answer in judged:
        if answer.error:
            _say(f"{path}: {answer.error}")
            unread = True
        else:
            console.print(panel(answer))
    return unread


def _say(problem: object) -> None:
    typer.echo(f"breakwater explain: {problem}", err=True)


def judge(path: Path, facts: Facts, memory: Memory) -> Answer:
    """Read one file and judge it; a file that cannot be read is judged as malformed."""
    try:
        raw = read_json(path.read_bytes())
    except (OSError, ValueError) as error:
        return Answer(path.name, _UNREADABLE, error=_why(error))
    batch = read_batch(raw)
    if batch is None:
        return Answer(path.name, diagnose(read(raw), facts, memory))
    judged = diagnose_batch(batch, facts, memory)
    return Answer(path.name, judged.decision, judged)


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return error.strerror or "cannot be read"
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 text at byte {error.start}"
    return f"not JSON: {str(error).removesuffix(' is not JSON')}"


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
