"""A release as people read it: its steps, its traffic, the picture and the page."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from breakwater.checks import Inconclusive
from breakwater.model import Mode
from release.analysis import decide_shift_analysis
from release.chart import Bar, Mark, draw
from release.page import page
from release.record import Before, Ending, Line, LineKind, Release, Share, Stage, Traffic
from release.reporting import figures
from release.story import Point, new_share, points, steps, warnings

BEGAN = datetime(2026, 3, 2, 10, 4, tzinfo=UTC)
RULE = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:listener-rule/app/front/1/2/3"
GROUPS = [f"arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/shop-{name}/1" for name in "ab"]
BEFORE = Before(
    "arn:aws:ecs:eu-central-1:111122223333:task-definition/shop:1",
    "ecs-svc/1",
    2,
    (Share(RULE, GROUPS[0], 100), Share(RULE, GROUPS[1], 0)),
)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def release(*lines: tuple[int, str, str], **more: Any) -> Release:
    made = Release(
        execution="arn:aws:states:eu-central-1:111122223333:execution:release:shop-1",
        service="prod/shop",
        stage=Stage.OVER,
        mode=Mode.ACT,
        began_at=BEGAN,
        task_definition="arn:aws:ecs:eu-central-1:111122223333:task-definition/shop:2",
        strategy="CANARY",
        requested_by="pipeline/1",
        before=BEFORE,
        rules=(RULE,),
        **more,
    )
    for seconds, what, reason in lines:
        made = made.told(at(seconds), what, reason)
    return made


RETURNED = release(
    (0, "begun", "12 preflight checks passed, 1 warn"),
    (0, "warning: addresses", "the free addresses are unknown"),
    (0, "deploy", "shop:2 in place of shop:1"),
    (90, "check smoke", "Passed: 2 of 2 attempts passed (answers: 200, 200)"),
    (90, "go on", "smoke: 2 of 2 attempts passed (answers: 200, 200)"),
    (92, "CONTINUE at POST_TEST_TRAFFIC_SHIFT", "smoke: 2 of 2 attempts passed (answers: 200, 200)"),
    (400, "look 1", "28 of 96 requests failed on the new side"),
    (400, "failed", "28 of 96 requests failed on the new side"),
    (500, "returned", "28 of 96 requests failed on the new side; it is back, and verified: shop:1 runs"),
    ending=Ending("failed", "Returned", "28 of 96 requests failed on the new side; it is back, and verified"),
    traffic=(
        Traffic(at(90), "POST_TEST_TRAFFIC_SHIFT", 0.0),
        Traffic(at(110), "PRE_PRODUCTION_TRAFFIC_SHIFT", 10.0),
        Traffic(at(400), "PRE_PRODUCTION_TRAFFIC_SHIFT", 10.0, 96, 28, 864, 0),
        Traffic(at(500), "", 0.0),
    ),
)


def test_each_step_says_what_is_new_and_how_it_was_judged() -> None:
    assert [(step.number, step.title, step.mark, step.reason) for step in steps(RETURNED)] == [
        (1, "begun", None, "12 preflight checks passed, 1 warn"),
        (2, "deployed", None, "shop:2 in place of shop:1"),
        (3, "check smoke", ("passed", "good"), "2 of 2 attempts passed (answers: 200, 200)"),
        (4, "goes on", None, "at POST_TEST_TRAFFIC_SHIFT: smoke"),
        (5, "metrics, look 1", None, "28 of 96 requests failed on the new side"),
        (6, "not let through", None, ""),
        (7, "ended", ("returned", "bad"), "it is back, and verified: shop:1 runs"),
    ]
    assert warnings(RETURNED) == ("the free addresses are unknown",)


@pytest.mark.parametrize(
    ("what", "kind", "which"),
    [
        ("warning: addresses", LineKind.WARNING, "addresses"),
        ("check smoke", LineKind.CHECK, "smoke"),
        ("checks", LineKind.STEP, "checks"),
        ("look 2", LineKind.LOOK, "2"),
        ("CONTINUE at POST_TEST_TRAFFIC_SHIFT", LineKind.CONTINUE, "POST_TEST_TRAFFIC_SHIFT"),
        ("ROLLBACK at POST_TEST_TRAFFIC_SHIFT", LineKind.ROLLBACK, "POST_TEST_TRAFFIC_SHIFT"),
        ("go on", LineKind.STEP, "go on"),
    ],
)
def test_a_line_knows_what_it_tells_of(what: str, kind: LineKind, which: str) -> None:
    line = Line(BEGAN, what, "because")
    assert (line.kind, line.which) == (kind, which)


def test_a_look_that_is_repeated_says_its_number_once() -> None:
    again = decide_shift_analysis(Inconclusive("too few"), looks=2, window_minutes=5)
    [step] = steps(release((10, "look 2", again.reason)))
    assert (step.title, step.reason) == ("metrics, look 2", "too few")


def test_who_approved_is_told() -> None:
    asked = release(
        (10, "look 5", "too few"),
        (10, "a person is asked", "too few"),
        (60, "go on", "approved by ann although inconclusive: too few"),
        (60, "CONTINUE at PRE_PRODUCTION_TRAFFIC_SHIFT", "approved by ann although inconclusive: too few"),
    )
    assert [(step.title, step.reason) for step in steps(asked)][1:] == [
        ("a person", ""),
        ("goes on", "at PRE_PRODUCTION_TRAFFIC_SHIFT: approved by ann although inconclusive"),
    ]
    assert steps(asked)[1].mark == ("asked", "open")
    assert "approved by ann" in page(asked)


@pytest.mark.parametrize(
    ("weights", "share"),
    [
        pytest.param({RULE: {GROUPS[0]: 100, GROUPS[1]: 0}}, 0.0, id="as before"),
        pytest.param({RULE: {GROUPS[0]: 90, GROUPS[1]: 10}}, 10.0, id="a canary"),
        pytest.param({RULE: {GROUPS[0]: 0, GROUPS[1]: 100}}, 100.0, id="all of it"),
        pytest.param({RULE: {GROUPS[0]: 2, GROUPS[1]: 1}}, 33.3, id="weights of any sum"),
        pytest.param({RULE: {GROUPS[0]: 0, GROUPS[1]: 0}}, None, id="no weight at all"),
    ],
)
def test_the_new_side_is_what_had_no_weight_before(weights: dict[str, dict[str, int]], share: float | None) -> None:
    assert new_share(BEFORE, weights) == share


def test_without_recorded_weights_nobody_can_say_which_side_is_new() -> None:
    assert new_share(None, {RULE: {GROUPS[0]: 100}}) is None
    assert points(replace(RETURNED, before=None, traffic=())) == ()
    assert draw((), (), BEGAN) == ""


def test_the_weights_over_time_have_each_change_once_with_the_beginning_and_the_end() -> None:
    assert points(RETURNED) == (Point(BEGAN, 0.0), Point(at(110), 10.0), Point(at(500), 0.0))


def test_what_was_seen_before_is_no_news_but_metrics_always_are() -> None:
    seen = RETURNED.seen(Traffic(at(600), "", 0.0))
    assert seen == RETURNED
    assert len(RETURNED.seen(Traffic(at(600), "", 0.0, 1, 0, 1, 0)).traffic) == len(RETURNED.traffic) + 1
    assert len(RETURNED.seen(Traffic(at(600), "BAKE_TIME", 0.0)).traffic) == len(RETURNED.traffic) + 1


class Shapes(HTMLParser):
    """The tags of a picture, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def of(self, kind: str) -> list[dict[str, str]]:
        return [attrs for _, attrs in self.found if attrs.get("class") == kind]


