"""The real stack beside services of cluster `prod` on the ECS model: bad deployments, and what the guard does."""

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from breakwater.compiled import Compiled, ServiceRules
from breakwater.model import Mode
from breakwater.policies import GuardPolicy
from sandbox import Sandbox, Secret
from sandbox.ecs.workloads import Workload
from tests.sandbox.ecs_calls import VPC
from tests.sandbox.policy_stack import put_in_force

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
REGISTRY = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
GUARD, SWEEP = "RollbackGuardFunction", "RollbackGuardSweepFunction"
SHORT_BAKE = GuardPolicy(mode=Mode.ACT, bake_minutes=2)
ACTS = Compiled(others=ServiceRules("*/*", SHORT_BAKE))


class Town:
    """One account with the stack and its services. The policy in force lets the guard act on all of them."""

    def __init__(self, policy: Compiled | None = ACTS, **parameters: str | Secret) -> None:
        given: dict[str, str | Secret] = {"AlertEmail": "ops@example.com", "Mode": "act", **parameters}
        self.sandbox = Sandbox.deploy(TEMPLATE, given, start=START)
        if policy is not None:
            put_in_force(self.sandbox, policy)
        self.ecs = self.sandbox.client("ecs")
        self.ecs.create_cluster(clusterName="prod")

    def close(self) -> None:
        self.sandbox.close()

    def image(self, number: int, name: str = "web") -> str:
        return f"{REGISTRY}/{name}:{number}"

    def revision(self, number: int, workload: Workload | None = None, name: str = "web", **container: Any) -> str:
        """Register the next revision of a service's family, with an image of its own."""
        if workload is not None:
            self.sandbox.ecs.faults.set_workload(self.image(number, name), workload)
        made = self.ecs.register_task_definition(
            family=name, networkMode="awsvpc", cpu="256", memory="512",
            containerDefinitions=[{"name": "app", "image": self.image(number, name), **container}],
        )  # fmt: skip
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def create(self, revision: str, desired: int = 4, name: str = "web", **more: Any) -> None:
        self.ecs.create_service(
            cluster="prod", serviceName=name, taskDefinition=revision, desiredCount=desired,
            launchType="FARGATE", networkConfiguration=VPC, **more,
        )  # fmt: skip

    def service(self, desired: int = 4, **more: Any) -> None:
        """Create `prod/web` on `web:1`, which works, and let it become known good."""
        self.create(self.revision(1), desired, **more)
        self.wait(6)

    def deploy(self, revision: str, name: str = "web") -> None:
        self.ecs.update_service(cluster="prod", service=name, taskDefinition=revision)

    def wait(self, minutes: float) -> None:
        self.sandbox.advance(timedelta(minutes=minutes))

    @property
    def now_on(self) -> str:
        """The task definition that `prod/web` is on."""
        return self.on("web")

    def on(self, name: str) -> str:
        """The task definition that a service is on."""
        [service] = self.ecs.describe_services(cluster="prod", services=[name])["services"]
        return str(service["taskDefinition"]).rpartition("/")[2]

    def asked(self, name: str | None = None) -> list[str]:
        """How ECS was asked by the guard, in order; refused calls left out."""
        return [
            call.operation
            for call in self.sandbox.calls.log
            if call.operation in ("StopServiceDeployment", "UpdateService")
            and call.error is None
            and (name is None or any(name in resource.split("/") for resource in call.resources))
        ]

    def deployments(self, name: str) -> list[str]:
        """The statuses of a service's deployments, the oldest first."""
        [cluster] = [each for each in self.sandbox.ecs.world.clusters.values() if each.name == "prod"]
        return [each.status for each in cluster.services[name].service_deployments]

    def told(self) -> list[str]:
        return [mail.subject for mail in self.sandbox.messages if not mail.subject.startswith(("ALARM", "OK"))]

    def mails_about(self, *words: str) -> list[str]:
        return [mail.body for mail in self.sandbox.messages if all(word in mail.subject for word in words)]

    def journal(self, name: str = "web") -> list[tuple[str, str]]:
        return [
            (str(item["decision"]), str(item["outcome"]))
            for item in self.sandbox.table_items("Table")
            if str(item["pk"]) == f"JOURNAL#prod/{name}" and item["automation"] == "rollback_guard"
            and not str(item["decision"]).startswith("incident")
        ]  # fmt: skip

    def opened(self, name: str = "web") -> list[str]:
        """The causes of the incidents that were opened about a service."""
        return sorted(
            json.loads(str(item["evidence"]))["cause"]
            for item in self.sandbox.table_items("Table")
            if item["pk"] == f"JOURNAL#prod/{name}" and item["decision"] == "incident opened"
        )

    def ledger(self, name: str = "web") -> dict[str, Any]:
        [item] = [item for item in self.sandbox.table_items("Table") if item["pk"] == f"LEDGER#prod/{name}"]
        made: dict[str, Any] = json.loads(item["doc"])
        return made

    def before_call(self, operation: str, action: Callable[[], None]) -> AbstractContextManager[None]:
        """Do something right before the guard's next call to an operation."""
        return _Once(self, operation, action)

    def deliver(self, event: dict[str, Any]) -> str | None:
        """Hand an event to another instance of the guard, at once; its error, if it had one."""
        functions = self.sandbox.account.functions
        guard = functions.get(GUARD)
        assert guard is not None
        other = copy.copy(guard)
        other.process = other.entry = None
        return functions.invoke(other, event, "another instance").error

    @contextmanager
    def killing(self, deaths: "dict[str, Death]") -> Iterator[None]:
        """Kill the guard once for each service, at its so-many-th AWS call since it began to take that one's lease."""
        gate = self.sandbox._gate
        original = gate._pass
        invocation, acting = "", ""

        def through(client: Any, operation: str, params: Any) -> Any:
            nonlocal invocation, acting
            current = self.sandbox.account.functions.current
            if current is None or current.logical_id not in (GUARD, SWEEP):
                return original(client, operation, params)
            if current.request_id != invocation:
                invocation, acting = current.request_id, ""
            lease = json.dumps(params.get("Key", {})) if operation == "UpdateItem" else ""
            if "LEASE#prod/" in lease:
                acting = lease.partition("LEASE#prod/")[2].partition('"')[0]
            death = deaths.get(acting)
            if death is None or death.over:
                return original(client, operation, params)
            death.calls.append(operation)
            if len(death.calls) - 1 != death.number:
                return original(client, operation, params)
            if death.after:
                original(client, operation, params)
            death.over = True
            raise SystemExit(f"killed {'after' if death.after else 'before'} {operation}")

        gate._pass = through  # type: ignore[method-assign]
        try:
            yield
        finally:
            gate._pass = original  # type: ignore[method-assign]


@dataclass(slots=True)
class Death:
    """At which of its calls the guard dies, before or after it; `calls` are those that it came to."""

    number: int | None
    after: bool = False
    over: bool = False
    calls: list[str] = field(default_factory=list)


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
            current = functions.current
            guard = current is not None and current.logical_id in (GUARD, SWEEP)
            if operation == self._operation and guard and not fired:
                fired = True
                functions.current = None
                try:
                    self._action()
                finally:
                    functions.current = current
            return original(client, operation, params)

        gate._pass = through  # type: ignore[method-assign]
        self._gate, self._original = gate, original

    def __exit__(self, *_: object) -> None:
        self._gate._pass = self._original  # type: ignore[method-assign]
