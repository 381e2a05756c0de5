"""Releases and everybody else: who aborts one, who releases or deploys the same service, who may not, who is not asked.

In every scenario production traffic flows, and how it ends asks what became of it (`release_endings`).
"""

from datetime import datetime, timedelta
from typing import Any

import pytest

from breakwater.model import Mode
from breakwater.policies import ReleasePolicy
from sandbox.ecs_api.hooks import HookCalls
from tests.sandbox.release_endings import (
    attending,
    chaos,
    deployments,
    give,
    left_alone,
    only_old,
    passed,
    returned,
    unnoticed,
)
from tests.sandbox.release_stage import BOTH, CANARY, CHECKED, MINUTE, STEPS, Shop, Street

FOREVER = 99_999_999_999
"""When a lease of somebody else ends, in seconds since 1970."""


def tagged(shop: Shop, mode: str) -> None:
    """A tag of the service's own, which can only lower its mode."""
    [service] = shop.ecs.describe_services(cluster="prod", services=[shop.name])["services"]
    shop.ecs.tag_resource(resourceArn=service["serviceArn"], tags=[{"key": "breakwater:release", "value": mode}])


def taken_by_the_guard(shop: Shop) -> None:
    """Somebody else has the lease of the shop, for good."""
    table, key = shop.account.resource("Table").physical_id, f"LEASE#prod/{shop.name}"
    shop.account.client("dynamodb").update_item(
        TableName=table,
        Key={"pk": {"S": key}, "sk": {"S": "LEASE"}},
        UpdateExpression="SET #t = #t + :one, holder = :who, #u = :long",
        ExpressionAttributeNames={"#t": "token", "#u": "until"},
        ExpressionAttributeValues={
            ":one": {"N": "1"}, ":who": {"S": "rollback_guard"}, ":long": {"N": str(FOREVER)}
        },
    )  # fmt: skip


# ── a person's ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_release_that_is_aborted_in_its_shift_goes_back(street: Street) -> None:
    shop = Shop(street, CANARY, pauses=STEPS, checks=BOTH)
    shop.traffic(per_second=2)
    shop.register()
    execution = shop.start()
    shop.until(lambda: shop.weights == [90, 10])
    street.account.advance(MINUTE)
    give(shop, "aborted")
    returned(shop, shop.over(execution), share=0.1)


def test_a_release_that_is_aborted_while_a_task_of_its_checks_runs_stops_the_task(street: Street) -> None:
    task = ("migrations", "task", {"command": ["migrate"], "timeout_seconds": 3000})
    shop = Shop(street, checks=(task,), roles=True)
    shop.traffic()
    shop.register()
    execution = shop.start()
    shop.until(lambda: "checks" in (shop.said(execution) if shop.items(f"RELEASE#{execution.arn}") else ()))
    give(shop, "aborted")
    returned(shop, shop.over(execution))
    [kept] = shop.record(execution)["tasks"]
    [seen] = shop.ecs.describe_tasks(cluster="prod", tasks=[kept["arn"]])["tasks"]
    assert (seen["desiredStatus"], seen["stoppedReason"]) == ("STOPPED", "the release goes back")


def test_a_word_before_the_token_is_not_lost(street: Street) -> None:
    shop = Shop(street, CANARY, pauses=STEPS, checks=BOTH)
    shop.traffic()  # so little that it takes more than one look
    shop.register()
    execution = shop.start()
    shop.until(lambda: shop.items(f"RELEASE#{execution.arn}") and "look 1" in shop.said(execution))
    given = street.account.now
    give(shop, "aborted")
    returned(shop, shop.over(execution), share=0.1)
    [heard] = [one["at"] for one in shop.record(execution)["lines"] if one["what"] == "failed"]
    assert datetime.fromisoformat(heard) - given < timedelta(seconds=10), "it was deaf while it gathered"


# ── another release's ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_release_of_a_service_is_refused_and_the_first_does_not_notice(street: Street) -> None:
    shop = Shop(street)
    shop.traffic()
    shop.register()
    first = shop.start()
    shop.waits_at(first, "ReleaseWait")
    shop.register()
    second = shop.start(revision=3)
    passed(shop, shop.over(first))
    assert (second.status, second.error) == ("FAILED", "Refused")
    assert "another change" in str(second.cause)


