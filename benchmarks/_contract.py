"""What every benchmark has in common: its options, and the shape of what it prints.

`python -m benchmarks.NAME [--quick] [--seed N] [--json]`. With `--json` exactly one object goes to standard output:
`{"figures": {name: number}, "noise": {name: number}, "versions": {name: text}}`; everything else, also progress, goes
to standard error. `--quick` ends within 45 seconds on two cores.
"""

import argparse
import json
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

PACKAGES = ("aws-lambda-powertools", "boto3", "botocore", "moto", "pydantic")


@dataclass(frozen=True, slots=True)
class Options:
    """How a benchmark is run."""

    quick: bool = False
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should be: at most `limit`, or exactly it."""

    limit: float
    exactly: bool = False

    def met(self, figure: float) -> bool:
        """Whether the figure is what it should be."""
        return figure == self.limit if self.exactly else figure <= self.limit

    def __str__(self) -> str:
        return f"{'=' if self.exactly else '≤'} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a benchmark found. `meaning` and `goals` explain figures to people and are not part of the JSON."""

    figures: Mapping[str, float]
    noise: Mapping[str, float] = field(default_factory=dict)
    meaning: Mapping[str, str] = field(default_factory=dict)
    goals: Mapping[str, Goal] = field(default_factory=dict)

    def as_json(self) -> str:
        """The one object of the contract."""
        rounded = {name: round(value, 4) for name, value in self.figures.items()}
        noise = {name: round(value, 4) for name, value in self.noise.items()}
        return json.dumps({"figures": rounded, "noise": noise, "versions": versions()})


def versions() -> dict[str, str]:
    """What was measured with: a figure means nothing without it."""
    return {"python": platform.python_version()} | {package: version(package) for package in PACKAGES}


def say(text: str) -> None:
    """Tell of progress, out of the way of the result."""
    print(text, file=sys.stderr, flush=True)


def main(title: str, run: Callable[[Options], Outcome], arguments: Sequence[str] | None = None) -> int:
    """Run a benchmark from the command line. The exit code is 1 if a goal was missed."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--quick", action="store_true", help="end within 45 seconds, with more noise")
    parser.add_argument("--seed", type=int, default=7, help="of everything that is drawn at random (default: 7)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args(arguments)
    outcome = run(Options(asked.quick, asked.seed))
    if asked.json:
        print(outcome.as_json())
    else:
        _print_table(title, outcome)
    return 0 if all(goal.met(outcome.figures[name]) for name, goal in outcome.goals.items()) else 1


def _print_table(title: str, outcome: Outcome) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column("figure", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("goal", justify="right", no_wrap=True)
    table.add_column("what it is")
    for name, value in outcome.figures.items():
        goal = outcome.goals.get(name)
        style = "" if goal is None else "green" if goal.met(value) else "bold red"
        table.add_row(
            name, f"{value:.3f}".rstrip("0").rstrip("."), str(goal or ""), outcome.meaning.get(name, ""), style=style
        )
    console = Console()
    console.print(table)
    if outcome.noise:
        console.print("Noise: " + ", ".join(f"{name} {value:.3g}" for name, value in outcome.noise.items()))
    console.print("With " + ", ".join(f"{name} {number}" for name, number in versions().items()) + ".")
