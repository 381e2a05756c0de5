"""The scale of a service as ECS and Application Auto Scaling have it, and its protected tasks."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from breakwater.aws import translated_errors
from breakwater.errors import NotFoundError
from breakwater.model import Mode
from breakwater.policies import lowered

from .reconcile import Found
from .scale import Knob, Snapshot

DIMENSION = "ecs:service:DesiredCount"
TAG = "breakwater:scaler"
TASKS_PER_CALL = 10
BOUNDS = {Knob.MINIMUM: "MinCapacity", Knob.MAXIMUM: "MaxCapacity"}

Client = Callable[[], Any]


class AwsServices:
    """Reads and sets the numbers of one service at a time. Each look is a fresh one: nothing is remembered."""

    def __init__(self, ecs: Client, autoscaling: Client) -> None:
        self._ecs, self._autoscaling = ecs, autoscaling

    def look(self, cluster: str, service: str) -> Found:
        """The service as it is now: one call to each of the two."""
        try:
            with translated_errors(f"describe {cluster}/{service}"):
                answer = self._ecs().describe_services(cluster=cluster, services=[service], include=["TAGS"])
        except NotFoundError:
            return Found(None)
        raw = next((each for each in answer["services"] if each.get("status") == "ACTIVE"), None)
        if raw is None:
            return Found(None)
        target = self._target(cluster, service)
        tags = {tag.get("key"): tag.get("value") for tag in raw.get("tags", [])}
        return Found(
            Snapshot(
                desired=raw["desiredCount"],
                minimum=target["MinCapacity"] if target else None,
                maximum=target["MaxCapacity"] if target else None,
                deployment=_deployment(raw),
                fixed="a daemon service has no count" if raw.get("schedulingStrategy") == "DAEMON" else None,
            ),
            lowered(Mode.ACT, tags.get(TAG)),
        )

    def protected(self, cluster: str, service: str) -> int:
        """How many tasks of the service are protected from scale-in at the moment."""
        tasks = list(self._tasks(cluster, service))
        count = 0
        for start in range(0, len(tasks), TASKS_PER_CALL):
            with translated_errors(f"read the task protection of {cluster}/{service}"):
                answer = self._ecs().get_task_protection(cluster=cluster, tasks=tasks[start : start + TASKS_PER_CALL])
            count += sum(bool(each.get("protectionEnabled")) for each in answer.get("protectedTasks", []))
        return count

    def set(self, cluster: str, service: str, numbers: Mapping[Knob, int]) -> None:
        """Set the desired count, or one or both bounds; what is not named stays as it is."""
        bounds = {BOUNDS[knob]: value for knob, value in numbers.items() if knob in BOUNDS}
        if bounds:
            with translated_errors(f"register the scalable target of {cluster}/{service}"):
                self._autoscaling().register_scalable_target(
                    ServiceNamespace="ecs",
                    ResourceId=f"service/{cluster}/{service}",
                    ScalableDimension=DIMENSION,
                    **bounds,
                )
        if Knob.DESIRED in numbers:
            with translated_errors(f"update {cluster}/{service}"):
                self._ecs().update_service(cluster=cluster, service=service, desiredCount=numbers[Knob.DESIRED])

    def _target(self, cluster: str, service: str) -> Mapping[str, Any] | None:
        with translated_errors(f"describe the scalable target of {cluster}/{service}"):
            answer = self._autoscaling().describe_scalable_targets(
                ServiceNamespace="ecs", ResourceIds=[f"service/{cluster}/{service}"], ScalableDimension=DIMENSION
            )
        targets: list[Mapping[str, Any]] = answer.get("ScalableTargets", [])
        return targets[0] if targets else None

    def _tasks(self, cluster: str, service: str) -> Iterator[str]:
        page: dict[str, str] = {}
        while True:
            with translated_errors(f"list the tasks of {cluster}/{service}"):
                answer = self._ecs().list_tasks(cluster=cluster, serviceName=service, **page)
            yield from answer.get("taskArns", [])
            if not answer.get("nextToken"):
                return
            page = {"nextToken": answer["nextToken"]}


def _deployment(raw: Mapping[str, Any]) -> str | None:
    """The deployment in progress. CodeDeploy and external controllers show theirs as further task sets."""
    primary: Mapping[str, Any] = next((one for one in raw.get("deployments", []) if one["status"] == "PRIMARY"), {})
    if primary.get("rolloutState") == "IN_PROGRESS":
        return str(primary["id"])
    sets = raw.get("taskSets") or []
    return str(sets[-1].get("id", "a task set")) if len(sets) > 1 else None