def test_who_lost_the_lease_writes_nothing_more(street: Street) -> None:
    shop = Shop(street)
    shop.traffic()
    shop.register()
    execution = shop.start()
    shop.waits_at(execution, "ReleaseWait")
    taken_by_the_guard(shop)
    shop.over(execution)
    assert (execution.status, execution.error) == ("FAILED", "HandedOver")
    assert "rollback_guard" in str(execution.cause)
    assert shop.deployment["status"] == "IN_PROGRESS"  # nobody touched it: it waits at its hook
    street.account.advance(2 * MINUTE)
    assert any("rollback_guard" in mail for mail in shop.mails())
    only_old(shop)


def test_who_lost_the_lease_stops_the_tasks_of_its_checks(street: Street) -> None:
    task = ("migrations", "task", {"command": ["migrate"], "timeout_seconds": 300})
    shop = Shop(street, checks=(task,), roles=True)
    shop.traffic()
    shop.register()
    execution = shop.start()
    shop.until(lambda: "checks" in (shop.said(execution) if shop.items(f"RELEASE#{execution.arn}") else ()))
    taken_by_the_guard(shop)
    shop.over(execution)
    assert (execution.error, execution.entered.count("ReleaseReturn")) == ("HandedOver", 1)
    assert execution.entered[-5:] == ["ReleaseCheck", "Judged", "ReleaseClose", "Closed", "NotReleased"]
    [kept] = shop.record(execution)["tasks"]
    [seen] = shop.ecs.describe_tasks(cluster="prod", tasks=[kept["arn"]])["tasks"]
    assert (seen["desiredStatus"], seen["stoppedReason"]) == ("STOPPED", "the release is handed over")
    only_old(shop)


def test_a_lease_that_ran_out_while_nobody_took_it_is_still_the_releases(street: Street) -> None:
    shop = Shop(street)
    shop.traffic()
    shop.register()
    execution = shop.start()
    shop.waits_at(execution, "ReleaseWait")
    street.account.client("dynamodb").update_item(
        TableName=street.account.resource("Table").physical_id,
        Key={"pk": {"S": f"LEASE#prod/{shop.name}"}, "sk": {"S": "LEASE"}},
        UpdateExpression="SET #u = :past",
        ExpressionAttributeNames={"#u": "until"},
        ExpressionAttributeValues={":past": {"N": str(int(street.account.now.timestamp()) - 60)}},
    )
    passed(shop, shop.over(execution))


# ── a deployment that a release did not make ──────────────────────────────────────────────────────────────────────────


def test_a_deployment_of_somebody_else_is_attended(street: Street) -> None:
    shop = Shop(street)
    shop.traffic()
    execution = attending(shop, lambda: shop.update(taskDefinition=shop.register()))
    passed(shop, execution)
    assert execution.entered[:4] == ["ReleaseBegin", "Admitted", "ReleaseCheck", "Judged"]


def test_a_bad_deployment_of_somebody_else_is_sent_back_although_no_event_tells_of_it(street: Street) -> None:
    shop = Shop(street)
    shop.site(2, 500)
    shop.traffic()
    with chaos(street, drop=1.0):
        returned(shop, attending(shop, lambda: shop.update(taskDefinition=shop.register())))


def test_a_release_whose_execution_was_stopped_is_found_and_its_deployment_attended_anew(street: Street) -> None:
    shop = Shop(street)
    shop.traffic()
    shop.register()
    execution = shop.start()
    shop.until(lambda: shop.under(f"RELEASE#{execution.arn}") and shop.record(execution)["service_deployment"])
    street.account.client("stepfunctions").stop_execution(executionArn=execution.arn)
    shop.until(lambda: "left behind" in shop.said(execution))
    street.account.advance(2 * MINUTE)
    assert any("left behind" in mail for mail in shop.mails())
    heir = street.account.executions[-1]
    assert heir.name.startswith("attend-")
    passed(shop, shop.over(heir))
    assert deployments(shop) == 2


def test_a_deployment_that_waits_while_somebody_else_holds_its_service_is_told_to_a_person(street: Street) -> None:
    shop = Shop(street)
    shop.traffic()
    lease = {"pk": f"LEASE#prod/{shop.name}", "sk": "LEASE", "holder": "rollback_guard", "reason": "a rollback"}
    street.account.client("dynamodb").put_item(
        TableName=street.account.resource("Table").physical_id,
        Item={
            **{name: {"S": value} for name, value in lease.items()},
            "token": {"N": "7"},
            "until": {"N": str(FOREVER)},
        },
    )
    refused = attending(shop, lambda: shop.update(taskDefinition=shop.register()))
    street.account.advance(MINUTE)
    assert (refused.error, shop.revision) == ("Refused", 2)
    shop.until(lambda: any("3 releases began to attend the deployment" in mail for mail in shop.mails()))
    only_old(shop)


