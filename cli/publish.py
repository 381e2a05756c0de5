"""From a run to its report: judged, rendered, searched for secrets, and written to a folder."""

import platform
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from cli.hindsight import leaks, read_again
from cli.pages import to_html
from cli.report import Report, build_report, to_json
from cli.run import Run
from cli.stretch import Stretch
from cli.verdict import Check, canary_check, general_checks

_PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
_SHOWN = ("moto", "aws-sam-translator", "botocore", "pydantic")


@dataclass(frozen=True, slots=True)
class Published:
    """A report as data, as a page and as JSON."""

    report: Report
    html: str
    json: str

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Leave `report.html` and `report.json` in a folder; says where."""
        folder.mkdir(parents=True, exist_ok=True)
        page, data = folder / "report.html", folder / "report.json"
        page.write_text(self.html, encoding="utf-8")
        data.write_text(self.json, encoding="utf-8")
        return page, data


def publish(
    stretch: Stretch, run: Run, command: str, notes: Iterable[str] = (), *, expected: Iterable[Check] = ()
) -> Published:
    """Judge a run and render it; where a scenario hid secrets, the report is searched for them too.

    `expected` is what has been judged elsewhere, and comes first.
    """
    readings, notes = read_again(stretch, run), tuple(notes)
    checks = [*expected, *general_checks(run, readings)]
    report = build_report(stretch, run, readings, checks, command=command, versions=versions(), notes=notes)
    if stretch.canaries:
        also = (("report.html", to_html(report)), ("report.json", to_json(report)))
        checks.append(canary_check(stretch, run, leaks(run, stretch.canaries, also)))
        report = build_report(stretch, run, readings, checks, command=command, versions=versions(), notes=notes)
    return Published(report, to_html(report), to_json(report))


def versions() -> dict[str, str]:
    """What the run was made with."""
    own = tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]["version"]
    return {"breakwater": own, "python": platform.python_version(), **{name: version(name) for name in _SHOWN}}


def held_back(report: Report) -> int:
    """How many pieces of news waited for a digest, on all channels together."""
    digests = {message.number for message in report.messages if message.digest}
    return sum(
        number in digests for story in report.incidents for told in story.told for number in told.channels.values()
    )
