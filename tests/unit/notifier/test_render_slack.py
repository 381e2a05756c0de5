import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from breakwater.model import Category, Cause, ContainerOutcome, LogTail, Notice, NoticeKind, Severity
from notifier import render_slack
from notifier.decision import entry_of, merged
from tests.unit.notifier.samples import FULL_EVIDENCE, PLACE, a_hostile_notice, a_notice, notices_of

OUR_LINK = re.compile(r"<https://[a-z0-9.-]+/[\w./?=#:%~&-]*\|Open in the AWS console>")


def texts(payload: Any) -> Iterator[dict[str, Any]]:
    """All text objects of a payload."""
    for block in payload["blocks"]:
        yield from [block["text"]] if "text" in block else []
        yield from block.get("fields", [])
        yield from block.get("elements", [])


def assert_within_limits(payload: Any) -> None:
    assert len(payload["blocks"]) <= 50
    assert 0 < len(payload["text"]) <= 300
    assert sum(len(text["text"]) for text in texts(payload)) <= 9000
    for block in payload["blocks"]:
        assert len(block.get("fields", [])) <= 10
        assert len(block.get("elements", [])) <= 10
        limit = {"header": 150, "section": 3000, "context": 3000}[block["type"]]
        assert all(len(field["text"]) <= 2000 for field in block.get("fields", []))
        assert all(0 < len(text["text"]) <= limit for text in texts({"blocks": [block]}))
    json.dumps(payload).encode()


def assert_inert(payload: Any) -> None:
    for text in texts(payload):
        bare = OUR_LINK.sub("", text["text"])
        assert "<" not in bare
        assert ">" not in bare
        assert not re.search(r"&(?!amp;|lt;|gt;)", bare)
        if text["type"] == "mrkdwn":
            assert text["verbatim"] is True
            assert bare.count("```") in (0, 2)
    assert "<" not in payload["text"]


def test_a_full_alert_has_headline_reason_steps_facts_log_and_link() -> None:
    payload = render_slack.notice(a_notice(count=12, seconds=577), PLACE)
    assert [block["type"] for block in payload["blocks"]] == [
        "header",
        "section",
        "context",
        "section",
        "section",
        "section",
        "context",
        "context",
    ]
    said = json.dumps(payload, ensure_ascii=False)
    for part in (
        "[HIGH] prod/orders-api",
        "*What to do*\\n1. ",
        "*Exit code*\\n137",
        "loading price list",
        "INCIDENT#",
    ):
        assert part in said
    assert OUR_LINK.search(said)
    assert_within_limits(payload)
    assert_inert(payload)


@pytest.mark.parametrize("kind", NoticeKind)
def test_each_kind_of_news_is_within_the_limits_and_told_apart(kind: NoticeKind) -> None:
    payload = render_slack.notice(a_notice(kind=kind, late=True), PLACE)
    words = {NoticeKind.UPDATED: "GOES ON", NoticeKind.REOPENED: "IS BACK", NoticeKind.RESOLVED: "RESOLVED"}
    assert words.get(kind, "[HIGH]") in payload["text"]
    assert any("Late news" in text["text"] for text in texts(payload))
    assert_within_limits(payload)


HOSTILE = st.text(st.sampled_from("<>&!@|`*_~# \n\rchanelU1:/"), max_size=400) | st.text(max_size=200)


@given(HOSTILE, HOSTILE, st.lists(HOSTILE, max_size=30))
@example("<!channel>", "<@U123>", ["```", "<!here>", "`" * 9, "&lt;!channel&gt;"])
@example("&" * 3000, "<" * 3000, ["<" * 3000] * 20)
def test_nothing_that_others_wrote_is_markup(name: str, text: str, log: list[str]) -> None:
    evidence = replace(
        FULL_EVIDENCE,
        stopped_reason=text,
        containers=(ContainerOutcome("app", 1, text, name, name),),
        log=LogTail(name, text, tuple(log)),
    )
    sample = a_notice(subject=name, cluster=text, revision=name, summary=text, evidence=evidence)
    for payload in (
        render_slack.notice(sample, PLACE),
        render_slack.digest(merged([entry_of(sample)]), 0, PLACE),
    ):
        assert_inert(payload)
        assert_within_limits(payload)


@given(st.text(st.sampled_from("a&<>`"), max_size=200), st.integers(1, 100))
def test_escaped_text_keeps_its_limit_and_is_never_cut_inside_an_entity(text: str, limit: int) -> None:
    shown = render_slack.escaped(text, limit)
    assert len(shown) <= limit
    assert re.fullmatch(r"(?:[a`]|&amp;|&lt;|&gt;)*…?", shown)


def test_the_newest_lines_are_the_ones_that_stay_when_a_log_is_too_long() -> None:
    block = render_slack.code_block([f"line {number} " + "x" * 90 for number in range(100)], 1000)
    assert len(block) <= 1000
    assert "line 99 " in block
    assert "line 1 " not in block


def test_an_incident_of_a_megabyte_in_every_field_is_within_the_limits() -> None:
    payload = render_slack.notice(a_hostile_notice(), PLACE)
    assert_within_limits(payload)
    assert_inert(payload)


def test_a_release_that_passed_is_done() -> None:
    notice = a_notice(kind=NoticeKind.RESOLVED, cause=Cause.RELEASED, severity=Severity.LOW)
    notice = replace(notice, incident=replace(notice.incident, category=Category.RELEASED))
    payload = render_slack.notice(notice, PLACE)
    assert payload["text"] == "[DONE] prod/orders-api: released and verified"
    assert "What to do" not in json.dumps(payload)
    digest = json.dumps(render_slack.digest(merged([entry_of(notice)]), 0, PLACE))
    assert "*DONE: released and verified* (1)" in digest


@pytest.mark.parametrize("count", [1, 60, 2000])
def test_as_many_lines_as_are_said_to_fit_do_fit_and_are_all_named(count: int) -> None:
    lines = merged(entry_of(notice) for notice in notices_of(count, count=99999))
    fitting = render_slack.room(lines)
    assert 1 <= fitting <= count
    payload = render_slack.digest(lines[:fitting], count - fitting, PLACE)
    assert_within_limits(payload)
    said = json.dumps(payload)
    assert all(line.newest.incident_id in said for line in lines[:fitting])


def test_a_digest_of_many_groups_stays_within_the_blocks() -> None:
    many = [a_notice(number, cause=cause) for number, cause in enumerate(list(type(a_notice().incident.cause)))]
    lines = merged(entry_of(notice) for notice in many)
    payload = render_slack.digest(lines[: render_slack.room(lines)], 0, PLACE)
    assert_within_limits(payload)


def test_hostile_names_fit_as_well() -> None:
    def renumbered(notice: Notice, number: int) -> Notice:
        return replace(notice, id=f"{number}/1", incident=replace(notice.incident, id=f"{number:016x}"))

    hostile = a_hostile_notice(2000)
    lines = merged(entry_of(renumbered(hostile, number)) for number in range(200))
    payload = render_slack.digest(lines[: render_slack.room(lines)], 3, PLACE)
    assert_within_limits(payload)
    assert_inert(payload)
