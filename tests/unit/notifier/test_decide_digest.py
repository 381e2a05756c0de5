from collections.abc import Sequence
from datetime import timedelta

import pytest

from breakwater.model import Cause, NoticeKind, Severity
from notifier.decision import WINDOW, Digest, Line, Mark, Meter, Nothing, Wait, decide_digest, entry_of, merged
from tests.unit.notifier.samples import START, a_notice, notices_of

NO_MARKS: dict[str, Mark] = {}
ENTRIES = [entry_of(notice) for notice in notices_of(5)]


def everything(lines: Sequence[Line]) -> int:
    return len(lines)


def test_a_digest_names_every_incident_that_waits() -> None:
    decision = decide_digest(ENTRIES, NO_MARKS, Meter(wake=START), START, everything)
    assert isinstance(decision, Digest)
    assert {line.newest.incident_id for line in decision.lines} == {entry.incident_id for entry in ENTRIES}
    assert (decision.waiting, decision.wake) == (0, None)
    assert decision.meter.digest == START


def test_what_does_not_fit_goes_into_the_next_digest() -> None:
    decision = decide_digest(ENTRIES, NO_MARKS, Meter(), START, lambda lines: 2)
    assert isinstance(decision, Digest)
    assert (len(decision.lines), decision.waiting) == (2, 3)
    assert decision.wake == decision.meter.wake == START + WINDOW


def test_a_channel_that_has_room_for_nothing_is_given_one_line_all_the_same() -> None:
    decision = decide_digest(ENTRIES, NO_MARKS, Meter(), START, lambda lines: 0)
    assert isinstance(decision, Digest)
    assert len(decision.lines) == 1


def test_a_second_digest_waits_for_its_window() -> None:
    meter = Meter(digest=START - timedelta(seconds=30))
    decision = decide_digest(ENTRIES, NO_MARKS, meter, START, everything)
    assert isinstance(decision, Wait)
    assert decision.wake == START - timedelta(seconds=30) + WINDOW


def test_a_second_wake_up_asks_for_no_third_when_one_is_on_its_way() -> None:
    meter = Meter(digest=START, wake=START + WINDOW)
    decision = decide_digest(ENTRIES, NO_MARKS, meter, START, everything)
    assert isinstance(decision, Wait)
    assert decision.wake is None
    assert decision.meter == meter


def test_nothing_waits_and_nothing_is_sent() -> None:
    assert decide_digest([], NO_MARKS, Meter(), START, everything) == Nothing((), "nothing waits for a digest")


def test_what_was_sent_singly_meanwhile_is_forgotten_and_not_named() -> None:
    marks = {entry.notice_id: Mark(sent=True, until=START) for entry in ENTRIES[:2]}
    decision = decide_digest(ENTRIES, marks, Meter(), START, everything)
    assert isinstance(decision, Digest)
    assert set(decision.told) == set(ENTRIES[:2])
    assert {line.newest for line in decision.lines} == set(ENTRIES[2:])


def test_what_another_is_sending_just_now_is_left_and_looked_at_again() -> None:
    marks = {ENTRIES[0].notice_id: Mark(sent=False, until=START + timedelta(seconds=60))}
    decision = decide_digest(ENTRIES[:1], marks, Meter(), START, everything)
    assert isinstance(decision, Wait)
    assert decision.wake is not None


def test_several_notices_of_one_incident_are_one_line_and_the_newest_speaks() -> None:
    opened = entry_of(a_notice(1, count=3))
    updated = entry_of(a_notice(1, kind=NoticeKind.UPDATED, sequence=2, seconds=60, count=30))
    (line,) = merged([updated, opened])
    assert (line.newest.count, line.newest.kind, line.is_new) == (30, NoticeKind.UPDATED, True)
    assert line.entries == (opened, updated)


def test_the_count_of_a_line_is_the_highest_heard_of() -> None:
    late_but_lower = entry_of(a_notice(1, kind=NoticeKind.UPDATED, sequence=2, seconds=60, count=3))
    (line,) = merged([entry_of(a_notice(1, count=30)), late_but_lower])
    assert line.newest.count == 30


@pytest.mark.parametrize("turn", range(5))
def test_lines_stand_by_severity_then_cause_and_what_is_over_comes_last(turn: int) -> None:
    notices = [
        a_notice(1, severity=Severity.LOW, cause=Cause.CAPACITY),
        a_notice(2, kind=NoticeKind.RESOLVED),
        a_notice(3, cause=Cause.OOM, count=2),
        a_notice(4, cause=Cause.APP_ERROR),
        a_notice(5, cause=Cause.OOM, count=9),
    ]
    lines = merged(entry_of(notice) for notice in (*notices[turn:], *notices[:turn]))
    assert [int(line.newest.incident_id, 16) for line in lines] == [4, 5, 3, 1, 2]
