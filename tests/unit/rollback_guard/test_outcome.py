"""What came of a rollback: steady, failed, overtaken, or nothing that could be said yet."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from breakwater.evidence import Kind, Tally
from breakwater.ledger import Rollback, State
from rollback_guard.answers import Hold, HoldKind, RollbackDecision, Watch
from rollback_guard.case import case_of
from rollback_guard.outcome import Over, decide_outcome, decide_platforms_outcome
from rollback_guard.picture import RolloutState, ServiceDeployment
from tests.unit.rollback_guard.pictures import ACT, BAD, GOOD, NOON, NOW, PRIMARY, UNDER_WAY, a_picture

ROLLBACK = Rollback(NOON, BAD, GOOD, PRIMARY.id, State.ASKED, "it crashes")
BACK = replace(
    PRIMARY,
    id="ecs-svc/3",
    revision=GOOD,
    state=RolloutState.COMPLETED,
    created_at=NOON,
    completed_at=NOON + timedelta(minutes=1),
    running=10,
    pending=0,
)
WATCHES = Watch("nothing much", case_of(a_picture(own=Tally()), ACT, NOW).weighed)
FAILS_TOO = Hold(HoldKind.ROLLBACK_OF_ROLLBACK, "it is itself a rollback")
LATER = NOON + timedelta(minutes=4)
MUCH_LATER = NOON + timedelta(minutes=31)


@pytest.mark.parametrize(
    ("changes", "decision", "now", "state"),
    [
        pytest.param({}, WATCHES, LATER, State.STEADY, id="steady"),
        pytest.param({}, WATCHES, NOON + timedelta(minutes=2), None, id="COMPLETED only a minute ago"),
        pytest.param(
            {"own": Tally().adding(Kind.LATE, LATER)}, WATCHES, LATER, None, id="one of its tasks crashed since"
        ),
        pytest.param(
            {"own": Tally().adding(Kind.LATE, NOON)}, WATCHES, LATER, State.STEADY, id="a crash before it COMPLETED"
        ),
        pytest.param({"primary": replace(BACK, running=9)}, WATCHES, LATER, None, id="a task is missing"),
        pytest.param(
            {"primary": replace(BACK, running=9)}, WATCHES, MUCH_LATER, State.FAILED, id="and is missing for too long"
        ),
        pytest.param({}, FAILS_TOO, LATER, State.FAILED, id="the old revision fails too"),
        pytest.param(
            {"primary": replace(BACK, state=RolloutState.FAILED)}, WATCHES, LATER, State.FAILED, id="it FAILED itself"
        ),
        pytest.param({"primary": PRIMARY}, WATCHES, LATER, None, id="ECS has not begun"),
        pytest.param({"primary": PRIMARY}, WATCHES, MUCH_LATER, State.FAILED, id="ECS never began"),
        pytest.param(
            {"primary": replace(BACK, revision="web:43")}, WATCHES, LATER, State.SUPERSEDED, id="somebody deployed"
        ),
    ],
)
def test_the_outcome_of_our_rollback(
    changes: dict[str, Any], decision: RollbackDecision, now: Any, state: State | None
) -> None:
    picture = a_picture(**({"primary": BACK, "own": Tally()} | changes))
    outcome = decide_outcome(ROLLBACK, picture, decision, now)
    assert (outcome.state if isinstance(outcome, Over) else None) is state
    assert outcome.reason


def of_platform(status: str) -> ServiceDeployment:
    return replace(UNDER_WAY, status=status)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        pytest.param({"service_deployment": of_platform("ROLLBACK_SUCCESSFUL")}, State.STEADY, id="steady"),
        pytest.param(
            {"service_deployment": of_platform("ROLLBACK_IN_PROGRESS"), "primary": replace(BACK, running=4)},
            None,
            id="on its way",
        ),
        pytest.param(
            {"service_deployment": of_platform("ROLLBACK_SUCCESSFUL"), "primary": replace(BACK, id=PRIMARY.id)},
            State.STEADY,
            id="it was on its way already when the guard looked",
        ),
        pytest.param({"service_deployment": of_platform("ROLLBACK_FAILED")}, State.FAILED, id="it failed"),
        pytest.param({"primary": PRIMARY}, None, id="it has not begun"),
        pytest.param(
            {"primary": replace(PRIMARY, state=RolloutState.COMPLETED)}, State.SUPERSEDED, id="it COMPLETED after all"
        ),
        pytest.param({"service_deployment": of_platform("SUCCESSFUL")}, State.SUPERSEDED, id="somebody deployed"),
    ],
)
def test_the_outcome_of_the_platforms_rollback(changes: dict[str, Any], state: State | None) -> None:
    picture = a_picture(**({"primary": BACK, "own": Tally()} | changes))
    outcome = decide_platforms_outcome(PRIMARY.id, picture, LATER)
    assert (outcome.state if isinstance(outcome, Over) else None) is state
