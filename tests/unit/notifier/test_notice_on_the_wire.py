import json
from datetime import UTC
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from breakwater.errors import BreakwaterError
from breakwater.model import Incident, Notice
from breakwater.wire import dump_notice, load_notice
from tests.unit.notifier.samples import a_notice

AWARE = st.datetimes(timezones=st.just(UTC))
INCIDENTS = st.builds(
    Incident, first_seen=AWARE, last_seen=AWARE, opened_at=AWARE, resolved_at=st.none() | AWARE, late=st.booleans()
)
NOTICES = st.builds(Notice, incident=INCIDENTS, at=AWARE)


@given(NOTICES)
@example(a_notice())
def test_what_is_written_to_the_topic_is_read_from_it_unchanged(notice: Notice) -> None:
    text = dump_notice(notice)
    assert load_notice(text) == notice


def test_what_an_older_writer_left_out_has_its_default_and_what_a_newer_added_is_ignored() -> None:
    raw = json.loads(dump_notice(a_notice()))
    del raw["incident"]["late"], raw["incident"]["evidence"]["log"]
    raw["incident"]["mood"] = "bad"
    notice = load_notice(json.dumps(raw))
    assert (notice.incident.late, notice.incident.evidence.log) == (False, None)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        pytest.param(["kind"], "exploded", "kind", id="a word that is not in the list"),
        pytest.param(["kind"], None, "kind", id="null where a word has to be"),
        pytest.param(["at"], "yesterday", "at", id="no time"),
        pytest.param(["at"], 7, "at", id="a number for a time"),
        pytest.param(["at"], "2026-03-02T10:00:00", "at", id="a time without its zone"),
        pytest.param(["id"], 7, "id", id="a number for a text"),
        pytest.param(["incident"], [], "incident", id="a list for an object"),
        pytest.param(["incident", "count"], "7", "incident.count", id="a text for a number"),
        pytest.param(["incident", "count"], True, "incident.count", id="a truth for a number"),
        pytest.param(["incident", "evidence", "containers"], {}, "incident.evidence.containers", id="no list"),
        pytest.param(["incident", "evidence", "containers", 1], 3, "containers[1]", id="a number in a list"),
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(path: list[Any], value: Any, named: str) -> None:
    raw = json.loads(dump_notice(a_notice()))
    place = raw
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(BreakwaterError) as raised:
        load_notice(json.dumps(raw))
    assert named in str(raised.value)
    assert "exploded" not in str(raised.value)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(BreakwaterError, match="incident is not there"):
        load_notice('{"id": "x", "kind": "opened"}')


@given(st.text(max_size=50) | st.recursive(st.none() | st.integers(), st.lists, max_leaves=5).map(json.dumps))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(BreakwaterError):
        load_notice(text)
