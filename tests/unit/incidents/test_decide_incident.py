"""An incident is told at once, then by growth and time, resolved by quiet, and never by a late event."""

from dataclasses import replace
from datetime import timedelta

import pytest

from breakwater.incidents import (
    Absorb,
    Announce,
    Leave,
    Record,
    Told,
    decide_incident,
    decide_resolution,
    decide_sweep,
    fingerprint,
)
from breakwater.model import Category, Cause, Finding, IncidentStatus, NoticeKind, Severity
from breakwater.policies import AlertPolicy
from tests.samples import NOON, a_finding

POLICY = AlertPolicy(quiet_minutes=30, growth_factor=10, remind_minutes=60)


def an_open_record(count: int = 1, told_count: int = 1, told_minutes_ago: int = 1, reminders: int = 0) -> Record:
    """An incident that stands at `count`, last seen at noon, told earlier at `told_count`."""
    findings = [a_finding(identity=f"task-{number}") for number in range(count)]
    decision = decide_incident(None, findings, POLICY, NOON)
    told = Told(1, NoticeKind.OPENED, NOON - timedelta(minutes=told_minutes_ago), told_count, reminders)
    return Record(decision.record.incident, told)


def test_the_first_finding_opens_an_incident_and_is_told_at_once() -> None:
    decision = decide_incident(None, [a_finding()], POLICY, NOON)
    assert isinstance(decision, Announce)
    assert decision.record.told == Told(1, NoticeKind.OPENED, NOON, 1)
    assert decision.record.notice.id == f"{fingerprint(a_finding())}/1"


def test_an_incident_shows_the_earliest_of_its_first_findings() -> None:
    early, late = a_finding(identity="a", minutes=-5, reason="early"), a_finding(identity="b", reason="late")
    incident = decide_incident(None, [late, early], POLICY, NOON).record.incident
    assert (incident.summary, incident.first_seen, incident.last_seen, incident.count) == (
        "early",
        early.at,
        late.at,
        2,
    )


@pytest.mark.parametrize(
    ("told_count", "grows_to", "minutes", "reminders", "told"),
    [
        pytest.param(1, 9, 1, 0, False, id="nine is less than tenfold"),
        pytest.param(1, 10, 1, 0, True, id="tenfold"),
        pytest.param(10, 99, 1, 0, False, id="less than tenfold again"),
        pytest.param(10, 100, 1, 0, True, id="tenfold again"),
        pytest.param(5, 6, 59, 0, False, id="one more within the hour"),
        pytest.param(5, 6, 60, 0, True, id="one more after the hour"),
        pytest.param(5, 6, 60, 1, False, id="the gap doubles with each reminder"),
        pytest.param(5, 6, 120, 1, True, id="one more after the doubled gap"),
        pytest.param(5, 6, 1440, 30, True, id="the gap ends at a day"),
    ],
)
def test_an_update_is_told_by_growth_or_time(
    told_count: int, grows_to: int, minutes: int, reminders: int, told: bool
) -> None:
    record = an_open_record(grows_to - 1, told_count, minutes, reminders)
    decision = decide_incident(record, [a_finding(identity="one more")], POLICY, NOON)
    assert isinstance(decision, Announce if told else Absorb)
    assert decision.record.incident.count == grows_to


def test_an_incident_that_gets_worse_is_told_whatever_its_count() -> None:
    record = an_open_record(5, 5)
    worse = a_finding(identity="x", severity=Severity.HIGH)
    record = replace(record, incident=replace(record.incident, severity=Severity.LOW))
    decision = decide_incident(record, [worse], POLICY, NOON)
    assert isinstance(decision, Announce)
    assert decision.record.incident.severity is Severity.HIGH
    assert decision.record.told.kind is NoticeKind.UPDATED


def resolved(record: Record) -> Record:
    """The record after its quiet time."""
    decision = decide_sweep(record, POLICY, NOON + timedelta(minutes=30))
    assert isinstance(decision, Announce)
    return decision.record


