"""What Breakwater asks of ECS, in our words: task definitions (kept, since they never change) and services."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from breakwater.aws import translated_errors
from breakwater.errors import BreakwaterError
from breakwater.store import Table, Value

KEPT_DAYS = 30
SERVICES_PER_CALL = 10

Note = Callable[[str], None]
"""Hears of what could not be read: an alert goes out without it, but its operator should know."""


def _unheard(problem: str) -> None:
    """For callers whom it does not matter to."""


@dataclass(frozen=True, slots=True)
class LogTarget:
    """Where a container's log goes through the `awslogs` driver; `driver` names any other one."""

    driver: str
    group: str | None = None
    region: str | None = None
    prefix: str | None = None


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """What matters of one revision: which containers are essential and where they log. No command, no environment."""

    arn: str
    essential: Mapping[str, bool] = field(default_factory=dict)
    logs: Mapping[str, LogTarget] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceState:
    """What matters of a service when one of its deployments failed.

    `deployment_in_progress` is the id of the PRIMARY deployment if its rollout has not completed; `failed` are the
    deployments that ECS still lists as failed, `rollbacks` those that are themselves rollbacks. `native_rollback` says
    that ECS rolls a failed deployment back by itself.
    """

    deployment_in_progress: str | None = None
    failed: frozenset[str] = frozenset()
    rollbacks: frozenset[str] = frozenset()
    native_rollback: bool = False
    controller: str = "ECS"


class TaskDefinitions:
    """Task definitions, from memory, from the table, and only then from ECS: one call for each revision ever seen.

    A revision is immutable, so what was read once stays true. One that cannot be read now (gone, refused, throttled) is
    missing from the answer and not remembered: the caller takes every container as essential, and asks again next time.
    """

    def __init__(self, client: Callable[[], Any], table: Table, note: Note = _unheard) -> None:
        self._client = client
        self._table = table
        self._note = note
        self._known: dict[str, TaskDefinition] = {}

    def read(self, arns: Iterable[str], now: datetime) -> dict[str, TaskDefinition]:
        """The task definitions with these ARNs, as far as they can be read."""
        wanted = list(dict.fromkeys(arns))
        unknown = [arn for arn in wanted if arn not in self._known]
        if unknown:
            for item in self._kept(unknown):
                definition = _loaded(str(item["doc"]))
                self._known[definition.arn] = definition
            fresh = [found for arn in unknown if arn not in self._known if (found := self._describe(arn))]
            self._known |= {definition.arn: definition for definition in fresh}
            self._keep(fresh, now)
        return {arn: self._known[arn] for arn in wanted if arn in self._known}

    def _kept(self, arns: list[str]) -> list[dict[str, Value]]:
        """What the table has of them. Without the table ECS is asked."""
        try:
            return list(self._table.get_many((f"TASKDEF#{arn}", "TASKDEF") for arn in arns).values())
        except BreakwaterError as error:
            self._note(str(error))
            return []

    def _keep(self, fresh: Iterable[TaskDefinition], now: datetime) -> None:
        """Keep them for others, if the table takes them."""
        ttl = int(now.timestamp()) + KEPT_DAYS * 86400
        try:
            self._table.put_many(
                {"pk": f"TASKDEF#{each.arn}", "sk": "TASKDEF", "doc": _dumped(each), "ttl": ttl} for each in fresh
            )
        except BreakwaterError as error:
            self._note(str(error))

    def _describe(self, arn: str) -> TaskDefinition | None:
        try:
            with translated_errors(f"describe {arn.rpartition('/')[2]}"):
                answer = self._client().describe_task_definition(taskDefinition=arn)
        except BreakwaterError as error:
            self._note(str(error))
            return None
        containers = answer["taskDefinition"].get("containerDefinitions", [])
        return TaskDefinition(
            arn,
            {container["name"]: container.get("essential", True) for container in containers},
            {container["name"]: _log_target(container) for container in containers if "logConfiguration" in container},
        )


def service_states(
    client: Callable[[], Any], services: Iterable[tuple[str | None, str]], note: Note = _unheard
) -> dict[tuple[str | None, str], ServiceState]:
    """The state of services, each given as (cluster, service name); unknown and unreadable ones are missing.

    DescribeServices takes ten services of one cluster a call and answers with `failures[]` for the rest.
    """
    by_cluster: dict[str | None, list[str]] = {}
    for cluster, name in dict.fromkeys(services):
        by_cluster.setdefault(cluster, []).append(name)
    states: dict[tuple[str | None, str], ServiceState] = {}
    for cluster, names in by_cluster.items():
        for start in range(0, len(names), SERVICES_PER_CALL):
            where = {"cluster": cluster} if cluster else {}
            try:
                with translated_errors(f"describe services of {cluster}"):
                    answer = client().describe_services(services=names[start : start + SERVICES_PER_CALL], **where)
            except BreakwaterError as error:
                note(str(error))
                continue
            states |= {(cluster, service["serviceName"]): _service_state(service) for service in answer["services"]}
    return states


def _service_state(service: Mapping[str, Any]) -> ServiceState:
    deployments: list[Mapping[str, Any]] = service.get("deployments", [])
    primary: Mapping[str, Any] = next((entry for entry in deployments if entry.get("status") == "PRIMARY"), {})
    configuration = service.get("deploymentConfiguration") or {}
    breaker = configuration.get("deploymentCircuitBreaker") or {}
    alarms = configuration.get("alarms") or {}
    return ServiceState(
        deployment_in_progress=primary.get("id") if primary.get("rolloutState") != "COMPLETED" else None,
        failed=frozenset(entry["id"] for entry in deployments if entry.get("rolloutState") == "FAILED"),
        rollbacks=frozenset(
            entry["id"] for entry in deployments if "rolling back to" in entry.get("rolloutStateReason", "").lower()
        ),
        native_rollback=any(guard.get("enable") and guard.get("rollback") for guard in (breaker, alarms)),
        controller=(service.get("deploymentController") or {}).get("type", "ECS"),
    )


def _log_target(container: Mapping[str, Any]) -> LogTarget:
    configuration = container["logConfiguration"]
    options = configuration.get("options") or {}
    return LogTarget(
        driver=configuration.get("logDriver", ""),
        group=options.get("awslogs-group"),
        region=options.get("awslogs-region"),
        prefix=options.get("awslogs-stream-prefix"),
    )


def _dumped(definition: TaskDefinition) -> str:
    logs = {
        name: {"driver": target.driver, "group": target.group, "region": target.region, "prefix": target.prefix}
        for name, target in definition.logs.items()
    }
    return json.dumps({"arn": definition.arn, "essential": dict(definition.essential), "logs": logs})


def _loaded(text: str) -> TaskDefinition:
    raw = json.loads(text)
    return TaskDefinition(
        raw["arn"], raw["essential"], {name: LogTarget(**target) for name, target in raw["logs"].items()}
    )
