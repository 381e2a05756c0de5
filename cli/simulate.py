"""`breakwater simulate`: a scenario file run through the real template and functions in the sandbox, and judged."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from breakwater.errors import DocumentError
from cli.demo import EMULATED, checks, show_releases
from cli.pages import deeds
from cli.publish import publish
from cli.simulation import Happening, Onlooker, Simulation, StepError, as_json, simulate
from cli.timeline import Timeline, deed_line, terminal
from sandbox.errors import SandboxError
from sandbox.simulation.scenario import Scenario, read_scenario

_LOOKS = {"people": "bold", "ecs": "dim"}
_MARKS = {"people": "▸", "ecs": "·"}


def simulate_file(
    file: Annotated[Path, typer.Argument(metavar="SCENARIO.yaml", help="See docs/scenarios.md for what it may say.")],
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed than the file's: other luck.")] = None,
    as_one_object: Annotated[bool, typer.Option("--json", help="One JSON object instead of the timeline.")] = False,
    out: Annotated[Path | None, typer.Option(help="Leave report.html and report.json in this folder too.")] = None,
) -> None:
    """Run a scenario against the whole sandbox and judge what it expects: 0 as expected, 1 not, 2 a bad scenario."""
    console = terminal(quiet=as_one_object)
    try:
        scenario = read_scenario(file)
        console.print(Text(scenario.title, style="bold"))
        console.print(Text(f"{scenario.story.strip()}\n" if scenario.story else "", style="dim"))
        simulation = _run(scenario, seed, console)
    except (DocumentError, StepError, SandboxError, OSError, UnicodeDecodeError) as error:
        for line in _complaints(file, error):
            typer.echo(line, err=True)
        raise typer.Exit(2) from None
    if out is not None:
        command = f"simulate {file.name} --seed {simulation.seed}"
        publish(simulation.stretch, simulation.run, command, expected=checks(simulation)).write(out)
    if as_one_object:
        typer.echo(as_json(simulation))
    else:
        show(console, simulation)
    raise typer.Exit(0 if simulation.ok else 1)


def _complaints(file: Path, error: Exception) -> list[str]:
    match error:
        case DocumentError():
            return [str(error)]
        case StepError():
            return [f"{file.name}: {error}"]
        case OSError():
            return [f"breakwater simulate: {file}: {error.strerror}"]
        case UnicodeDecodeError():
            return [f"breakwater simulate: {file} is not text in UTF-8"]
        case _:
            return [f"breakwater simulate: {file.name}: {error}"]


def _run(scenario: Scenario, seed: int | None, console: Console) -> Simulation:
    timeline = Timeline(console)
    story = _Story(timeline)
    with timeline.showing():
        return simulate(scenario, seed, Onlooker(timeline.told, timeline.moved, story.happened))


@dataclass(slots=True)
class _Story:
    """Prints what people do and what becomes of their deployments, between the messages."""

    timeline: Timeline

    def happened(self, happening: Happening) -> None:
        if happening.who == "release":
            self.timeline.released(happening.at, happening.what, happening.bodes)
            return
        line = Text.assemble((f"{happening.at:%H:%M:%S}  ", "dim"), f"{_MARKS[happening.who]} ", happening.what)
        line.stylize(_LOOKS[happening.who], 10)
        self.timeline.console.print(line, overflow="ellipsis", no_wrap=True)


def show(console: Console, simulation: Simulation) -> None:
    """The incidents as they stand, and each expectation with its mark."""
    console.print()
    for one in simulation.evidence.told.incidents:
        line = Text.assemble((f"{one.severity!s:<7}", "bold"), f"{one.subject}  {one.category}/{one.cause}")
        line.append(f"  {one.count} times: {one.summary}  ({one.status})", "dim")
        console.print(line, overflow="ellipsis", no_wrap=True)
    if not simulation.evidence.told.incidents:
        console.print("No incident: there was nothing that a person should hear of.")
    show_releases(console, simulation.run.releases)
    console.print()
    did = deeds(simulation.run.journal)
    for deed in did:
        console.print(deed_line(deed), overflow="ellipsis", no_wrap=True)
    if did:
        console.print()
    for verdict in simulation.verdicts:
        mark = ("✓ ", "green") if verdict.ok else ("✗ ", "bold red")
        found = "" if verdict.ok and verdict.found in verdict.name else f"  found: {verdict.found}"
        console.print(Text.assemble(mark, verdict.name, (found, "dim" if verdict.ok else "")), soft_wrap=True)
    events, seconds = len(simulation.stretch.deliveries), simulation.run.seconds
    figures = f"{events:,} events, {len(simulation.run.admitted):,} reached the code"
    console.print(f"\n{figures}, seed {simulation.seed}, {seconds:.1f} s of real time. {EMULATED}", style="dim")