def test_a_deployment_that_waits_while_a_tag_of_its_service_only_observes_is_told_to_a_person(street: Street) -> None:
    shop = Shop(street)
    shop.traffic()
    tagged(shop, "observe")
    rehearsed = attending(shop, lambda: shop.update(taskDefinition=shop.register()))
    street.account.advance(MINUTE)
    assert (rehearsed.result["error"], shop.deployment["lifecycleStage"]) == ("Rehearsed", CHECKED)
    assert any("waits at a hook that no release answers" in mail for mail in shop.mails())
    only_old(shop)


@pytest.mark.parametrize("good", [True, False], ids=["which passes", "which goes back"])
def test_a_lambda_hook_that_is_invoked_twice_each_time_decides_as_if_once(
    good: bool, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same call, with the same details of the hook: ECS goes on with the answer of the second one."""
    once = HookCalls._answer
    said: list[str] = []

    def twice(calls: HookCalls, name: str, role: str | None, event: dict[str, Any]) -> object:
        answers: list[Any] = [once(calls, name, role, event) for _ in range(2)]
        said.extend(answer["hookStatus"] for answer in answers)
        return answers[-1]

    monkeypatch.setattr(HookCalls, "_answer", twice)
    hook = {
        "hookTargetArn": street.account.outputs["DeploymentHookFunctionArn"],
        "roleArn": street.account.outputs["DeploymentHookRoleArn"],
        "lifecycleStages": [CHECKED],
    }
    shop = Shop(street, pauses=(), hooks=(hook,))
    shop.site(2, 200 if good else 500)
    shop.traffic()
    shop.update(taskDefinition=shop.register())
    shop.until(lambda: shop.deployment["status"] in ("SUCCESSFUL", "ROLLBACK_SUCCESSFUL"))
    assert said == ["IN_PROGRESS"] * 2 + ["SUCCEEDED" if good else "FAILED"] * 2
    assert (shop.revision, shop.weights) == ((2, [0, 100]) if good else (1, [100, 0]))
    assert deployments(shop) == 2
    (unnoticed if good else only_old)(shop)


# ── who may not, and what is no release ───────────────────────────────────────────────────────────────────────────────


def test_a_service_that_is_only_observed_is_rehearsed_and_left_alone(street: Street) -> None:
    shop = Shop(street, policy=ReleasePolicy(mode=Mode.OBSERVE))
    shop.traffic()
    left_alone(shop, shop.release(), "Rehearsed")


@pytest.mark.parametrize("by_tag", [False, True], ids=["by the policy", "by a tag of its own"])
def test_a_service_whose_releases_are_off_is_refused(by_tag: bool, street: Street) -> None:
    shop = Shop(street, policy=ReleasePolicy(mode=Mode.ACT if by_tag else Mode.OFF))
    shop.traffic()
    if by_tag:
        tagged(shop, "off")
    left_alone(shop, shop.release(), "Refused")


def test_wrong_input_is_refused_and_names_what_is_wrong(street: Street) -> None:
    shop = Shop(street)
    shop.traffic()
    execution = shop.over(shop.start(surprise=1))
    left_alone(shop, execution, "Refused")
    assert "surprise: is not known" in str(execution.cause)
    assert execution.entered == ["ReleaseBegin", "Admitted", "ReleaseClose", "Closed", "NotReleased"]


def test_a_service_without_the_hooks_that_its_checks_need_is_refused_with_the_snippet(street: Street) -> None:
    shop = Shop(street, pauses=())
    shop.traffic()
    execution = shop.release()
    left_alone(shop, execution, "Refused")
    assert "POST_TEST_TRAFFIC_SHIFT" in str(execution.cause)


def test_a_release_that_could_not_be_recorded_holds_nothing_back(street: Street) -> None:
    shop = Shop(street)
    shop.traffic()
    street.account.fail("dynamodb", "PutItem", "ValidationException", times=1, function="ReleaseBeginFunction")
    execution = shop.release()
    left_alone(shop, execution, "Refused")
    assert shop.free
