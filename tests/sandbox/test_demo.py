"""The scenario of the demo, the demo from end to end, a replay, and the report that both leave."""

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.hindsight import leaks, read_again
from cli.main import app
from cli.pages import mrkdwn, to_html
from cli.publish import publish
from cli.rehearsal import rehearse
from cli.run import Message, Run, Written
from cli.verdict import scenario_checks
from sandbox.scenarios.morning import EVENTS, START, morning
from sandbox.scenarios.scenario import Scenario

FEW = 760  # the troubles, and a little that is normal


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


@pytest.fixture(scope="module")
def full() -> Scenario:
    return morning()


@pytest.fixture(scope="module")
def small() -> Scenario:
    return morning(11, FEW)


@pytest.fixture(scope="module")
def lived(small: Scenario) -> Run:
    return rehearse(small)


def stops(scenario: Scenario) -> Counter[str]:
    details = (delivery.event["detail"] for delivery in scenario.deliveries)
    return Counter(str(detail["stopCode"]) for detail in details if detail.get("lastStatus") == "STOPPED")


def test_the_same_seed_gives_the_same_morning(full: Scenario) -> None:
    assert morning() == full
    assert morning(8).deliveries != full.deliveries


def test_a_morning_has_exactly_the_events_it_says_in_order_of_arrival(full: Scenario) -> None:
    times = [delivery.at for delivery in full.deliveries]

    assert len(times) == EVENTS
    assert times == sorted(times)
    assert times[0] >= START
    assert times[-1] < START + timedelta(hours=6)
    assert len({delivery.event["id"] for delivery in full.deliveries}) >= EVENTS - 1  # one is delivered out of order


def test_most_of_a_morning_is_normal_and_every_kind_of_stop_is_in_it(full: Scenario) -> None:
    normal = [delivery for delivery in full.deliveries if delivery.trouble is None]

    assert len(normal) > 0.6 * EVENTS
    assert stops(full).keys() >= {
        "EssentialContainerExited",
        "ServiceSchedulerInitiated",
        "SpotInterruption",
        "TaskFailedToStart",
        "UserInitiated",
    }


@pytest.mark.parametrize("seed", range(5))
def test_the_troubles_are_in_every_morning(seed: int) -> None:
    scenario = morning(seed, 900)

    assert len(scenario.deliveries) == 900
    assert len(scenario.expected) == 27
    labels = Counter(delivery.label for delivery in scenario.deliveries)
    assert labels["delivered again"] >= 20
    assert labels["out of order"] == labels["foreign account"] == labels["malformed"] == 1


def test_each_canary_is_really_hidden_in_what_breakwater_reads(full: Scenario) -> None:
    readable = json.dumps([delivery.event for delivery in full.deliveries])
    readable += json.dumps(full.task_definitions) + "".join(line for output in full.logs for line in output.lines)

    assert len(full.canaries) >= 8
    assert [canary.where for canary in full.canaries if canary.value not in readable] == []


def test_too_few_events_for_the_troubles_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        morning(7, 100)


def test_the_demo_tells_every_trouble_and_nothing_else(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["demo", "--events", str(FEW), "--seed", "5", "--out", str(tmp_path)])

    assert result.exit_code == 0, result.stdout
    assert "emulation" in result.stdout
    assert re.search(r"\d\d:\d\d:\d\d  ● HIGH +prod/orders-api  out of memory.*→ mail, slack", result.stdout)
    assert "every trouble was told: 27 of 27" in result.stdout
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["schema"] == "breakwater.report/1"
    assert report["emulated"] is True
    assert report["funnel"]["events"] == FEW
    assert all(check["ok"] for check in report["checks"])


def test_the_report_is_one_file_that_loads_nothing_and_runs_nothing(small: Scenario, lived: Run) -> None:
    page = publish(small, lived, "demo").html

    found = Tags(page)
    links = {value for name, value in found.attributes if name == "href"}
    assert not found.names & {"script", "iframe", "object", "embed", "img", "link", "form", "base"}
    assert not [name for name, _ in found.attributes if name.startswith("on") or name in ("src", "srcset", "action")]
    assert not re.search(r"url\(|@import", page.partition("</style>")[0])
    assert {link for link in links if not link.startswith(("#", "https://us-east-1.console.aws.amazon.com/"))} == set()
    assert {link[1:] for link in links if link.startswith("#")} <= found.ids