def test_quiet_resolves_and_it_is_told_once() -> None:
    record = resolved(an_open_record(3, 3))
    assert record.incident.status is IncidentStatus.RESOLVED
    assert record.told.kind is NoticeKind.RESOLVED
    assert isinstance(decide_sweep(record, POLICY, NOON + timedelta(hours=2)), Leave)


def test_an_incident_is_left_open_until_the_whole_quiet_time_has_passed() -> None:
    assert isinstance(decide_sweep(an_open_record(), POLICY, NOON + timedelta(minutes=29, seconds=59)), Leave)


def test_the_sweep_tells_growth_that_no_event_told() -> None:
    record = an_open_record(6, 5, 90)
    decision = decide_sweep(record, POLICY, NOON + timedelta(minutes=10))
    assert isinstance(decision, Announce)
    assert decision.record.told.kind is NoticeKind.UPDATED


def test_a_finding_after_the_quiet_time_reopens_and_counts_its_episode_anew() -> None:
    now = NOON + timedelta(hours=3)
    decision = decide_incident(resolved(an_open_record(4, 4)), [a_finding(identity="x", minutes=180)], POLICY, now)
    assert isinstance(decision, Announce)
    incident = decision.record.incident
    assert decision.record.told.kind is NoticeKind.REOPENED
    assert (incident.status, incident.episode, incident.episode_count, incident.count) == (IncidentStatus.OPEN, 2, 1, 5)
    assert "3 h 0 min" in decision.reason


def test_a_late_finding_of_a_resolved_incident_is_counted_in_silence() -> None:
    now = NOON + timedelta(hours=25)
    decision = decide_incident(resolved(an_open_record()), [a_finding(identity="x", minutes=2)], POLICY, now)
    assert isinstance(decision, Absorb)
    assert decision.record.incident.status is IncidentStatus.RESOLVED
    assert decision.record.incident.count == 2


def test_different_causes_and_revisions_are_different_incidents() -> None:
    assert (
        len(
            {
                fingerprint(a_finding()),
                fingerprint(a_finding(cause=Cause.OOM)),
                fingerprint(a_finding(revision="web:2")),
            }
        )
        == 3
    )
    assert fingerprint(a_finding(identity="a")) == fingerprint(a_finding(identity="b", minutes=9, reason="other words"))


def a_release(identity: str, minutes: float = 0) -> Finding:
    finding = a_finding(identity=identity, minutes=minutes, cause=Cause.RELEASED, severity=Severity.LOW)
    return replace(finding, diagnosis=replace(finding.diagnosis, category=Category.RELEASED, reason=identity))


def test_good_news_is_over_from_the_first_and_each_of_it_is_told() -> None:
    first = decide_incident(None, [a_release("one")], POLICY, NOON)
    again = decide_incident(first.record, [a_release("two", 5)], POLICY, NOON + timedelta(minutes=5))
    for decision, summary, at in ((first, "one", NOON), (again, "two", NOON + timedelta(minutes=5))):
        assert isinstance(decision, Announce)
        incident = decision.record.incident
        assert (incident.status, incident.resolved_at, incident.summary) == (IncidentStatus.RESOLVED, at, summary)
        assert decision.record.told.kind is NoticeKind.RESOLVED
    assert again.record.told.sequence == 2
    assert isinstance(decide_sweep(again.record, POLICY, NOON + timedelta(days=1)), Leave)


def test_what_breakwater_saw_to_be_over_says_how_it_knows_until_it_is_back() -> None:
    seen = decide_resolution(an_open_record(), "shop:3 was released", NOON)
    assert isinstance(seen, Announce)
    assert seen.record.incident.over == "shop:3 was released"
    assert resolved(an_open_record()).incident.over is None
    back = decide_incident(seen.record, [a_finding(identity="x", minutes=5)], POLICY, NOON + timedelta(minutes=5))
    assert back.record.incident.over is None
