"""Short ways to a service behind two target groups, and to what its deployments do."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sandbox.ecs import Model, Readings
from sandbox.ecs.definitions import DeploymentSettings
from sandbox.ecs.hooks import Invoke, NativeReadings, no_functions
from sandbox.ecs.lifecycle import Hook
from sandbox.ecs.native import NativeStrategies, settings
from sandbox.ecs.rollouts import ONGOING
from sandbox.ecs.shifting import BlueGreen, Shifting
from sandbox.ecs.state import Service, ServiceDeployment, TargetGroup
from sandbox.ecs.traffic import AdvancedLoadBalancer, ListenerRule
from sandbox.ecs.workloads import Workload
from tests.unit.ecs.build import CLUSTER, Told, a_model, revise

FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:check"


@dataclass
class Account:
    """A service behind a production and a test rule, each with two target groups."""

    model: Model
    told: Told
    native: NativeStrategies
    service: Service
    blue: TargetGroup
    green: TargetGroup
    production: ListenerRule
    test: ListenerRule
    broken: list[str] = field(default_factory=list)
    """Each time traffic pointed where nobody was healthy, or a sum of weights changed."""

    @property
    def rollout(self) -> ServiceDeployment:
        """The latest service deployment."""
        return self.service.service_deployments[-1]

    @property
    def split(self) -> tuple[int, int]:
        """The production weights of the first and the second target group."""
        return self.production.weights[self.blue.arn], self.production.weights[self.green.arn]

    @property
    def test_split(self) -> tuple[int, int]:
        """The same of the test rule."""
        return self.test.weights[self.blue.arn], self.test.weights[self.green.arn]

    @property
    def hook(self) -> dict[str, Any]:
        """The latest entry of lifecycleHookDetails."""
        return self.native.hook_details(self.rollout)[-1]

    def deploy(self, workload: Workload | None = None, **more: Any) -> ServiceDeployment:
        """Deploy a new revision that behaves as told."""
        arn = revise(self.model, workload, family=self.service.name)
        self.model.update_service(CLUSTER, self.service.name, task_definition=arn, **more)
        return self.rollout

    def run_until(self, stage: str, limit: timedelta = timedelta(hours=30)) -> None:
        """Let time pass until a stage is entered."""
        deadline = self.model.now + limit
        while self.rollout.stage != stage:
            self.tick(deadline)

    def run_to_end(self, limit: timedelta = timedelta(hours=30)) -> str:
        """Let time pass until the deployment ends; answers how."""
        deadline = self.model.now + limit
        while self.rollout.status in ONGOING:
            self.tick(deadline)
        return self.rollout.status

    def tick(self, deadline: Any) -> None:
        """Let the next thing happen."""
        due = self.model.next_at
        assert due is not None
        assert due <= deadline, f"{self.rollout.status} {self.rollout.stage} is still going on"
        self.model.advance(due)
        self.look()

    def look(self) -> None:
        """Note if traffic points where nobody is healthy."""
        if self.service.desired == 0:
            return
        for group, weight in self.production.weights.items():
            targets = self.model.world.target_groups[group].targets.values()
            if weight and not any(target.state == "healthy" for target in targets):
                self.broken.append(f"{self.model.now} {self.rollout.stage} {group} has {weight}")
        if sum(self.production.weights.values()) != 100 or sum(self.test.weights.values()) != 100:
            self.broken.append(f"{self.model.now} {self.rollout.stage} {self.split} {self.test_split}")

    def stages(self, of: ServiceDeployment | None = None) -> list[str]:
        """The stages that a deployment entered, in their order."""
        arn = (of or self.rollout).arn.partition("/")[2]
        return [change.status for change in self.model.world.log if change.kind == "stage" and change.subject == arn]

    def shifts(self) -> list[tuple[int, int]]:
        """The production weights, each time they were written; the one of the beginning is first."""
        told = [json.loads(one.status) for one in self.told.changes if one.subject == self.production.arn]
        return [(one[self.blue.name], one[self.green.name]) for one in told]

    def hook_events(self) -> list[str]:
        """The names of all hook events."""
        return [one["eventName"].removeprefix("HOOK_") for one in self.told.details("ECS Hook State Change")]

    def serving(self) -> set[str]:
        """The names of the target groups that the tasks of the service are in."""
        groups = self.model.world.target_groups.values()
        return {
            one.name for one in groups if any(target.task.id in self.service.tasks for target in one.targets.values())
        }


def an_account(
    strategy: Shifting | None = None,
    *,
    desired: int = 2,
    invoke: Invoke = no_functions,
    base: DeploymentSettings | None = None,
    seed: int = 1,
    readings: Readings | None = None,
    native_readings: NativeReadings | None = None,
    settled: bool = True,
) -> Account:
    """A service on its first revision, in the first target group, with a strategy for what comes next."""
    model, told = a_model(seed=seed, readings=readings)
    native = NativeStrategies(model, invoke, native_readings)
    first, second = (
        model.catalogue.create_target_group(name, deregistration_delay_seconds=30) for name in ("first", "second")
    )
    weights = {first.arn: 100, second.arn: 0}
    production, test = (native.traffic.create_rule(name, weights) for name in ("production", "test"))
    binding = AdvancedLoadBalancer(first.arn, "app", 80, second.arn, production.arn, test.arn)
    wanted = settings(strategy or BlueGreen(10), base)
    native.check(wanted, [binding])
    arn = revise(model)
    quiet = settings(BlueGreen(0), base)
    service = model.create_service(CLUSTER, "web", arn, desired, settings=quiet, load_balancers=[binding])
    account = Account(model, told, native, service, first, second, production, test)
    if settled:
        assert model.settle()
        assert account.rollout.status == "SUCCESSFUL"
    model.update_service(CLUSTER, "web", settings=wanted)
    return account


def lambda_hook(*stages: str, **more: Any) -> Hook:
    """A hook that calls a function."""
    return Hook(stages, target_arn=FUNCTION, role_arn="arn:aws:iam::111122223333:role/hooks", **more)


def pause(*stages: str, **more: Any) -> Hook:
    """A hook that waits for somebody."""
    return Hook(stages, target_type="PAUSE", **more)


class Script:
    """Answers of a function in turn; the last one goes on for ever. An exception is raised."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.events: list[dict[str, Any]] = []

    def __call__(self, function: str, event: dict[str, Any]) -> object:
        """One run."""
        assert function == FUNCTION
        self.events.append(event)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def called_at(self) -> Sequence[str]:
        """The stages that it was called at."""
        return [event["lifecycleStage"] for event in self.events]


OK = {"hookStatus": "SUCCEEDED"}
NO = {"hookStatus": "FAILED"}
WAIT = {"hookStatus": "IN_PROGRESS"}
