"""Releases on the real state machine, with the real functions under their own roles: what their checks say is done.

In every scenario production traffic flows, and how it ends asks what became of it (`release_endings`).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from breakwater.model import Mode
from breakwater.policies import ReleasePolicy
from sandbox.ecs import workloads
from sandbox.states.machines import Execution
from tests.sandbox.loopback import server
from tests.sandbox.release_endings import deployments, give, passed, redeployed, returned
from tests.sandbox.release_stage import (
    ANALYSED,
    BOTH,
    CANARY,
    CHECKED,
    LINEAR,
    MINUTE,
    ROLLING,
    STEPS,
    Shop,
    Street,
    smoke,
)
from tests.thoroughness import EXHAUSTIVE

LOOKS = ("ReleaseWait", "ReleaseCheck", "Judged")
BEGINS = ["ReleaseBegin", "Admitted", "ReleaseMove"]
PASSES = ["ReleaseClose", "Closed", "Released"]
RETURNS = ["ReleaseReturn", "Returning"]
ENDS = ["ReleaseClose", "Closed", "NotReleased"]
SLOWLY = 0.15
"""How long a slow server takes, in seconds; real ones, so it is little more than the check allows."""


# ── forward ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_revision_whose_checks_pass_is_released(street: Street) -> None:
    shop = Shop(street)
    shop.traffic()
    execution = shop.release(requested_by="pipeline/1")
    passed(shop, execution)
    assert execution.entered == [*BEGINS, *LOOKS, "ReleaseMove", *LOOKS, *PASSES]
    assert shop.weights == [0, 100]
    assert shop.said(execution) == [
        "begun", "deploy", "check smoke", "go on", "CONTINUE at POST_TEST_TRAFFIC_SHIFT", "released",
    ]  # fmt: skip
    assert [mail for mail in shop.mails() if "breakwater release" in mail] == []
    report = street.account.client("s3").list_objects_v2(
        Bucket=street.account.resource("ReportBucket").physical_id, Prefix=f"releases/prod/{shop.name}/"
    )
    assert [one["Key"].rpartition("/")[2] for one in report["Contents"]] == [
        "release-report.html",
        "release-report.json",
    ]


def test_transitions_are_few_against_a_design_that_polls(street: Street) -> None:
    shop = Shop(street, LINEAR, pauses=STEPS, checks=BOTH)
    shop.traffic(per_second=1)
    execution = shop.release()
    passed(shop, execution)
    assert execution.stopped_at is not None
    seconds = (execution.stopped_at - execution.started_at).total_seconds()
    polling = 3 * seconds / 15  # wait, ask, choose
    assert execution.transitions <= 0.35 * polling, (execution.transitions, polling)


def test_a_canary_that_does_as_well_goes_on(street: Street) -> None:
    shop = Shop(street, CANARY, pauses=STEPS, checks=BOTH)
    shop.traffic(per_second=2)
    passed(shop, shop.release())


def test_blue_and_green_are_compared_after_the_whole_shift(street: Street) -> None:
    shop = Shop(street, pauses=(CHECKED, ANALYSED), checks=BOTH)
    shop.traffic(per_second=2)
    execution = shop.release()
    passed(shop, execution)
    assert [one for one in shop.said(execution) if one.startswith("look")] == ["look 1", "look 2"]


def test_a_rolling_service_is_checked_through_its_production_listener(street: Street) -> None:
    shop = Shop(street, ROLLING)
    shop.traffic()
    execution = shop.release()
    passed(shop, execution)
    assert "check smoke" in shop.said(execution)


@pytest.mark.parametrize("good", [True, False] if EXHAUSTIVE else [True], ids=str)
def test_two_services_behind_one_balancer_do_not_notice_each_others_release(good: bool, street: Street) -> None:
    shop, neighbour = Shop(street), Shop(street)
    shop.site(2, 200 if good else 500)
    shop.traffic()
    other = neighbour.traffic(per_second=2)
    execution = shop.release()
    (passed if good else returned)(shop, execution)
    assert (other.failed, set(other.by("revision"))) == (0, {f"{neighbour.name}:1"})
    assert other.sent > 500
    assert (neighbour.weights, deployments(neighbour)) == ([100, 0], 1)


# ── checks against real servers as blue and green ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("green", "more", "good"),
    [
        pytest.param(lambda number: (200, 0.0), {}, True, id="it answers well"),
        pytest.param(lambda number: (500, 0.0), {}, False, id="it answers with errors"),
        pytest.param(
            lambda number: (500 if number == 2 else 200, 0.0), {}, True, id="it flaps once, which n of m allows"
        ),
        pytest.param(lambda number: (200, SLOWLY), {"latency_ms": 100}, False, id="it is slow"),
    ],
)
def test_real_servers_are_blue_and_green(
    green: Callable[[int], tuple[int, float]], more: dict[str, Any], good: bool, street: Street
) -> None:
    shop = Shop(street, checks=(("smoke", "http", smoke(**more)),))
    shop.traffic()
    with server(lambda number: (200, 0.0)) as blue_port, server(green) as green_port:
        street.account.sites.servers |= {f"{shop.name}:1": blue_port, f"{shop.name}:2": green_port}
        execution = shop.release()
    assert {image for image, _ in street.account.sites.asked if image.startswith(f"{shop.name}:")} == {f"{shop.name}:2"}
    (passed if good else returned)(shop, execution)


# ── back ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_revision_whose_checks_fail_never_gets_production_traffic(street: Street) -> None:
    shop = Shop(street)
    shop.site(2, 500)
    shop.traffic()
    execution = shop.release()
    returned(shop, execution)
    assert execution.entered[:8] == [*BEGINS, *LOOKS, *RETURNS]
    assert execution.entered[-3:] == ENDS
    assert set(execution.entered[8:-3]) == set(LOOKS)
    assert "status 500" in str(execution.cause)
    assert "it is back, and verified" in str(execution.cause)
    assert [one["revision"].rpartition(":")[2] for one in shop.ledger["quarantined"]] == ["2"]


def test_what_came_back_is_not_tried_again(street: Street) -> None:
    shop = Shop(street)
    shop.site(2, 500)
    shop.traffic()
    returned(shop, shop.release())
    again = shop.over(shop.start())
    assert (again.status, again.error) == ("FAILED", "Refused")
    assert "quarantined" in str(again.cause)
    assert again.entered == ["ReleaseBegin", "Admitted", *ENDS]
    third = shop.release(revision=3)  # the waits of the release before it are no longer anybody's
    passed(shop, third, revision=3)
    assert third.entered == [*BEGINS, *LOOKS, "ReleaseMove", *LOOKS, *PASSES]
    assert third.stopped_at is not None
    assert third.stopped_at - third.started_at < 30 * MINUTE, "its patience ended, no event reached it"


def test_a_canary_that_does_worse_costs_no_more_than_its_share(street: Street) -> None:
    shop = Shop(street, CANARY, pauses=STEPS, checks=BOTH)
    shop.serves(2, error_rate=0.3)
    flow = shop.traffic(per_second=4)
    execution = shop.release()
    returned(shop, execution, share=0.1)
    assert 0 < flow.failed < 0.03 * flow.sent  # a tenth of the requests, a third of which fail
    assert "requests failed on the new side" in str(execution.cause)


def test_a_rolling_service_goes_back_by_a_deployment(street: Street) -> None:
    shop = Shop(street, ROLLING)
    shop.site(2, 500)
    shop.traffic()
    redeployed(shop, shop.release())


def test_a_revision_that_crashes_in_its_bake_goes_back_and_only_the_time_until_then_is_lost(street: Street) -> None:
    """All of the traffic is on green when all of green crashes, and does not come up again: every request fails until
    the rule gives blue the traffic back, and none after that."""
    shop = Shop(street)
    flow = shop.traffic(per_second=2)
    shop.register()
    execution = shop.start()
    shop.until(lambda: shop.weights == [0, 100])
    crashed, sent = street.account.now, flow.sent
    assert flow.failed == 0
    street.account.ecs.faults.set_workload(f"{shop.name}:2", workloads.crash_on_start())
    for task in shop.ecs.list_tasks(cluster="prod", serviceName=shop.name, desiredStatus="RUNNING")["taskArns"]:
        [seen] = shop.ecs.describe_tasks(cluster="prod", tasks=[task])["tasks"]
        if seen["taskDefinitionArn"].endswith(":2"):
            shop.ecs.stop_task(cluster="prod", task=task)
    shop.until(lambda: shop.weights == [100, 0])
    back, lost = street.account.now, flow.failed
    shop.over(execution)
    assert (execution.error, shop.revision) == ("Returned", 1), (execution.error, execution.cause)
    assert "the rollback guard says" in str(execution.cause)
    [noticed] = [one["at"] for one in shop.record(execution)["lines"] if one["what"] == "failed"]
    assert datetime.fromisoformat(noticed) - crashed < 2 * MINUTE
    assert back - crashed < 3 * MINUTE
    assert 0 < lost <= flow.per_second * (back - crashed).total_seconds() + 1
    assert flow.failed == lost, "requests failed although blue had the traffic again"
    assert flow.sent > sent + lost
    assert [one["revision"].rpartition(":")[2] for one in shop.ledger["quarantined"]] == ["2"]
    assert shop.free


# ── doubt ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def in_doubt(street: Street, **more: Any) -> tuple[Shop, Execution]:
    """A release that asks a person, because the checker itself is in trouble."""
    shop = Shop(street, policy=ReleasePolicy(mode=Mode.ACT, approval_minutes=10), **more)
    shop.traffic()
    street.account.sites.resolving = False
    shop.register()
    execution = shop.start()
    shop.until(lambda: shop.under(f"RELEASE#{execution.arn}") and shop.record(execution)["question"])
    street.account.sites.resolving = True
    return shop, execution


def test_a_checker_in_trouble_asks_a_person_with_the_command_that_answers(street: Street) -> None:
    shop, execution = in_doubt(street)
    street.account.advance(2 * MINUTE)
    assert any("breakwater release approve" in mail for mail in shop.mails())
    give(shop, "approved")
    passed(shop, shop.over(execution))


def test_a_person_who_aborts_sends_it_back(street: Street) -> None:
    shop, execution = in_doubt(street)
    give(shop, "aborted")
    returned(shop, shop.over(execution))
    assert "aborted" in str(execution.cause)


def test_a_question_that_nobody_answers_sends_it_back(street: Street) -> None:
    shop, execution = in_doubt(street)
    returned(shop, shop.over(execution))
    assert "nobody answered" in str(execution.cause)


def test_too_little_traffic_is_no_pass(street: Street) -> None:
    hasty = ReleasePolicy(mode=Mode.ACT, approval_minutes=5)
    shop = Shop(street, CANARY, pauses=STEPS, checks=BOTH, policy=hasty)
    shop.traffic(per_second=0.2)
    execution = shop.release()
    returned(shop, execution, share=0.1)
    assert "nobody answered" in str(execution.cause)
    assert [one for one in shop.said(execution) if one.startswith("look")] == [f"look {one}" for one in range(1, 6)]


@pytest.mark.parametrize("word", ["approved", "aborted"] if EXHAUSTIVE else ["aborted"])
def test_a_word_of_which_nobody_is_told_is_found_by_the_sweep(word: str, street: Street) -> None:
    shop, execution = in_doubt(street)
    given = street.account.now
    give(shop, word, told=False)
    shop.over(execution)
    [found] = [one for one in execution.history if one["type"] == "TaskSucceeded" and f"sweep:word:{word}" in str(one)]
    assert (datetime.fromisoformat(found["timestamp"]) - given).total_seconds() <= 300
    (passed if word == "approved" else returned)(shop, execution)
