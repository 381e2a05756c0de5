"""One account that lives through one night, the one in which Berlin goes to summer time, a service for each history."""

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox import Sandbox
from sandbox.aws import client_error
from tests.sandbox.policy_stack import PolicyStack

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
START = datetime(2026, 3, 28, 22, 32, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLICY = """\
version: 1
scaling:
  surge: {mode: act}
  windows:
    - name: night
      match: prod/night*
      opens: "01:30"
      closes: "04:00"
      time_zone: Europe/Berlin
      mode: act
      desired: 0
  headroom:
    - match: ec2
      mode: act
"""
HISTORIES = (
    "plain", "lost", "overlap", "human", "attached", "moved", "deploying", "cut0", "cut1", "cut2", "night",
    "night-surge", "night-protected", "tagged", "refused", "twice",
)  # fmt: skip


class Account:
    """The stack in mode act, services of four tasks each, and how their counts went."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.counts: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        self.plans: defaultdict[int, list[Callable[[], object]]] = defaultdict(list)
        self.minute = 0
        self.answers: dict[str, dict[str, Any]] = {}
        ecs = sandbox.client("ecs")
        ecs.create_cluster(clusterName="prod")
        ecs.register_task_definition(
            family="app",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=[{"name": "app", "image": "app:1"}],
        )
        for name in HISTORIES:
            ecs.create_service(
                cluster="prod",
                serviceName=name,
                taskDefinition="app",
                desiredCount=4,
                launchType="FARGATE",
                networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
            )
        self._a_cluster_of_instances()
        others = ["rollback-guard", "batch-runner", "release"]  # their sweeps have nothing to do with scale
        sandbox.client("events").remove_targets(Rule=sandbox.resource("ActingSweepRule").physical_id, Ids=others)
        PolicyStack(sandbox).upload(POLICY)

    def _a_cluster_of_instances(self) -> None:
        """One instance of 2,048 CPU units and MiB, and a service that reserves 512 of each."""
        ecs = self.sandbox.client("ecs")
        ecs.create_cluster(clusterName="ec2")
        self.sandbox.ecs.catalogue.register_instance("ec2", cpu=2048, memory=2048)
        container = {"name": "app", "image": "app:1", "cpu": 512, "memory": 512}
        ecs.register_task_definition(family="placed", containerDefinitions=[container])
        ecs.create_service(
            cluster="ec2", serviceName="placed", taskDefinition="placed", desiredCount=1, launchType="EC2"
        )

    def at(self, minute: int, action: Callable[[], object]) -> None:
        self.plans[minute].append(action)

    def live(self, minutes: int) -> None:
        for minute in range(self.minute, minutes):
            for action in self.plans[minute]:
                action()
            for name in HISTORIES:
                now = self.desired(name)
                if not self.counts[name] or self.counts[name][-1][1] != now:
                    self.counts[name].append((minute, now))
            self.sandbox.advance(MINUTE)
        self.minute = minutes

    def ask(self, **request: Any) -> dict[str, Any]:
        outcome = self.sandbox.invoke("ScalerFunction", request)
        assert outcome.error is None, outcome.error
        answer: dict[str, Any] = json.loads(outcome.payload)
        return answer

    def surge(self, service: str, desired: int, minutes: int, **more: Any) -> None:
        self.answers[service] = self.ask(
            action="start", cluster="prod", service=service, desired=desired, minutes=minutes, **more
        )

    def desired(self, service: str) -> int:
        return self.sandbox.ecs.active_service("prod", service).desired

    def human(self, service: str, desired: int) -> None:
        self.sandbox.client("ecs").update_service(cluster="prod", service=service, desiredCount=desired)

    def deploy(self, service: str) -> None:
        self.sandbox.client("ecs").update_service(cluster="prod", service=service, forceNewDeployment=True)

    def attach(self, service: str, low: int, high: int) -> None:
        self.sandbox.client("application-autoscaling").register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId=f"service/prod/{service}",
            ScalableDimension="ecs:service:DesiredCount",
            MinCapacity=low,
            MaxCapacity=high,
        )

    def bounds(self, service: str) -> tuple[int, int]:
        target = self.sandbox.account.autoscaling.targets[f"service/prod/{service}"]
        return target.low, target.high

    def protect(self, service: str, minutes: int) -> None:
        ecs = self.sandbox.client("ecs")
        task = ecs.list_tasks(cluster="prod", serviceName=service)["taskArns"][:1]
        ecs.update_task_protection(cluster="prod", tasks=task, protectionEnabled=True, expiresInMinutes=minutes)

    def lose_schedules(self) -> None:
        for group, name in self.surge_schedules():
            self.sandbox.client("scheduler").delete_schedule(GroupName=group, Name=name)

    def surge_schedules(self) -> list[tuple[str, str]]:
        """Those that wake the scaler for surges, by group and name."""
        return [key for key in self.sandbox.account.scheduler.kept if key[1].startswith("surge-")]

    def cut_off(self, service: str, call: int) -> None:
        """Start a surge in a function that is killed right after its n-th write to the table."""
        gate: Any = self.sandbox._gate  # the one choke point of all calls
        calls = 0
        before = gate._answer

        def dying(client: Any, of: str, operation: str, params: Any) -> Any:
            nonlocal calls
            answer = before(client, of, operation, params)
            if operation in ("TransactWriteItems", "UpdateService"):
                calls += 1
                if calls == call:
                    raise SystemExit("killed after the call was made")
            return answer

        gate._answer = dying
        request = {"action": "start", "cluster": "prod", "service": service, "desired": 12, "minutes": 30}
        assert self.sandbox.invoke("ScalerFunction", request).error is not None
        gate._answer = before

    def refuse(self, service: str) -> None:
        """From now on no handler may update this one service."""
        gate: Any = self.sandbox._gate
        before = gate._answer

        def refusing(client: Any, of: str, operation: str, params: Any) -> Any:
            if operation == "UpdateService" and params["service"] == service:
                raise client_error(client, operation, "AccessDeniedException", "not authorized", 403)
            return before(client, of, operation, params)

        gate._answer = refusing

    def journal(self, service: str) -> list[str]:
        return [item["decision"] for item in self.sandbox.table_items() if item["pk"] == f"JOURNAL#prod/{service}"]

    def mails(self, service: str) -> list[str]:
        return [mail.subject for mail in self.sandbox.messages if f"prod/{service}:" in mail.subject]


def plan(account: Account) -> None:
    """What happens in the night, minute by minute."""
    at = account.at
    at(10, lambda: account.surge("plain", 12, minutes=30))
    at(10, lambda: account.surge("overlap", 8, minutes=60))
    at(12, lambda: account.surge("overlap", 12, minutes=20))
    at(10, lambda: account.surge("human", 12, minutes=30))
    at(20, lambda: account.human("human", 7))
    at(9, lambda: account.attach("attached", 2, 10))
    at(10, lambda: account.surge("attached", 12, minutes=30))
    at(9, lambda: account.attach("moved", 2, 20))
    at(10, lambda: account.surge("moved", 8, minutes=30))
    at(20, lambda: account.human("moved", 13))  # as target tracking would
    at(10, lambda: account.surge("deploying", 12, minutes=30))
    at(39, lambda: account.deploy("deploying"))
    at(10, lambda: account.surge("twice", 12, minutes=30))
    at(11, lambda: account.surge("twice", 12, minutes=30))
    at(10, lambda: account.surge("tagged", 12, minutes=30))
    for number in range(3):
        at(50, lambda number=number: account.cut_off(f"cut{number}", number + 1))  # type: ignore[misc]  # bound now
    at(90, lambda: account.surge("lost", 12, minutes=18))
    at(91, account.lose_schedules)
    at(112, lambda: account.protect("night-protected", minutes=60))
    at(150, lambda: account.surge("night-surge", 6, minutes=30))
    at(100, lambda: account.surge("refused", 12, minutes=10))
    at(101, lambda: account.refuse("refused"))
