"""The scenario of the demo, the demo from end to end, a replay, and the report that both leave."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.demo import MORNING
from cli.hindsight import leaks, read_again
from cli.main import app
from cli.pages import mrkdwn, to_html
from cli.publish import publish
from cli.run import JournalLine, Message, Run, Written
from cli.simulation import Simulation, as_json, simulate
from cli.stretch import Stretch
from cli.verdict import canary_check
from sandbox.simulation.evidence import Evidence
from sandbox.simulation.judge import judge
from sandbox.simulation.normal import AFTER, BEFORE, draw
from sandbox.simulation.scenario import Scenario, read_scenario
from tests.sandbox.demo_stage import Played, Tags, early, play


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return read_scenario(MORNING)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """It takes longer than all else here, so the tests share it."""
    return play(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def full(played: Played) -> Simulation:
    return played.simulation


@pytest.fixture(scope="module")
def stretch(full: Simulation) -> Stretch:
    return full.stretch


@pytest.fixture(scope="module")
def lived(full: Simulation) -> Run:
    return full.run


def test_the_same_seed_gives_the_same_morning_byte_for_byte(scenario: Scenario) -> None:
    first, again = (simulate(early(scenario), 11, share=0.2) for _ in range(2))

    assert [release.result for release in first.run.releases] == ["Released"]
    assert again.log == first.log
    assert as_json(again) == as_json(first)
    assert again.stretch == first.stretch


def test_another_seed_is_another_morning(scenario: Scenario) -> None:
    assert draw(scenario, 8) == draw(scenario, 8)
    assert draw(scenario, 8) != draw(scenario, 7)


def test_a_morning_has_about_two_thousand_events_in_five_hours_in_order_of_arrival(full: Simulation) -> None:
    times = [delivery.at for delivery in full.stretch.deliveries]
    noon = sum(at < full.scenario.start + full.scenario.normal.lasts for at in times)

    assert 1800 <= noon <= len(times) <= 2400
    assert times == sorted(times)
    assert times[0] >= full.scenario.start


def test_most_of_a_morning_is_normal_and_every_kind_of_stop_is_in_it(full: Simulation) -> None:
    details = [delivery.event["detail"] for delivery in full.stretch.deliveries]
    stops = Counter(str(detail["stopCode"]) for detail in details if detail.get("lastStatus") == "STOPPED")
    polite = {
        container.get("exitCode")
        for detail in details
        if detail.get("stopCode") == "ServiceSchedulerInitiated" and detail["lastStatus"] == "STOPPED"
        for container in detail["containers"]
    }

    assert len(full.run.admitted) < 0.15 * len(full.stretch.deliveries)
    assert stops.keys() == {
        "EssentialContainerExited",
        "ServiceSchedulerInitiated",
        "SpotInterruption",
        "TaskFailedToStart",
        "UserInitiated",
    }
    assert polite >= {0, 1, 2, 137, 143}  # whatever a container leaves with when the scheduler stops it


def test_events_come_twice_under_one_id_and_under_two_and_late(full: Simulation) -> None:
    deliveries = full.stretch.deliveries
    ids = Counter(str(delivery.event["id"]) for delivery in deliveries)
    states = Counter(
        (detail["taskArn"], detail["version"])
        for detail in (delivery.event["detail"] for delivery in deliveries)
        if "taskArn" in detail
    )
    late = [each for each in read_again(full.stretch, full.run) if each.diagnosis.cause == "stale"]

    assert sum(times > 1 for times in ids.values()) >= 10
    assert sum(times > 1 for times in states.values()) >= sum(times > 1 for times in ids.values()) + 10
    assert late
    assert ids.total() - len(ids) >= 10


def test_what_is_drawn_keeps_away_from_what_is_planned_and_can_be_carried_out(scenario: Scenario) -> None:
    planned = [
        (at.total_seconds(), name)
        for at, _, step in scenario.planned()
        for name in [getattr(step.action, "service", None)]
        if name is not None
    ]
    deployed = {step.deploy.service for _, _, step in scenario.planned() if step.deploy is not None}

    for seed in range(20):
        for step in draw(scenario, seed).steps:
            name = getattr(step.action, "service", None)
            near = [at for at, other in planned if other == name and -BEFORE < step.at.total_seconds() - at < AFTER]
            assert near == [], (seed, step)
            assert step.deploy is None or step.deploy.service not in deployed


def test_each_canary_is_really_hidden_in_what_breakwater_reads(scenario: Scenario, full: Simulation) -> None:
    readable = json.dumps([delivery.event for delivery in full.stretch.deliveries])
    readable += json.dumps(full.stretch.task_definitions, default=str)
    steps = [step.action for _, _, step in scenario.planned()]
    logs = {lines for each in (*scenario.images.values(), *steps) if (lines := getattr(each, "logs", ()))}
    tails = [one.evidence.log.lines for one in full.run.incidents if one.evidence.log is not None]

    assert len(scenario.canaries) >= 8
    readable += "".join(line for lines in logs for line in lines)
    assert [where for where, value in scenario.canaries.items() if value not in readable] == []
    hidden = [lines for lines in logs if any(value in line for value in scenario.canaries.values() for line in lines)]
    assert len(hidden) == 4
    for lines in hidden:  # and what was in the logs was read, and redacted
        assert [tail for tail in tails if len(tail) == len(lines) and "[redacted]" in "".join(tail)], lines


def test_the_demo_tells_every_trouble_and_nothing_else(played: Played) -> None:
    assert played.code == 0, played.shown
    assert "emulation" in played.shown
    assert re.search(r"\d\d:\d\d:\d\d  ● HIGH +prod/orders-api  out of memory.*→ mail, slack", played.shown)
    assert "every trouble was told: 35 of 35" in played.shown
    assert "nothing normal was told: 0 false alerts" in played.shown
    assert "everything was resolved in the end: 0 still open" in played.shown
    assert "every trouble was over when its story says: 17 of 17" in played.shown
    assert "no canary came out: 0 leaks of 9 invented secrets" in played.shown
    assert played.data["schema"] == "breakwater.report/1"
    assert played.data["emulated"] is True
    assert played.data["funnel"]["incidents"] == 35  # the release that passed is none
    assert played.data["cast"] == {"clusters": 3, "services": 27, "jobs": 8}
    assert all(check["ok"] for check in played.data["checks"])
    assert "✗" not in played.shown


def test_the_demo_shows_a_release_that_passes_and_one_that_is_returned(played: Played) -> None:
    passed, returned = played.simulation.run.releases
    lines = [line for line in played.shown.splitlines() if "⇄ RELEASE" in line]

    assert (passed.service, passed.result, passed.revision) == ("prod/storefront", "Released", "storefront:88")
    assert [point.share for point in passed.weights] == [0.0, 100.0]
    assert (passed.failed, passed.to_new > 1000) == (0, True)
    assert (returned.service, returned.result, returned.before) == ("prod/reviews", "Returned", "reviews:12")
    assert [point.share for point in returned.weights] == [0.0]
    assert (returned.failed, returned.to_new, returned.sent > 500) == (0, 0, True)
    assert "it is back, and verified: reviews:12 runs 2 of 2 tasks" in returned.reason
    for step in (
        "check front-page passed",
        "metrics, look",
        "goes on",
        "ended released",
        "check newest-reviews failed",
    ):
        assert any(step in line for line in lines), step
    assert re.search(r"✓ DONE +prod/storefront  released and verified +→ mail, slack", played.shown)
    assert "✓ prod/storefront  storefront:88 released after" in played.shown
    assert "↩ prod/reviews  reviews:13 returned after" in played.shown
    for check in (
        "✓ releases of storefront with result Released, revision 88: 1",
        "✓ release fails its smoke test: releases of reviews with result Returned",
        "✓ release fails its smoke test: weights of shop/http/reviews/*: reviews-a 100, reviews-b 0",
        "✓ release fails its smoke test: requests for /reviews/tea to shop/http, answered by reviews, failed: 0",
    ):
        assert check in played.shown, check


def test_the_report_tells_the_releases_with_a_picture_of_their_traffic(played: Played) -> None:
    section = played.page.partition('id="releases"')[2].partition("</section>")[0]

    assert section.count('<svg class="traffic"') == 2
    assert section.count('class="new"') > 5
    assert 'class="bad"' not in section
    assert "answers: 500, 500" in section
    assert "relation reviews_v2 does not exist" in section
    assert "The new side never had any of the listener's weight" in section


def test_a_release_that_ends_otherwise_is_bad_news(scenario: Scenario, full: Simulation) -> None:
    swapped = tuple(
        replace(one, result={"Released": "Returned", "Returned": "Released"}[one.result])
        for one in full.evidence.releases
    )
    lossy = {where: replace(sent, failed=sent.failed + 1) for where, sent in full.evidence.requests.items()}
    evidence = replace(full.evidence, releases=swapped, requests=lossy)

    bad = {verdict.name for verdict in judge(scenario, evidence) if not verdict.ok}

    assert {name.partition(" with ")[0] for name in bad if "releases of" in name} == {
        "releases of storefront",
        "release fails its smoke test: releases of reviews",
    }
    assert sum("requests for" in name for name in bad) == 2


def test_a_whole_morning_is_as_expected(played: Played) -> None:
    data, full = played.data, played.simulation

    assert [f"{check['name']}: {check['found']}" for check in data["checks"] if not check["ok"]] == []
    assert [f"{verdict.name}: {verdict.found}" for verdict in full.verdicts if not verdict.ok] == []
    assert [trouble["name"] for trouble in data["troubles"] if not trouble["incidents"]] == []
    assert len(data["troubles"]) == 17
    assert data["funnel"]["digests"] >= 2


def test_the_report_is_one_file_that_loads_nothing_and_runs_nothing(played: Played) -> None:
    page = played.page

    found = Tags(page)
    links = {value for name, value in found.attributes if name == "href"}
    assert not found.names & {"script", "iframe", "object", "embed", "img", "link", "form", "base"}
    assert not [name for name, _ in found.attributes if name.startswith("on") or name in ("src", "srcset", "action")]
    assert not re.search(r"url\(|@import", page.partition("</style>")[0])
    assert {link for link in links if not link.startswith(("#", "https://us-east-1.console.aws.amazon.com/"))} == set()
    assert {link[1:] for link in links if link.startswith("#")} <= found.ids


def test_the_report_says_what_breakwater_is_and_what_its_figures_mean(played: Played) -> None:
    page = played.page
    header = " ".join(re.sub(r"<[^>]+>", " ", page.partition("<header>")[2].partition("</header>")[0]).split())
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())

    assert "Breakwater reads the events of Amazon ECS" in header
    assert "things that this scenario breaks were told, with 0 false alerts" in header
    assert "handlers take no virtual time" in header
    assert "A piece of news is" in words


def test_on_a_narrow_screen_each_cell_of_the_troubles_says_its_column(played: Played) -> None:
    table = played.page.partition('id="troubles"')[2].partition("</section>")[0]

    assert (
        table.count('data-label="Told as"')
        == table.count('data-label="After"')
        == len(played.simulation.stretch.troubles)
    )


def test_hostile_text_is_shown_as_text(played: Played) -> None:
    page = played.page

    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "&lt;script&gt;" in page
    assert not [letter for letter in page if letter in "\x00\x1b\u202e\u2028"]


def test_everything_that_came_from_outside_is_escaped(stretch: Stretch, lived: Run) -> None:
    texts = ["</pre><script>alert(1)</script>", '" onload="x', "<b>bold</b>", "<!channel>"]
    text = " ".join(texts)
    evil = Message(9001, stretch.start, "mail", text, text, (), ())
    posted = Message(9002, stretch.start, "slack", "[DIGEST] x", "", ({"type": text, "text": text},), ())
    first, release = lived.records[0], lived.releases[0]
    record = replace(
        first, incident=replace(first.incident, summary=text, subject=replace(first.incident.subject, name=text))
    )
    step = replace(release.steps[0], title=text, reason=text, mark=(text, "bad"))
    told = replace(release, service=text, reason=text, by=text, steps=(step, *release.steps[1:]), warnings=(text,))
    run = replace(
        lived, messages=(*lived.messages, evil, posted), records=(record, *lived.records[1:]), releases=(told,)
    )

    page = to_html(publish(replace(stretch, title=text), run, text).report)

    assert [each for each in texts if each in page] == []


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


def test_a_leak_an_untold_trouble_and_a_false_alert_are_bad_news(
    scenario: Scenario, full: Simulation, stretch: Stretch, lived: Run
) -> None:
    told, *rest = full.evidence.told.incidents
    odd = replace(told, subject=replace(told.subject, name="nobody"), resolved_at=None)
    evidence: Evidence = replace(full.evidence, told=replace(full.evidence.told, incidents=(odd, *rest)))
    run = replace(lived, written=(Written("log line", f"x{stretch.canaries[0].value}x"),))

    bad = {verdict.name for verdict in judge(scenario, evidence) if not verdict.ok}

    assert bad == {"every trouble was told", "nothing normal was told"}
    assert not canary_check(stretch, run, leaks(run, stretch.canaries)).ok
    assert not publish(stretch, run, "demo").report.ok


def test_a_trouble_that_is_over_too_late_or_never_is_bad_news(scenario: Scenario, full: Simulation) -> None:
    told, *rest = full.evidence.told.incidents
    for end in (None, full.stretch.end):
        odd = replace(told, resolved_at=end)
        evidence = replace(full.evidence, told=replace(full.evidence.told, incidents=(odd, *rest)))
        bad = [verdict for verdict in judge(scenario, evidence) if not verdict.ok]
        assert [verdict.name for verdict in bad] == ["every trouble was over when its story says"]
        assert "16 of 17: spot takes a job was not over at 08:31" in bad[0].found


def test_what_breakwater_did_has_a_section_of_its_own(stretch: Stretch, lived: Run) -> None:
    assert 'id="deeds"' not in publish(stretch, replace(lived, journal=()), "demo").html
    line = JournalLine(
        stretch.start, "guard", "prod/checkout-api", "rolled back to 42", "42 was good, <43> crashed 5 times", "done"
    )
    page = publish(stretch, replace(lived, journal=(*lived.journal, line)), "demo").html
    section = page.partition('id="deeds"')[2].partition("</section>")[0]

    assert "rolled back to 42" in section
    assert "42 was good, &lt;43&gt; crashed 5 times" in section
    assert "checkout-api:42 is known good since" in section  # what the guard did in the morning
    assert "3 of 3 tasks are running" in section
    assert "incident opened" not in section


def test_an_event_that_the_patterns_dropped_wrongly_is_seen(stretch: Stretch, lived: Run) -> None:
    blind = replace(lived, admitted=frozenset())

    assert any(reading.finding and not reading.admitted for reading in read_again(stretch, blind))
    assert not publish(stretch, blind, "demo").report.ok


def test_a_replay_tells_what_breakwater_would_have_told(tmp_path: Path, stretch: Stretch) -> None:
    [since] = [trouble.at for trouble in stretch.troubles if trouble.name == "sidecar fails"]
    events = [
        dict(delivery.event)
        for delivery in stretch.deliveries
        if (group := delivery.event["detail"].get("group")) == "family:daily-report"
        or (group == "service:notifications" and delivery.event["time"] >= f"{since:%Y-%m-%dT%H:%M:%SZ}")
    ]
    path = tmp_path / "events.jsonl"
    path.write_text("".join(f"{json.dumps(event)}\n" for event in reversed(events)), encoding="utf-8")
    context = tmp_path / "context.json"
    names = [f"notifications:{number}" for number in range(73, 80)]
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
