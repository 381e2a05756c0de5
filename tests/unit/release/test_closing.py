"""The end of a release: what was not let through never ends as released, and whoever waits for one hears that there is
none."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from breakwater.errors import ThrottledError
from breakwater.leases import Lease
from release import begin, close, move
from release.record import Release, Stage
from tests.fakes.release_sight import ARN, BACK, EXECUTION, NOW, RELEASE, THROUGH, Shown, a_rollout
from tests.fakes.release_work import Bench

FAILURE = {"Error": "RefusedError", "Cause": '{"errorMessage": "AccessDenied on purpose"}'}
THERE = a_rollout("SUCCESSFUL", None, production_weight=100.0)


def closing(bench: Bench, **more: Any) -> dict[str, Any]:
    return close.respond({"execution": EXECUTION, **more}, bench.work)


# ── what goes back is never released ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "failure", "said"),
    [
        pytest.param({"why": "1 of 1 checks failed", "at_fault": True}, FAILURE, "1 of 1 checks failed", id="a check"),
        pytest.param({"why": "aborted by ann"}, None, "aborted by ann", id="a person, and no error is known"),
        pytest.param({}, FAILURE, "AccessDenied on purpose", id="an error"),
    ],
)
def test_what_was_to_go_back_and_did_not_begin_to_is_a_failure_that_a_person_hears_of(
    changes: dict[str, Any], failure: Any, said: str
) -> None:
    bench = Bench(Shown([THERE]))
    bench.keep(replace(RELEASE, **changes))
    answer = closing(bench, failure=failure)
    assert (answer["next"], answer["outcome"]["error"]) == ("failed", "NotReturned")
    assert said in answer["outcome"]["cause"]
    assert "the way back could not be begun" in answer["outcome"]["cause"]
    [told] = bench.told
    assert told.startswith("release_unsettled")
    ledger = bench.work.ledgers.load(["prod/web"])["prod/web"].ledger
    assert ledger.bake is None
    assert len(ledger.quarantined) == bool(changes.get("at_fault"))


def test_what_nobody_sent_back_is_released() -> None:
    bench = Bench(Shown([THERE]))
    bench.keep()
    assert closing(bench)["next"] == "released"


def test_what_never_began_says_which_error_kept_it_from_beginning() -> None:
    bench = Bench()
    bench.keep(replace(RELEASE, stage=Stage.ADMITTED, intended_at=None, service_deployment=None))
    outcome = closing(bench, failure=FAILURE)["outcome"]
    assert outcome["error"] == "NotBegun"
    assert "AccessDenied on purpose" in outcome["cause"]


# ── the way back has its own time ─────────────────────────────────────────────────────────────────────────────────────


def test_the_way_back_has_as_long_to_settle_as_the_way_there_had() -> None:
    bench = Bench(Shown([THERE], [THROUGH, THROUGH, BACK, replace(BACK, running=1)]))
    bench.keep(replace(RELEASE, why="aborted by ann", settle_until=NOW + timedelta(minutes=15)))
    now = bench.clock.on(minutes=40)
    move.respond({"execution": EXECUTION, "todo": {"verb": "return"}}, bench.work)
    assert bench.release.redeployed_at == now
    assert closing(bench)["next"] == "pause"
    assert bench.release.settle_until == now + timedelta(minutes=bench.policy.settle_minutes)


# ── a release that never began ───────────────────────────────────────────────────────────────────────────────────────

ATTEND = {"service_deployment": ARN, "hook_id": "h1", "stage": "POST_TEST_TRAFFIC_SHIFT"}
REQUEST = {"service": "prod/web", "attend": ATTEND}


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param({"service": "prod/web", "task_definition": "web:8"}, id="one that was to deploy"),
        pytest.param(REQUEST, id="one that was to attend: the sweep begins another, and tells when none can begin"),
        pytest.param(None, id="no input"),
        pytest.param({"service": "prod/web", "attend": "all of them"}, id="no deployment is named"),
        pytest.param({"service": 7, "attend": ATTEND}, id="no service is named"),
    ],
)
def test_a_release_that_never_began_is_told_to_nobody(request_: Any) -> None:
    bench = Bench()
    assert closing(bench, request=request_, failure=FAILURE)["outcome"]["error"] == "Refused"
    assert bench.told == []


# ── who else may change the service ───────────────────────────────────────────────────────────────────────────────────


def held(bench: Bench, holder: str) -> Lease:
    lease = bench.work.leases.take("prod/web", holder, NOW, timedelta(minutes=3))
    assert isinstance(lease, Lease)
    return lease


def test_who_finds_the_lease_taken_for_a_moment_begins_when_it_is_free() -> None:
    bench = Bench(Shown([a_rollout()]))
    lease = held(bench, "scaler")
    with pytest.raises(ThrottledError, match="scaler may change it"):  # which the machine tries again
        begin.respond({"execution": EXECUTION, "request": REQUEST}, bench.work)
    assert bench.work.records.load(EXECUTION) is None
    bench.work.leases.release(lease)
    assert begin.respond({"execution": EXECUTION, "request": REQUEST}, bench.work)["next"] == "check"


def test_a_deployment_that_is_too_new_to_be_seen_is_attended_when_it_is() -> None:
    bench = Bench(Shown([None, a_rollout()]))
    with pytest.raises(ThrottledError, match="there is no deployment"):  # which the machine tries again
        begin.respond({"execution": EXECUTION, "request": REQUEST}, bench.work)
    assert begin.respond({"execution": EXECUTION, "request": REQUEST}, bench.work)["next"] == "check"


def test_who_finds_another_release_of_the_service_is_refused_at_once() -> None:
    bench = Bench(Shown([a_rollout()]))
    held(bench, "release r0")
    assert begin.respond({"execution": EXECUTION, "request": REQUEST}, bench.work)["next"] == "close"
    assert bench.release.stage is Stage.TURNED


# ── the quarantine is told where there is one ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("at_fault", [True, False], ids=["its checks failed", "a person took it back"])
def test_who_returned_a_revision_is_told_of_its_quarantine_only_if_there_is_one(at_fault: bool) -> None:
    bench = Bench(Shown([a_rollout("ROLLBACK_SUCCESSFUL", None)], [BACK]))
    back: Release = replace(RELEASE, stage=Stage.RETURNING, why="it went back", at_fault=at_fault)
    bench.keep(back)
    cause = closing(bench)["outcome"]["cause"]
    assert cause.startswith("it went back; it is back, and verified: web:7 runs")
    assert ("web:8 is quarantined" in cause) is at_fault
    [told] = bench.told
    assert ("quarantined" in told) is at_fault
