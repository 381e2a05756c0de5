"""The demo for tests: played once through its front door, its page as a browser reads it, and its first half hour."""

import json
from dataclasses import dataclass
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.simulation import Simulation, simulate
from sandbox.simulation.scenario import Scenario


class Tags(HTMLParser):
    """The tags, attributes and ids of a page, as a browser reads it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}

    @property
    def ids(self) -> set[str]:
        return {value for name, value in self.attributes if name == "id"}


@dataclass(frozen=True, slots=True)
class Played:
    """One run of the demo, whole, as `make demo` makes it: what it printed, left in its folder, and simulated."""

    code: int
    shown: str
    page: str
    data: dict[str, Any]
    simulation: Simulation


def play(folder: Path) -> Played:
    """The demo through its front door."""
    simulations: list[Simulation] = []

    def watched(*args: Any, **kwargs: Any) -> Simulation:
        simulations.append(simulate(*args, **kwargs))
        return simulations[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cli.demo.simulate", watched)
        result = CliRunner().invoke(app, ["demo", "--out", str(folder)])
    page, data = (folder / f"report.{kind}" for kind in ("html", "json"))
    return Played(
        result.exit_code,
        result.stdout,
        page.read_text(encoding="utf-8"),
        json.loads(data.read_text(encoding="utf-8")),
        simulations[0],
    )


def early(scenario: Scenario) -> Scenario:
    """The first half hour of the morning, with its first release in it."""
    lasts, before = timedelta(minutes=20), timedelta(minutes=66)
    begins = [step for step in scenario.timeline if step.at < timedelta(minutes=80)]
    return scenario.model_copy(
        update={
            "settle": timedelta(minutes=20),
            "normal": scenario.normal.model_copy(update={"lasts": lasts}),
            "timeline": tuple(step.model_copy(update={"at": step.at - before}) for step in begins),
            "troubles": {name: trouble for name, trouble in scenario.troubles.items() if trouble.at < lasts},
        }
    )
