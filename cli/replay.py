"""`breakwater replay`: a recorded stretch of an account as if Breakwater had been on."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.context import WrongUsageError
from cli.demo import EMULATED
from cli.publish import held_back, publish
from cli.recording import read_recording
from cli.rehearsal import Watcher, rehearse
from cli.report import Report
from cli.timeline import Timeline, terminal
from sandbox.errors import SandboxError

_LOOKS = {"high": "bold red", "medium": "yellow", "low": "cyan"}


def replay(
    events: Annotated[
        Path, typer.Argument(metavar="EVENTS.jsonl", help="One EventBridge event per line, 31 days at most.")
    ],
    context: Annotated[
        Path | None, typer.Option(help='{"task_definitions": {"family:revision": {"container": essential}}}')
    ] = None,
    account: Annotated[str | None, typer.Option(help="Where Breakwater runs; else that of most events.")] = None,
    region: Annotated[str | None, typer.Option(help="Where Breakwater runs; else that of most events.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, the schema of report.json.")] = False,
    out: Annotated[Path | None, typer.Option(help="Leave report.html and report.json in this folder too.")] = None,
) -> None:
    """Run a recorded stretch through the real rules and functions: incidents, notifications, and what stayed silent.

    Order and time are those of the events (`time` of the envelope). Nothing reaches AWS or anybody's mailbox.
    """
    console = terminal(quiet=as_json)
    try:
        recording = read_recording(events, context, account, region)
        stretch = recording.stretch
        timeline = Timeline(console)
        console.print(f"{len(stretch.deliveries):,} events, {stretch.start:%Y-%m-%d %H:%M} UTC on. {EMULATED}\n")
        with timeline.showing():
            run = rehearse(stretch, Watcher(timeline.told, timeline.moved))
    except (WrongUsageError, SandboxError) as error:
        typer.echo(f"breakwater replay: {error}", err=True)
        raise typer.Exit(2) from None
    published = publish(stretch, run, f"replay {events.name}", recording.notes)
    if out is not None:
        published.write(out)
    if as_json:
        typer.echo(published.json)
    else:
        show(console, published.report)


def show(console: Console, report: Report) -> None:
    """The incidents, what came of them, and what stayed silent, as tables."""
    console.print()
    if report.incidents:
        console.print(_incidents(report))
    else:
        console.print("No incident: there was nothing that a person should hear of.")
    console.print(_silence(report))
    funnel = report.funnel
    console.print(
        f"{funnel.events:,} events, {funnel.admitted:,} reached the code, {funnel.failures:,} failures, "
        f"{funnel.incidents:,} incidents, {funnel.messages:,} messages ({funnel.digests} digests, which held "
        f"{held_back(report)} pieces of news back)."
    )
    for check in report.checks:
        if not check.ok:
            console.print(Text(f"✗ {check.name}: {check.found}", style="bold red"))
    for note in report.notes:
        console.print(Text(note, style="dim"))


def _incidents(report: Report) -> Table:
    table = Table(title="Incidents", title_justify="left", box=None, header_style="dim", pad_edge=False)
    for heading in ("severity", "what", "cause", "times", "first seen", "told"):
        table.add_column(heading, justify="right" if heading == "times" else "left")
    for story in report.incidents:
        told = ", ".join(f"{told.kind} {told.at:%H:%M:%S}" for told in story.told)
        table.add_row(
            Text(str(story.severity), style=_LOOKS.get(str(story.severity), "")),
            Text(story.name),
            Text(str(story.incident.cause)),
            str(story.incident.count),
            f"{story.incident.first_seen:%Y-%m-%d %H:%M:%S}",
            told,
        )
    return table


def _silence(report: Report) -> Table:
    table = Table(title="\nSilent, and why", title_justify="left", box=None, header_style="dim", pad_edge=False)
    for heading in ("cause", "dropped by a pattern", "read and let go", "why"):
        table.add_column(heading, justify="right" if heading[0] in "dr" else "left")
    for silence in report.silence:
        table.add_row(str(silence.cause), str(silence.dropped), str(silence.read), Text(silence.why))
    return table
