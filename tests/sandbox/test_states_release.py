"""A release in small, with ECS, a hook, a token and a bake; and that every run ends the same way."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox
from tests.sandbox.ecs_calls import VPC
from tests.sandbox.states_stage import ANYTHING, deploy, inner, machine, register, sdk, start, task, waiting
from tests.sandbox.test_ecs_api_native import balancer
from tests.thoroughness import so_many

HOOKS = {
    "Type": "EventBridgeRule",
    "Properties": {"Pattern": {"source": ["aws.ecs"], "detail-type": ["ECS Hook State Change"]}},
}
RELEASE = machine(
    "Deploy",
    Deploy=sdk("ecs", "updateService", Cluster="prod", Service="web", TaskDefinition="web:2", then="Hook"),
    Hook=waiting({"do": "keep", "key": "hook"}, TimeoutSeconds=7200, Next="Find"),
    Find={
        **sdk("ecs", "listServiceDeployments", Cluster="prod", Service="web", then="Resume"),
        "Assign": {"deployment": "{% $states.result.ServiceDeployments[0].ServiceDeploymentArn %}"},
        "Output": "{% $states.input %}",
    },
    Resume=sdk(
        "ecs",
        "continueServiceDeployment",
        ServiceDeploymentArn="{% $deployment %}",
        HookId="{% $states.input.hook %}",
        Action="CONTINUE",
        then="Bake",
    ),
    Bake={"Type": "Wait", "Seconds": 600, "Next": "Look"},
    Look={
        **sdk("ecs", "describeServices", Cluster="prod", Services=["web"]),
        "Output": "{% $states.result.Services[0].TaskDefinition %}",
    },
)


@contextmanager
def released(folder: Path) -> Iterator[Sandbox]:
    """An account in which one release has run."""
    with deploy(folder, RELEASE, ANYTHING, listens={"Hook": HOOKS}, seed=5) as account:
        pause = {"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}
        settings: Any = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 10}
        given: Any = {
            "cluster": "prod", "serviceName": "web", "taskDefinition": register(account), "desiredCount": 2,
            "launchType": "FARGATE", "networkConfiguration": VPC,
            "loadBalancers": [balancer(account.native, account.ecs)],
        }  # fmt: skip
        account.client("ecs").create_service(**given, deploymentConfiguration=settings)
        account.run_until_idle()
        account.client("ecs").update_service(
            cluster="prod", service="web", deploymentConfiguration={**settings, "lifecycleHooks": [pause]}
        )
        register(account, "web:2")
        start(account)
        account.run_until_idle()
        yield account


def test_a_release_waits_at_its_hook_until_the_event_has_answered_the_token(tmp_path: Path) -> None:
    with released(tmp_path) as account:
        [execution] = account.executions
        assert execution.status == "SUCCEEDED", execution
        assert execution.entered == ["Deploy", "Hook", "Find", "Resume", "Bake", "Look"]
        assert execution.result.endswith("web:2")
        assert account.calls.counts()["WorkerFunction", "stepfunctions", "SendTaskSuccess"] == 1
        assert account.calls.of("ecs", function="Machine") == 4
        assert execution.stopped_at is not None
        assert execution.stopped_at - execution.started_at > timedelta(minutes=10)


def busy_definition() -> dict[str, Any]:
    """A machine with everything in it whose order could differ."""
    slow = task(
        {"do": "flaky", "key": "b", "times": 2},
        Retry=[{"ErrorEquals": ["BusyError"], "IntervalSeconds": 20, "JitterStrategy": "FULL"}],
    )
    branches = [
        inner("A", A={"Type": "Wait", "Seconds": 100, "End": True}),
        inner("B", B=slow),
        inner("C", C=waiting({"do": "answer", "output": {"n": "{% $uuid() %}"}}, TimeoutSeconds=60)),
        inner("D", D={"Type": "Wait", "Seconds": 100, "End": True}),
    ]
    each = inner("Each", Each={"Type": "Wait", "Seconds": "{% $states.input %}", "End": True})
    return machine(
        "Ask",
        Ask=waiting(
            {"do": "keep", "key": "k"}, TimeoutSeconds=1800, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Both"}]
        ),
        Both={"Type": "Parallel", "Branches": branches, "Next": "Bake"},
        Bake={"Type": "Wait", "Seconds": 600, "Next": "Items"},
        Items={
            "Type": "Map",
            "Items": "{% [3, 1, 2, 3, 1] %}",
            "MaxConcurrency": 2,
            "ItemProcessor": each,
            "End": True,
        },
    )


def left(account: Sandbox) -> list[Any]:
    """All that a run leaves."""
    return [
        [[execution.entered, execution.output, execution.history] for execution in account.executions],
        account.table_items(),
        [(call.function, call.operation, str(call.at), call.error) for call in account.calls.log],
        [(one.function, str(one.at), one.request_id) for one in account.invocations],
        account.ecs.log(),
    ]


def of_everything(folder: Path) -> list[Any]:
    """Three executions of the busy machine."""
    with deploy(folder, busy_definition(), seed=11) as account:
        for number in range(3):
            start(account, {"n": number}, f"n{number}")
        account.run_until_idle()
        assert {execution.status for execution in account.executions} == {"SUCCEEDED"}
        return left(account)


def of_a_release(folder: Path) -> list[Any]:
    """One release."""
    with released(folder) as account:
        return left(account)


def fingerprint(*wholes: list[Any]) -> str:
    """The same for two runs only if they left the same."""
    return hashlib.sha256(json.dumps(wholes, sort_keys=True, default=str).encode()).hexdigest()


TIMES = [(of_a_release, so_many(2, exhaustive=20)), (of_everything, so_many(2, exhaustive=5))]


@pytest.mark.parametrize(("run", "times"), TIMES, ids=["a release", "everything"])
def test_a_run_ends_the_same_way_each_time(run: Callable[[Path], list[Any]], times: int, tmp_path: Path) -> None:
    assert len({fingerprint(run(tmp_path)) for _ in range(times)}) == 1


SCRIPT = """
import pathlib, sys
from tests.sandbox.test_states_release import fingerprint, of_a_release, of_everything
path = pathlib.Path(sys.argv[1])
print(fingerprint(of_a_release(path), of_everything(path)))
"""


ELSEWHERE = (("4711", "Asia/Tokyo"), ("1", "America/New_York"))


def test_a_run_does_not_depend_on_the_order_of_sets(tmp_path: Path) -> None:
    found = {
        subprocess.run(  # noqa: S603  # this interpreter, with a script of ours
            [sys.executable, "-c", SCRIPT, str(tmp_path)],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            cwd=Path(__file__).parents[2],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed, zone in ELSEWHERE[: so_many(1, exhaustive=2)]
    }
    assert found == {fingerprint(of_a_release(tmp_path), of_everything(tmp_path))}
