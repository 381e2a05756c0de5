"""A deployment that waits is attended though its first release could not begin, and a person's gate is a person's."""

from dataclasses import replace
from datetime import timedelta

from sandbox import actions, iam
from tests.sandbox.release_endings import passed, returned
from tests.sandbox.release_stage import CHECKED, MINUTE, Shop, Street

TASK = ("migrations", "task", {"command": ["migrate"], "timeout_seconds": 300})


def began(street: Street, shop: Shop) -> list[str]:
    """The releases that were begun for a deployment of the shop, and how each of them ended."""
    mine = [one for one in street.account.executions if f"prod/{shop.name}" in str(one.input)]
    return [one.status for one in mine]


def test_a_release_that_could_not_begin_is_followed_by_another_one(street: Street) -> None:
    shop = Shop(street)
    shop.traffic()
    street.account.fail("elbv2", "DescribeRules", "ValidationError", times=1, function="ReleaseBeginFunction")
    shop.update(taskDefinition=shop.register())
    shop.until(lambda: len(began(street, shop)) == 2)
    passed(shop, shop.over(street.account.executions[-1]))
    assert began(street, shop) == ["FAILED", "SUCCEEDED"]


def test_a_person_is_called_once_when_no_release_can_begin(street: Street) -> None:
    shop = Shop(street)
    street.account.fail("elbv2", "DescribeRules", "ValidationError", times=3, function="ReleaseBeginFunction")
    shop.update(taskDefinition=shop.register())
    street.account.advance(timedelta(hours=1))
    assert began(street, shop) == ["FAILED"] * 3
    assert sum("3 releases began to attend the deployment" in mail for mail in shop.mails()) == 1, shop.mails()


def test_what_was_found_bad_and_could_not_be_sent_back_is_sent_back_by_who_comes_after_and_not_checked_anew(
    street: Street,
) -> None:
    shop = Shop(street)
    shop.traffic()
    shop.site(2, 500)
    denied = "AccessDeniedException"
    street.account.fail("ecs", "ContinueServiceDeployment", denied, times=1, function="ReleaseMoveFunction")
    first = shop.release()
    assert (first.error, shop.deployment["lifecycleStage"]) == ("NotReturned", CHECKED)
    shop.site(2, 200)  # its check flaps
    shop.until(lambda: began(street, shop) == ["FAILED", "FAILED"], step=MINUTE)
    heir = street.account.executions[-1]
    returned(shop, heir)
    assert not [one for one in shop.said(heir) if one.startswith(("check ", "CONTINUE"))]


def test_a_persons_gate_beside_breakwaters_function_is_left_to_them(street: Street) -> None:
    outputs = street.account.outputs
    ours = {
        "targetType": "AWS_LAMBDA",
        "hookTargetArn": outputs["DeploymentHookFunctionArn"],
        "roleArn": outputs["DeploymentHookRoleArn"],
        "lifecycleStages": [CHECKED],
    }
    shop = Shop(street, hooks=(ours,))
    shop.update(taskDefinition=shop.register())
    street.account.advance(20 * MINUTE)
    assert began(street, shop) == []
    assert shop.deployment["lifecycleStage"] == CHECKED
    assert any("the one that pauses is a person's" in mail for mail in shop.mails()), shop.mails()


def test_the_function_that_checks_may_stop_no_task_of_a_service(street: Street) -> None:
    shop = Shop(street)
    account = street.account.account
    [task, *_] = street.ecs.list_tasks(cluster="prod", serviceName=shop.name)["taskArns"]
    [asked] = actions.needed(account, "ecs", "StopTask", {"cluster": "prod", "task": task})
    [function] = [one for one in account.functions.all() if one.logical_id == "ReleaseCheckFunction"]
    assert iam.evaluate(function.role.statements, asked) is iam.Verdict.NOT_ALLOWED
    stack = street.account.outputs["ReleaseStateMachineArn"].rpartition(":")[2].removesuffix("-release")
    tagged = replace(asked, context={**asked.context, "aws:ResourceTag/breakwater:check": [stack]})
    assert iam.evaluate(function.role.statements, tagged) is iam.Verdict.ALLOWED


def other_role(street: Street) -> Shop:
    """A shop whose next revision has a role that the stack may not give to tasks of checks."""
    shop = Shop(street, checks=(TASK,), roles=True)
    shop.roles = {"taskRoleArn": "arn:aws:iam::111122223333:role/other"}
    return shop


def test_a_release_whose_checks_may_not_have_its_role_is_refused_with_what_to_add(street: Street) -> None:
    execution = other_role(street).release()
    assert execution.error == "Refused"
    assert "role/other" in str(execution.cause)
    assert "CheckTaskRoleArns" in str(execution.cause)


def test_a_deployment_of_others_whose_check_may_not_have_its_role_asks_and_names_the_parameter(street: Street) -> None:
    shop = other_role(street)
    shop.update(taskDefinition=shop.register())
    street.account.advance(10 * MINUTE)
    assert any("breakwater release approve" in mail and "CheckTaskRoleArns" in mail for mail in shop.mails())


def test_a_service_without_the_hooks_that_its_checks_need_is_told_what_to_add(street: Street) -> None:
    shop = Shop(street, pauses=())
    execution = shop.release()
    [remedy] = [one for one in shop.record(execution)["lines"] if one["what"] == "remedy: hooks"]
    assert "LifecycleHooks:\n    - TargetType: PAUSE" in remedy["reason"]
    assert "aws ecs update-service" in remedy["reason"]