def test_the_picture_shows_the_share_in_its_place_and_height() -> None:
    shapes = Shapes(draw(points(RETURNED), [], at(500)))

    [canary] = shapes.of("new")
    [blue] = shapes.of("old")
    assert float(canary["height"]) == pytest.approx(0.1 * float(blue["height"]))
    assert float(canary["width"]) == pytest.approx(float(blue["width"]) * 390 / 500, abs=1)
    edge = [tuple(map(float, pair.split(","))) for pair in shapes.of("edge")[0]["points"].split()]
    assert [x for x, _ in edge] == sorted(x for x, _ in edge)


def test_the_picture_shows_the_requests_of_both_sides_and_the_failed_ones() -> None:
    bars = [Bar(BEGAN, 60, 0, 0), Bar(at(60), 54, 6, 2)]
    shapes = Shapes(draw(points(RETURNED), [], at(120), bars))

    old, new = shapes.of("old")[1:], shapes.of("new")[1:]
    assert [float(one["height"]) for one in old] == [64.0, 57.6]
    assert [float(one["height"]) for one in new] == [6.4]
    assert [float(one["height"]) for one in shapes.of("bad")] == [2.1]
    assert "54 to the old side, 6 to the new one, 2 failed" in draw(points(RETURNED), [], at(120), bars)