def test_the_report_says_what_breakwater_is_and_what_its_figures_mean(small: Scenario, lived: Run) -> None:
    page = publish(small, lived, "demo").html
    header = " ".join(re.sub(r"<[^>]+>", " ", page.partition("<header>")[2].partition("</header>")[0]).split())
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())

    assert "Breakwater reads the events of Amazon ECS" in header
    assert "things that this scenario breaks were told" in header
    assert "handlers take no virtual time" in header
    assert "A piece of news is" in words


def test_on_a_narrow_screen_each_cell_of_the_troubles_says_its_column(small: Scenario, lived: Run) -> None:
    page = publish(small, lived, "demo").html
    table = page.partition('id="troubles"')[2].partition("</section>")[0]

    assert table.count('data-label="Told as"') == table.count('data-label="After"') == len(small.troubles)


def test_hostile_text_is_shown_as_text(small: Scenario, lived: Run) -> None:
    page = publish(small, lived, "demo").html

    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "&lt;script&gt;" in page
    assert not [letter for letter in page if letter in "\x00\x1b\u202e\u2028"]


@pytest.mark.parametrize("text", ["</pre><script>alert(1)</script>", '" onload="x', "<b>bold</b>", "<!channel>"])
def test_everything_that_came_from_outside_is_escaped(small: Scenario, lived: Run, text: str) -> None:
    evil = Message(9001, small.start, "mail", text, text, (), ())
    posted = Message(9002, small.start, "slack", "[DIGEST] x", "", ({"type": text, "text": text},), ())
    first = lived.records[0]
    record = replace(
        first, incident=replace(first.incident, summary=text, subject=replace(first.incident.subject, name=text))
    )
    run = replace(lived, messages=(*lived.messages, evil, posted), records=(record, *lived.records[1:]))

    page = to_html(publish(replace(small, title=text), run, text).report)

    assert text not in page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("*b* `c`", "<strong>b</strong> <code>c</code>", id="bold and code"),
        pytest.param("&lt;!channel&gt; &amp;amp;", "&lt;!channel&gt; &amp;amp;", id="entities stay text"),
        pytest.param("```\n<x> *y*\n```", "<pre>&lt;x&gt; *y*</pre>", id="a code block"),
        pytest.param("<https://a.example/b|c>", '<a href="https://a.example/b" rel="noreferrer">c</a>', id="a link"),
        pytest.param("<javascript:x|c>", '<mark title="would address people">javascript:x|c</mark>', id="no link"),
    ],
)  # fmt: skip
def test_slack_markup_is_shown_as_slack_shows_it(text: str, shown: str) -> None:
    assert str(mrkdwn(text)) == shown


def test_a_leak_an_untold_trouble_and_a_false_alert_are_bad_news(small: Scenario, lived: Run) -> None:
    told, *rest = lived.records
    odd = replace(told, incident=replace(told.incident, subject=replace(told.incident.subject, name="nobody")))
    run = replace(lived, records=(odd, *rest), written=(Written("log line", f"x{small.canaries[0].value}x"),))

    bad = {check.name for check in scenario_checks(small, run, leaks(run, small.canaries)) if not check.ok}

    assert bad == {"every trouble was told", "nothing normal was told", "no canary came out"}
    assert not publish(small, run, "demo").report.ok


def test_an_event_that_the_patterns_dropped_wrongly_is_seen(small: Scenario, lived: Run) -> None:
    blind = replace(lived, admitted=frozenset())

    assert any(reading.finding and not reading.admitted for reading in read_again(small, blind))
    assert not publish(small, blind, "demo").report.ok


def test_a_replay_tells_what_breakwater_would_have_told(tmp_path: Path, small: Scenario) -> None:
    wanted = {"scheduled job fails", "sidecar fails"}
    events = [dict(delivery.event) for delivery in small.deliveries if delivery.trouble in wanted]
    path = tmp_path / "events.jsonl"
    path.write_text("".join(f"{json.dumps(event)}\n" for event in reversed(events)), encoding="utf-8")
    context = tmp_path / "context.json"
    names = ("notifications:73", "notifications:74")
    flags = {name: {"app": True, "metrics-agent": False} for name in names}
    context.write_text(json.dumps({"task_definitions": flags}), encoding="utf-8")

    result = CliRunner().invoke(app, ["replay", str(path), "--context", str(context), "--json"])

    assert result.exit_code == 0, result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    told = {(story["incident"]["subject"]["name"], story["incident"]["cause"]) for story in report["incidents"]}
    assert told == {("daily-report", "app_error"), ("notifications", "sidecar_error")}
    assert [each["kind"] for each in report["incidents"][0]["told"]] == ["opened", "resolved"]
    assert sum(silence["dropped"] + silence["read"] for silence in report["silence"]) == len(events) - 3
    assert any("daily-report:19" in note for note in report["notes"])
