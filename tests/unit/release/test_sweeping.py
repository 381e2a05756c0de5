"""What five minutes without an event mean for an open release."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from breakwater.rendezvous import Kind, Word
from release.facts import DeploymentSeen, HookSeen
from release.sweeping import Leave, Nudge, Orphan, Seen, decide_sweep

NOW = datetime(2026, 4, 14, 7, 31, tzinfo=UTC)
ARN = "arn:aws:ecs:eu-central-1:111122223333:service-deployment/prod/web/x1"
GOING = DeploymentSeen(ARN, "IN_PROGRESS", "BAKE_TIME")
HOOK = HookSeen("ecs-pause-1", "POST_TEST_TRAFFIC_SHIFT", ARN)
WAITS = Seen("RUNNING", waits=True, deployment=GOING)
AN_HOUR_AGO = NOW - timedelta(hours=1)
ASKED = replace(WAITS, hook=HOOK, asked_about="ecs-pause-1", asked=AN_HOUR_AGO, until=NOW + timedelta(minutes=1))
APPROVED, ABORTED = (Word(word, "ann", NOW - timedelta(minutes=2)) for word in ("approved", "aborted"))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(WAITS, Leave, id="its deployment goes on"),
        pytest.param(replace(WAITS, waits=False, hook=HOOK), Leave, id="it is at work itself"),
        pytest.param(replace(WAITS, execution="ABORTED"), Orphan, id="its execution was stopped"),
        pytest.param(replace(WAITS, execution="GONE", waits=False), Orphan, id="its execution is gone"),
        pytest.param(replace(WAITS, hook=HOOK), Kind.HOOK, id="a hook waits"),
        pytest.param(ASKED, Leave, id="a person still has time"),
        pytest.param(replace(ASKED, until=NOW), Kind.ENDED, id="a person's time is up"),
        pytest.param(replace(ASKED, word=APPROVED), Kind.APPROVED, id="a word that did not arrive"),
        pytest.param(replace(ASKED, word=ABORTED), Kind.ABORTED, id="an abort that did not arrive"),
        pytest.param(replace(ASKED, word=APPROVED, asked=NOW), Leave, id="a word on an earlier question"),
        pytest.param(replace(WAITS, word=APPROVED), Leave, id="a word on what is answered"),
        pytest.param(replace(WAITS, deployment=replace(GOING, status="SUCCESSFUL")), Kind.ENDED, id="it is through"),
        pytest.param(
            replace(WAITS, deployment=replace(GOING, status="ROLLBACK_IN_PROGRESS")), Kind.ENDED, id="it goes back"
        ),
        pytest.param(
            replace(WAITS, deployment=replace(GOING, status="ROLLBACK_IN_PROGRESS"), returning=True),
            Leave,
            id="it goes back, and knows",
        ),
        pytest.param(
            replace(WAITS, deployment=replace(GOING, status="SUCCESSFUL"), settles=True), Leave, id="it settles"
        ),
        pytest.param(
            replace(WAITS, deployment=replace(GOING, status="STOPPED"), returning=True), Kind.ENDED, id="it is back"
        ),
        pytest.param(
            replace(WAITS, deployment=replace(GOING, status="SUCCESSFUL"), settles=True, word=ABORTED),
            Kind.ABORTED,
            id="an abort while it settles",
        ),
        pytest.param(replace(WAITS, task_ended="arn:task"), Kind.ENDED, id="a check's task has ended"),
        pytest.param(replace(WAITS, deployment=None), Leave, id="nothing can be seen"),
    ],
)
def test_what_no_event_told_is_told_once_it_is_seen(seen: Seen, expected: type | Kind) -> None:
    decision = decide_sweep(seen, NOW)
    if isinstance(expected, Kind):
        assert isinstance(decision, Nudge)
        assert decision.message.kind is expected
    else:
        assert isinstance(decision, expected)
    assert decision.reason


def test_the_same_state_has_the_same_identity_at_the_next_sweep() -> None:
    seen = replace(WAITS, hook=HOOK)
    first, second = decide_sweep(seen, NOW), decide_sweep(seen, NOW + timedelta(minutes=5))
    assert isinstance(first, Nudge)
    assert isinstance(second, Nudge)
    assert first.message.id == second.message.id