def test_marks_that_would_lie_upon_each_other_are_one() -> None:
    marks = [Mark(number, at(seconds), "x") for number, seconds in ((1, 0), (2, 1), (3, 250), (4, 500))]
    text = draw(points(RETURNED), marks, at(500))

    assert [label for label in (">1-2<", ">3<", ">4<") if label not in text] == []
    inside = [float(one["x"]) + float(one["width"]) for one in Shapes(text).of("dot")]
    assert max(inside) <= 760


def test_the_page_runs_nothing_loads_nothing_and_tells_all_of_it() -> None:
    text = page(RETURNED)
    names = {tag for tag, _ in Shapes(text).found}

    assert not names & {"script", "img", "link", "iframe", "object", "form", "a"}
    assert "default-src 'none'" in text
    for each in ("Traffic over time", "Metrics of both sides", "Step by step", "Recorded before it began", "shop-b"):
        assert each in text
    assert "<td class='n' data-label='errors'>28</td>" in text
    assert "prefers-color-scheme:dark" in text
    assert "@media print" in text


def test_on_a_phone_the_picture_keeps_its_size_and_each_number_says_its_column() -> None:
    text = page(RETURNED)
    style = text.partition("@media (max-width:40rem){")[2].partition("@media")[0]
    cells = text.partition("<table class='looks'>".replace("'", '"'))[2].partition("</table>")[0]

    assert '<div class="wide"><svg class="traffic"' in text
    assert ".traffic{min-width:" in style
    assert "content:attr(data-label)" in style
    assert cells.count("<td class='n'") == cells.count("data-label=") > 0


def test_hostile_text_and_secrets_do_not_reach_the_page_or_the_data() -> None:
    evil = '<script>alert(1)</script>" onload="x'
    bad = release(
        (0, "begun", evil),
        (1, f"check {evil}", f"Failed: {evil} password=hunter2hunter2"),
        ending=Ending("failed", "Returned", f"{evil} password=hunter2hunter2"),
        traffic=(Traffic(at(1), evil, 0.0, 1, 0, 1, 0),),
    )
    text, data = (
        page(replace(bad, requested_by=evil, requested_for=evil, service=f"prod/{evil}")),
        json.dumps(figures(bad)),
    )

    assert "<script>" not in text
    assert 'onload="' not in text
    assert "hunter2" not in text
    assert "hunter2" not in data


def test_who_asked_may_say_why_and_it_is_in_the_report() -> None:
    asked = replace(RETURNED, requested_for="the new price list")
    assert "<dt>Why</dt><dd>the new price list</dd>" in page(asked)
    assert figures(asked)["requested_for"] == "the new price list"
    assert "<dt>Why</dt>" not in page(RETURNED)


def test_the_data_has_the_steps_the_weights_and_the_metrics() -> None:
    told: Any = figures(RETURNED)

    assert told["outcome"] == "Returned"
    assert [one["verdict"] for one in told["steps"]].count("passed") == 1
    assert [one["weight"] for one in told["weights"]["before"]] == [100, 0]
    assert [one["share"] for one in told["weights"]["new_share_percent"]] == [0.0, 10.0, 0.0]
    assert told["metrics"] == [
        {
            "at": at(400).isoformat(),
            "stage": "PRE_PRODUCTION_TRAFFIC_SHIFT",
            "new": {"requests": 96, "errors": 28},
            "old": {"requests": 864, "errors": 0},
        }
    ]


def test_a_release_that_was_refused_has_a_page_without_a_picture() -> None:
    refused = Release("arn:x:execution:m:one", "", Stage.TURNED, Mode.OFF, BEGAN, why="service: is missing")
    text = page(refused.told(BEGAN, "refused", "service: is missing"))

    assert "<svg" not in text
    assert "service: is missing" in text
