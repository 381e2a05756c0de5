"""`breakwater demo`: a morning of an invented account, run through the real template and functions in the sandbox."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.pages import deeds
from cli.publish import Published, held_back, publish
from cli.releases import ReleaseStory
from cli.report import Report
from cli.simulation import Happening, Onlooker, Simulation, StepError, simulate
from cli.timeline import Timeline, deed_line, terminal
from cli.verdict import Check
from sandbox.simulation.scenario import read_scenario

MORNING = Path(__file__).resolve().parents[1] / "sandbox" / "scenarios" / "morning.yaml"
EMULATED = "This is emulation: real template, patterns and functions, stand-ins for AWS, virtual time."


def demo(
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another morning; the troubles stay.")] = 7,
    out: Annotated[Path, typer.Option(help="Where report.html and report.json go.")] = Path("build/demo"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of the timeline.")] = False,
    share: Annotated[float, typer.Option(min=0, max=1, help="How much of what is normal happens.", hidden=True)] = 1.0,
) -> None:
    """Live through a morning of about 2,000 ECS events without an AWS account: timeline, report.html, report.json."""
    scenario = read_scenario(MORNING)
    console = terminal(quiet=as_json)
    console.print(f"[bold]{scenario.title[:1].upper()}{scenario.title[1:]}[/], seed {seed}. {EMULATED}\n")
    timeline = Timeline(console)
    try:
        with timeline.showing():
            onlooker = Onlooker(timeline.told, timeline.moved, lambda one: _happened(timeline, one))
            simulation = simulate(scenario, seed, onlooker, share=share)
    except StepError as error:
        typer.echo(f"breakwater demo: {error}", err=True)
        raise typer.Exit(2) from None
    published = publish(simulation.stretch, simulation.run, f"demo --seed {seed}", expected=checks(simulation))
    page, data = published.write(out)
    if as_json:
        typer.echo(json.dumps(summary(published, page, data)))
    else:
        show_summary(console, published.report)
        console.print(f"\nThe whole story: [bold]{page}[/]  (data: {data})", soft_wrap=True)
    raise typer.Exit(0 if published.report.ok else 1)


def _happened(timeline: Timeline, happening: Happening) -> None:
    """Of what nobody is told, releases are shown: the rest of a whole morning would be too much."""
    if happening.who == "release":
        timeline.released(happening.at, happening.what, happening.bodes)


def checks(simulation: Simulation) -> list[Check]:
    """What a scenario says has to be so, for the report; it looks itself at what has to be so everywhere."""
    return [Check(verdict.name, verdict.ok, verdict.found) for verdict in simulation.claimed]


def summary(published: Published, page: Path, data: Path) -> dict[str, object]:
    """The result for programs; the whole report is in the file that it names."""
    report = published.report
    return {
        "ok": report.ok,
        "emulated": report.emulated,
        "seed": report.seed,
        "funnel": asdict(report.funnel),
        "dropped_by_patterns": report.funnel.events - report.funnel.admitted,
        "held_back_by_limit": held_back(report),
        "aws_calls": sum(report.calls.values()),
        "dead_letters": len(report.dead_letters),
        "checks": [asdict(check) for check in report.checks],
        "seconds": report.seconds,
        "report": {"html": str(page), "json": str(data)},
    }


def show_releases(console: Console, releases: Sequence[ReleaseStory]) -> None:
    """Each release in two lines: how it ended and why, and what became of the traffic meanwhile."""
    if releases:
        console.print()
        console.print("[bold]The releases[/]")
    for one in releases:
        mark = {"good": "[green]✓[/]", "bad": "[yellow]↩[/]"}.get(one.how, "·")
        console.print(f"{mark} {one.service}  [bold]{one.revision} {one.result.lower() or 'goes on'}[/]", end="")
        minutes, seconds = divmod(round(one.seconds), 60)
        console.print(f" after {minutes} min {seconds} s: {one.reason}", markup=False, soft_wrap=True)
        changes = one.weights if any(point.share for point in one.weights) else ()
        weights = ", ".join(f"{point.at:%H:%M:%S} {point.share:g} %" for point in changes)
        console.print(
            f"  of {one.sent:,} requests meanwhile {one.to_new:,} went to the new revision and {one.failed:,} failed; "
            f"its weight: {weights or 'none at any time'}",
            style="dim",
            markup=False,
            soft_wrap=True,
        )


def show_summary(console: Console, report: Report) -> None:
    """The figures of a run and what was checked, for people."""
    funnel = report.funnel
    figures = Table.grid(padding=(0, 2))
    figures.add_column(justify="right", style="bold")
    figures.add_column()
    for figure, words in (
        (funnel.events, "events on the bus"),
        (funnel.events - funnel.admitted, "dropped by the rules' patterns"),
        (funnel.admitted, "reached the code"),
        (funnel.failures, "failures, each counted once"),
        (funnel.incidents, "incidents"),
        (funnel.messages, f"messages, {funnel.digests} of them digests"),
        (held_back(report), "pieces of news held back for a digest by the limit of ten messages a minute"),
        (sum(report.calls.values()), "AWS calls by the functions"),
        (len(report.dead_letters), "dead letters"),
    ):
        figures.add_row(f"{figure:,}", words)
    show_releases(console, report.releases)
    console.print()
    console.print("[bold]What Breakwater did[/]")
    for deed in deeds(report.journal):
        console.print(deed_line(deed), overflow="ellipsis", no_wrap=True)
    console.print()
    console.print(figures)
    console.print()
    for check in report.checks:
        mark = "[green]✓[/]" if check.ok else "[bold red]✗[/]"
        console.print(f"{mark} {check.name}", end="")
        console.print(f": {check.found}", style="dim", markup=False, soft_wrap=True)
    console.print(f"\n{report.seconds} s of real time. {EMULATED}", style="dim")
