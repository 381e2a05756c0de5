"""What is decided about a service whose tasks fail: one row for each rule of the guard."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakwater.evidence import Kind
from breakwater.ledger import KnownGood, Ledger
from breakwater.model import Cause, Mode
from breakwater.policies import GuardPolicy
from rollback_guard.answers import Hold, HoldKind, How, Inspect, RollBack, StandDown, StandDownKind, Watch
from rollback_guard.decision import decide_rollback
from rollback_guard.picture import (
    Alarms,
    Breaker,
    Picture,
    Presence,
    RolloutState,
    ServiceDeployment,
    Target,
    Unreadable,
    control_since,
)
from tests.unit.rollback_guard.pictures import (
    ACT,
    BAD,
    GOOD,
    LEDGER,
    NOON,
    NOW,
    OLD,
    OLDER,
    PRIMARY,
    THERE,
    UNDER_WAY,
    WHO,
    a_picture,
    quarantined,
    refused,
    rolled_back,
    tally,
    tally_of,
)

NATIVE = Breaker(enable=True, rollback=True)
COMPLETED = replace(PRIMARY, state=RolloutState.COMPLETED, completed_at=NOON + timedelta(minutes=1), running=10)


def seen_by_breaker(count: int, status: str = "MONITORING") -> ServiceDeployment:
    return replace(UNDER_WAY, breaker_status=status, breaker_failures=count, breaker_threshold=5)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        pytest.param({"controller": "CODE_DEPLOY"}, HoldKind.CONTROLLER, id="CodeDeploy has it"),
        pytest.param({"controller": "EXTERNAL"}, HoldKind.CONTROLLER, id="an external controller has it"),
        pytest.param({"ledger": Ledger()}, HoldKind.NO_TARGET, id="the first deployment"),
        pytest.param({"targets": ()}, HoldKind.NO_TARGET, id="no target could be read"),
        pytest.param({"targets": (replace(THERE, active=Presence.GONE),)}, HoldKind.NO_TARGET, id="target INACTIVE"),
        pytest.param({"targets": (replace(THERE, active=Presence.UNKNOWN),)}, HoldKind.NO_TARGET, id="target unread"),
        pytest.param({"targets": (replace(THERE, images=Presence.GONE),)}, HoldKind.NO_TARGET, id="target image gone"),
        pytest.param({"ledger": quarantined(BAD)}, HoldKind.QUARANTINED, id="deployed again"),
        pytest.param(
            {"ledger": replace(LEDGER, rollbacks=(rolled_back(NOON - timedelta(days=2), BAD, GOOD),))},
            HoldKind.QUARANTINED,
            id="rolled back once before",
        ),
        pytest.param(
            {"ledger": replace(LEDGER, rollbacks=(refused(BAD, GOOD, "ecs-svc/2"),))},
            HoldKind.TRIED,
            id="its rollback was refused",
        ),
        pytest.param(
            {"ledger": replace(LEDGER, rollbacks=tuple(rolled_back(NOON, f"web:{n}", OLDER) for n in (1, 2)))},
            HoldKind.BUDGET,
            id="two rollbacks today",
        ),
        pytest.param(
            {"primary": replace(PRIMARY, reason="ECS deployment circuit breaker: rolling back to deploymentId 1.")},
            HoldKind.ROLLBACK_OF_ROLLBACK,
            id="the platform's rollback fails",
        ),
        pytest.param(
            {"ledger": replace(LEDGER, rollbacks=(rolled_back(NOON, "web:43", BAD, "ecs-svc/2"),))},
            HoldKind.ROLLBACK_OF_ROLLBACK,
            id="our own rollback fails",
        ),
        pytest.param(
            {"service_deployment": replace(UNDER_WAY, status="ROLLBACK_IN_PROGRESS", rollback_to=BAD)},
            HoldKind.ROLLBACK_OF_ROLLBACK,
            id="the platform's rollback fails while it goes on",
        ),
        pytest.param({"read_at": NOW - timedelta(seconds=31)}, HoldKind.STALE, id="the counts are old"),
        pytest.param({"control": tally(early=6)}, HoldKind.WOULD_NOT_HELP, id="the old revision fails too"),
        pytest.param({"own": tally(outside=6)}, HoldKind.WOULD_NOT_HELP, id="nothing can reach the registry"),
        pytest.param({"own": tally(early=6, outside=9)}, HoldKind.WOULD_NOT_HELP, id="mostly from outside"),
        pytest.param(
            {"own": tally(certain=4), "targets": (replace(THERE, shares=frozenset({Cause.IMAGE_PULL})),)},
            HoldKind.WOULD_NOT_HELP,
            id="both need the image that is missing",
        ),
        pytest.param(
            {"ledger": Ledger((KnownGood(BAD, NOON - timedelta(days=1)), *LEDGER.known_good))},
            HoldKind.WOULD_NOT_HELP,
            id="the same revision ran well before",
        ),
        pytest.param(
            {"strategy": "BLUE_GREEN", "platform_target": OLDER}, HoldKind.NO_TARGET, id="blue/green would go elsewhere"
        ),
    ],
)
def test_the_guard_holds_and_says_why(changes: dict[str, Any], kind: HoldKind) -> None:
    decision = decide_rollback(a_picture(**changes), ACT, NOW)
    assert isinstance(decision, Hold)
    assert decision.kind is kind
    assert "web:42" in decision.reason


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        pytest.param({"breaker": NATIVE, "service_deployment": seen_by_breaker(4)}, StandDownKind.NATIVE, id="breaker"),
        pytest.param(
            {"breaker": NATIVE, "service_deployment": seen_by_breaker(0), "recent": 6},
            StandDownKind.NATIVE,
            id="what the breaker cannot have counted yet",
        ),
        pytest.param(
            {"breaker": NATIVE, "service_deployment": seen_by_breaker(0, "TRIGGERED")},
            StandDownKind.NATIVE,
            id="breaker tripped",
        ),
        pytest.param(
            {
                "alarms": Alarms(enable=True, rollback=True, names=("5xx",)),
                "service_deployment": replace(UNDER_WAY, triggered_alarms=("5xx",)),
            },
            StandDownKind.NATIVE,
            id="alarm on",
        ),
        pytest.param(
            {"service_deployment": replace(UNDER_WAY, status="STOP_REQUESTED")},
            StandDownKind.ON_ITS_WAY,
            id="somebody stops it",
        ),
        pytest.param(
            {"primary": replace(COMPLETED, completed_at=NOW - timedelta(minutes=61))}, StandDownKind.SETTLED, id="old"
        ),
        pytest.param({"desired": 0}, StandDownKind.OFF, id="no tasks wanted"),
        pytest.param({"active": False}, StandDownKind.OFF, id="deleted"),
    ],
)
def test_the_guard_stands_down_for_whoever_has_it(changes: dict[str, Any], kind: StandDownKind) -> None:
    decision = decide_rollback(a_picture(**changes), ACT, NOW)
    assert isinstance(decision, StandDown)
    assert decision.kind is kind


@pytest.mark.parametrize(
    ("changes", "how"),
    [
        pytest.param({}, How.STOP_DEPLOYMENT, id="in flight, the platform goes where the ledger says"),
        pytest.param({"platform_target": OLDER}, How.UPDATE_SERVICE, id="in flight, the platform would go elsewhere"),
        pytest.param({"service_deployment": None}, How.UPDATE_SERVICE, id="no service deployment is known"),
        pytest.param(
            {"primary": COMPLETED, "service_deployment": replace(UNDER_WAY, status="SUCCESSFUL")},
            How.UPDATE_SERVICE,
            id="after COMPLETED",
        ),
        pytest.param(
            {"primary": replace(PRIMARY, state=RolloutState.FAILED), "service_deployment": None},
            How.UPDATE_SERVICE,
            id="FAILED without a way back",
        ),
        pytest.param({"strategy": "BLUE_GREEN"}, How.STOP_DEPLOYMENT, id="blue/green in flight"),
        pytest.param(
            {"breaker": NATIVE, "service_deployment": seen_by_breaker(0)},
            How.STOP_DEPLOYMENT,
            id="the breaker does not see it",
        ),
        pytest.param(
            {"breaker": Breaker(enable=True), "service_deployment": seen_by_breaker(4)},
            How.STOP_DEPLOYMENT,
            id="the breaker sees it and would not go back",
        ),
        pytest.param(
            {
                "own": tally(certain=4, cause=Cause.BAD_COMMAND),
                "targets": (replace(THERE, shares=frozenset({Cause.SECRETS})),),
            },
            How.STOP_DEPLOYMENT,
            id="what both need is not what is missing",
        ),
        pytest.param(
            {"own": tally(early=12), "control": tally(late=1)}, How.STOP_DEPLOYMENT, id="one old task crashed as well"
        ),
    ],
)
def test_the_guard_goes_back(changes: dict[str, Any], how: How) -> None:
    decision = decide_rollback(a_picture(**changes), ACT, NOW)
    assert isinstance(decision, RollBack), decision
    assert (decision.how, decision.to.revision, decision.bad, decision.fence) == (how, GOOD, BAD, "ecs-svc/2")
    assert (decision.service_deployment is not None) is (how is How.STOP_DEPLOYMENT)


def test_the_reason_has_the_numbers() -> None:
    decision = decide_rollback(a_picture(), ACT, NOW)
    assert isinstance(decision, RollBack)
    assert decision.reason == (
        "web:42 of prod/web: 6 of 10 started tasks exited with the same code within 30 seconds of the start since "
        "12:01:30 UTC. A revision that works shows that in fewer than one of 10,000 deployments. "
        "web:41 is known good since 12:00:00 UTC."
    )


def test_after_completed_people_are_told_what_remains() -> None:
    target = replace(THERE, images=Presence.UNKNOWN, differs=("network configuration",))
    decision = decide_rollback(a_picture(primary=COMPLETED, targets=(target,)), ACT, NOW)
    assert isinstance(decision, RollBack)
    assert [caveat.split(":")[0] for caveat in decision.caveats] == [
        "The rollback also affects",
        "Whether the images of web",
        "The deployment had COMPLETED",
    ]


def test_targets_are_looked_at_only_when_they_matter() -> None:
    decision = decide_rollback(a_picture(targets=None), ACT, NOW)
    assert isinstance(decision, Inspect)
    assert decision.candidates == (GOOD, OLDER)
    assert isinstance(decide_rollback(a_picture(targets=None, own=tally(early=1)), ACT, NOW), Watch)


def test_a_target_that_is_gone_is_passed_over_for_an_older_one() -> None:
    targets = (replace(THERE, active=Presence.GONE), Target(OLDER, Presence.THERE, Presence.THERE))
    decision = decide_rollback(a_picture(targets=targets), ACT, NOW)
    assert isinstance(decision, RollBack)
    assert (decision.to.revision, decision.how) == (OLDER, How.UPDATE_SERVICE)


def test_a_revision_proven_by_this_very_deployment_can_still_be_undone() -> None:
    proven = Ledger((KnownGood(BAD, NOON + timedelta(minutes=1)), *LEDGER.known_good))
    decision = decide_rollback(a_picture(primary=COMPLETED, ledger=proven), ACT, NOW)
    assert isinstance(decision, RollBack)
    assert decision.to.revision == GOOD


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        pytest.param(GuardPolicy(mode=Mode.OBSERVE), RollBack, id="observe decides the same"),
        pytest.param(GuardPolicy(mode=Mode.OFF), StandDown, id="off"),
        pytest.param(GuardPolicy(mode=Mode.ACT, halted=True), Hold, id="halted"),
        pytest.param(GuardPolicy(mode=Mode.ACT, budget=0), Hold, id="no budget"),
    ],
)
def test_the_policy_bounds_it(policy: GuardPolicy, expected: type) -> None:
    assert isinstance(decide_rollback(a_picture(), policy, NOW), expected)


def test_a_picture_that_could_not_be_made_is_no_reason_to_act() -> None:
    decision = decide_rollback(Unreadable(WHO, "DescribeServices was denied"), ACT, NOW)
    assert isinstance(decision, Hold)
    assert (decision.kind, "denied" in decision.reason) == (HoldKind.UNREADABLE, True)


def test_the_rollout_that_goes_back_and_works_is_left_alone() -> None:
    back = replace(PRIMARY, reason="rolling back to deploymentId 1")
    decision = decide_rollback(a_picture(primary=back, own=tally(early=0)), ACT, NOW)
    assert isinstance(decision, StandDown)
    assert decision.kind is StandDownKind.ON_ITS_WAY


def test_an_old_revision_that_fails_far_less_only_has_to_be_outweighed() -> None:
    assert isinstance(decide_rollback(a_picture(control=tally(late=1)), ACT, NOW), Watch)


def test_old_tasks_that_are_missing_are_waited_for_a_moment() -> None:
    fewer = a_picture(others=(replace(OLD, running=6),))
    seconds = timedelta(seconds=30)  # the failures are so old
    assert isinstance(decide_rollback(replace(fewer, read_at=NOW - seconds), ACT, NOW - seconds), Watch)
    assert isinstance(decide_rollback(fewer, ACT, NOW), RollBack)
    certain = replace(fewer, own=tally(certain=4), read_at=NOW - seconds)
    assert isinstance(decide_rollback(certain, ACT, NOW - seconds), RollBack)


EARLY = replace(ACT, early_evidence=True)
PATIENT = replace(ACT, early_evidence=False)
JUST_NOW = NOW - timedelta(seconds=30)
"""When the failures of `tally` happened."""


@pytest.mark.parametrize(
    ("policy", "seconds", "changes", "expected"),
    [
        pytest.param(EARLY, 1, {}, Watch, id="two of four new tasks, four old ones: wait"),
        pytest.param(EARLY, 14, {}, Watch, id="the first is not STOPPED yet"),
        pytest.param(EARLY, 15, {}, RollBack, id="the first is STOPPED"),
        pytest.param(PATIENT, 1, {}, RollBack, id="on STOPPED alone it is late enough"),
        pytest.param(EARLY, 1, {"own": tally(certain=2)}, RollBack, id="certain"),
        pytest.param(EARLY, 1, {"others": ()}, RollBack, id="nobody to hear"),
        pytest.param(
            EARLY,
            1,
            {"own": tally(early=5), "desired": 400, "others": (replace(OLD, desired=400, running=400),)},
            RollBack,
            id="five new tasks and none of 400 old ones",
        ),
    ],
)
def test_exit_codes_of_a_small_service_wait_for_what_the_old_tasks_do(
    policy: GuardPolicy, seconds: int, changes: dict[str, Any], expected: type
) -> None:
    now = JUST_NOW + timedelta(seconds=seconds)
    small = {"own": tally(early=2), "desired": 4, "others": (replace(OLD, desired=4, running=4),)}
    picture = a_picture(primary=replace(PRIMARY, pending=2), read_at=now, **(small | changes))
    assert isinstance(decide_rollback(picture, policy, now), expected)


@pytest.mark.parametrize(
    ("policy", "counted", "recent", "expected"),
    [
        pytest.param(EARLY, 0, 6, StandDown, id="the breaker has had no time to count"),
        pytest.param(EARLY, 1, 4, StandDown, id="it keeps up with what it can have counted"),
        pytest.param(EARLY, 0, 4, RollBack, id="it had the time and did not count"),
        pytest.param(EARLY, 1, 3, RollBack, id="it counts less than half of what it could"),
        pytest.param(PATIENT, 0, 6, StandDown, id="on STOPPED alone ECS may still be counting as well"),
    ],
)
def test_the_guard_does_not_overtake_a_breaker_that_can_see_the_failure(
    policy: GuardPolicy, counted: int, recent: int, expected: type
) -> None:
    picture = a_picture(breaker=NATIVE, service_deployment=seen_by_breaker(counted), recent=recent)
    assert isinstance(decide_rollback(picture, policy, NOW), expected)


def test_starts_seen_before_count_still() -> None:
    """A count that is too small now (tasks scaled in) does not make the evidence stronger."""
    weak = a_picture(own=tally(early=2), primary=replace(PRIMARY, pending=0))
    assert isinstance(decide_rollback(weak, ACT, NOW), RollBack)
    assert isinstance(decide_rollback(replace(weak, starts_seen=40), ACT, NOW), Watch)


def test_the_control_group_is_what_failed_around_the_deployment() -> None:
    assert control_since(PRIMARY, NOW) == NOON - timedelta(minutes=10)
    assert control_since(PRIMARY, NOON + timedelta(hours=3)) == NOON + timedelta(hours=2, minutes=30)


# ── whatever comes ────────────────────────────────────────────────────────────────────────────────────────────────────

COUNTS = st.fixed_dictionaries({kind.value: st.integers(0, 12) for kind in Kind})
NOT_ALLOWED: tuple[dict[str, Any], ...] = (
    {"controller": "EXTERNAL"},
    {"ledger": quarantined(BAD)},
    {"ledger": Ledger()},
    {"targets": (replace(THERE, active=Presence.GONE),)},
    {"read_at": NOW - timedelta(minutes=5)},
    {"primary": replace(PRIMARY, reason="rolling back to deploymentId 1")},
    {"breaker": NATIVE, "service_deployment": seen_by_breaker(200)},
    {"service_deployment": replace(UNDER_WAY, status="ROLLBACK_IN_PROGRESS")},
)


@settings(max_examples=150, deadline=None)
@given(counts=COUNTS, changes=st.sampled_from(NOT_ALLOWED))
def test_no_evidence_is_strong_enough_for_what_is_not_allowed(counts: dict[str, int], changes: dict[str, Any]) -> None:
    assert not isinstance(decide_rollback(a_picture(own=tally_of(counts), **changes), ACT, NOW), RollBack)


@settings(max_examples=150, deadline=None)
@given(counts=COUNTS, running=st.integers(0, 400), seen=st.integers(0, 400), control=COUNTS)
def test_fewer_known_starts_and_a_worse_old_revision_never_cause_an_action(
    counts: dict[str, int], running: int, seen: int, control: dict[str, int]
) -> None:
    picture: Picture = a_picture(own=tally_of(counts), primary=replace(PRIMARY, running=running), starts_seen=seen)
    worse = replace(picture, control=tally_of(control), primary=replace(PRIMARY, running=running + 7))
    if isinstance(decide_rollback(worse, ACT, NOW), RollBack):
        assert isinstance(decide_rollback(picture, ACT, NOW), RollBack)


def test_old_revision_without_tasks_is_no_control_group() -> None:
    assert isinstance(decide_rollback(a_picture(others=()), ACT, NOW), RollBack)
    assert isinstance(decide_rollback(a_picture(others=(replace(OLD, running=0),)), ACT, NOW), RollBack)
