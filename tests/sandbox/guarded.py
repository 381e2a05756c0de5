"""The real stack beside a service `prod/web` on the ECS model: deployments that go bad, and what the guard does."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from breakwater.compiled import Compiled
from sandbox import Sandbox, Secret
from sandbox.ecs.workloads import Workload
from tests.sandbox.ecs_calls import VPC
from tests.sandbox.policy_stack import GUARD_ACTS, put_in_force

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
REGISTRY = "111122223333.dkr.ecr.us-east-1.amazonaws.com/web"
GUARD, SWEEP = "RollbackGuardFunction", "RollbackGuardSweepFunction"


class Town:
    """One account with the stack and the service. The policy in force lets the guard act on all services."""

    def __init__(self, policy: Compiled | None = GUARD_ACTS, **parameters: str | Secret) -> None:
        given: dict[str, str | Secret] = {"AlertEmail": "ops@example.com", "Mode": "act", **parameters}
        self.sandbox = Sandbox.deploy(TEMPLATE, given, start=START)
        if policy is not None:
            put_in_force(self.sandbox, policy)
        self.ecs = self.sandbox.client("ecs")
        self.ecs.create_cluster(clusterName="prod")

    def close(self) -> None:
        self.sandbox.close()

    def revision(self, number: int, workload: Workload | None = None, **container: Any) -> str:
        """Register `web:number` with an image of its own."""
        image = f"{REGISTRY}:{number}"
        if workload is not None:
            self.sandbox.ecs.faults.set_workload(image, workload)
        made = self.ecs.register_task_definition(
            family="web", networkMode="awsvpc", cpu="256", memory="512",
            containerDefinitions=[{"name": "app", "image": image, **container}],
        )  # fmt: skip
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def service(self, desired: int = 4, **more: Any) -> None:
        """Create the service on `web:1`, which works, and let it become known good."""
        self.ecs.create_service(
            cluster="prod", serviceName="web", taskDefinition=self.revision(1), desiredCount=desired,
            launchType="FARGATE", networkConfiguration=VPC, **more,
        )  # fmt: skip
        self.wait(20)

    def deploy(self, revision: str) -> None:
        self.ecs.update_service(cluster="prod", service="web", taskDefinition=revision)

    def wait(self, minutes: float) -> None:
        self.sandbox.advance(timedelta(minutes=minutes))

    @property
    def now_on(self) -> str:
        """The task definition that the service is on."""
        [service] = self.ecs.describe_services(cluster="prod", services=["web"])["services"]
        return str(service["taskDefinition"]).rpartition("/")[2]

    def asked(self) -> list[str]:
        """How ECS was asked by the guard, in order; refused calls left out."""
        return [
            call.operation
            for call in self.sandbox.calls.log
            if call.operation in ("StopServiceDeployment", "UpdateService") and call.error is None
        ]

    def told(self) -> list[str]:
        return [mail.subject for mail in self.sandbox.messages if not mail.subject.startswith(("ALARM", "OK"))]

    def mails_about(self, words: str) -> list[str]:
        return [mail.body for mail in self.sandbox.messages if words in mail.subject]

    def journal(self) -> list[tuple[str, str]]:
        return [
            (str(item["decision"]), str(item["outcome"]))
            for item in self.sandbox.table_items("Table")
            if str(item["pk"]) == "JOURNAL#prod/web" and item["automation"] == "rollback_guard"
            and not str(item["decision"]).startswith("incident")
        ]  # fmt: skip

    def ledger(self) -> dict[str, Any]:
        [item] = [item for item in self.sandbox.table_items("Table") if item["pk"] == "LEDGER#prod/web"]
        made: dict[str, Any] = json.loads(item["doc"])
        return made

    def before_call(self, operation: str, action: Callable[[], None]) -> AbstractContextManager[None]:
        """Do something right before the guard's next call to an operation."""
        return _Once(self, operation, action)

    @contextmanager
    def killed(self, number: int, *, after: bool) -> Iterator["Killed"]:
        """Kill the guard at its `number`-th AWS call since it began to take the lease, once."""
        gate = self.sandbox._gate
        original = gate._pass
        killed = Killed()
        seen = -1

        def through(client: Any, operation: str, params: Any) -> Any:
            nonlocal seen
            current = self.sandbox.account.functions.current
            guard = current is not None and current.logical_id in (GUARD, SWEEP)
            begins = operation == "UpdateItem" and "LEASE#" in json.dumps(params.get("Key", {}))
            if guard and killed.at is None and (seen >= 0 or begins):
                seen += 1
                if seen == number:
                    killed.at = operation
                    answer = original(client, operation, params) if after else None
                    raise SystemExit(f"killed {'after' if answer else 'before'} {operation}")
            return original(client, operation, params)

        gate._pass = through  # type: ignore[method-assign]
        try:
            yield killed
        finally:
            gate._pass = original  # type: ignore[method-assign]


@dataclass(slots=True)
class Killed:
    """At which call the guard was killed, if it was."""

    at: str | None = None


class _Once(AbstractContextManager[None]):
    """Hooks into the gate of the sandbox, once."""

    def __init__(self, town: Town, operation: str, action: Callable[[], None]) -> None:
        self._town, self._operation, self._action = town, operation, action

    def __enter__(self) -> None:
        gate = self._town.sandbox._gate
        original = gate._pass
        fired = False

        def through(client: Any, operation: str, params: Any) -> Any:
            nonlocal fired
            functions = self._town.sandbox.account.functions
            if operation == self._operation and functions.current is not None and not fired:
                fired = True
                current, functions.current = functions.current, None
                try:
                    self._action()
                finally:
                    functions.current = current
            return original(client, operation, params)

        gate._pass = through  # type: ignore[method-assign]
        self._gate, self._original = gate, original

    def __exit__(self, *_: object) -> None:
        self._gate._pass = self._original  # type: ignore[method-assign]
