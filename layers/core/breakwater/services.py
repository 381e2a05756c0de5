"""ECS services as the automations see and change them: deployments, revisions, targets; in our words, with our errors.

What is read here is a moment's truth: ECS is eventually consistent, so what decides about a change is read again under
the lease (`breakwater.leases`) right before it.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from breakwater.aws import translated_errors
from breakwater.errors import BreakwaterError, NotFoundError

SERVICES_PER_CALL = 10
DEPLOYMENTS_PER_CALL = 20
MOST_DEPLOYMENTS = 20
COMPLETED = ("SUCCESSFUL", "ROLLBACK_SUCCESSFUL")
GOING_ON = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")
_NOT_SETTINGS = {"serviceRevisionArn", "serviceArn", "clusterArn", "taskDefinition", "containerImages", "createdAt"}

ServiceName = tuple[str | None, str]
"""A service by its cluster's name and its own; events with short ARNs know no cluster."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """One entry of a service's `deployments`; its tasks carry `id` in `startedBy`."""

    id: str
    status: str
    task_definition: str
    state: str = "COMPLETED"
    reason: str = ""
    desired: int = 0
    running: int = 0
    pending: int = 0
    failed: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def in_progress(self) -> bool:
        """Whether it is still rolling out."""
        return self.state == "IN_PROGRESS"

    @property
    def is_rollback(self) -> bool:
        """Whether ECS says that it is on its way back; only the text tells."""
        return "rolling back to" in self.reason.lower()


@dataclass(frozen=True, slots=True)
class ServiceNow:
    """A service as DescribeServices has it at this moment."""

    arn: str
    cluster: str
    name: str
    status: str
    controller: str
    strategy: str
    desired: int
    running: int
    pending: int
    rollouts: tuple[Rollout, ...] = ()
    service_deployment: str | None = None
    breaker_on: bool = False
    breaker_rolls_back: bool = False
    alarms_roll_back: bool = False
    alarm_names: tuple[str, ...] = ()
    maximum_percent: int = 200
    created_at: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """`cluster/name`."""
        return f"{self.cluster}/{self.name}"

    @property
    def primary(self) -> Rollout | None:
        """The deployment that the service is on, or on its way to."""
        return next((rollout for rollout in self.rollouts if rollout.status == "PRIMARY"), None)


@dataclass(frozen=True, slots=True)
class Described:
    """What DescribeServices answered: those found, those that are not there, and why the rest could not be read."""

    found: Mapping[ServiceName, ServiceNow]
    gone: frozenset[ServiceName] = frozenset()
    problems: Mapping[ServiceName, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceDeployment:
    """One service deployment: the newer view of a rollout, its way back included."""

    arn: str
    status: str
    target_revision: str | None
    rollback_revision: str | None = None
    breaker: str = "DISABLED"
    failures: int = 0
    threshold: int = 0
    alarms: str = "DISABLED"
    triggered: tuple[str, ...] = ()
    created_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def ends_on(self) -> str | None:
        """The service revision that the service is on after it."""
        return self.rollback_revision if self.status.startswith("ROLLBACK") else self.target_revision


@dataclass(frozen=True, slots=True)
class Image:
    """A container's image as a service revision resolved it; `digest` is known for registries that tell it."""

    container: str
    name: str
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceRevision:
    """An immutable copy of what a deployment rolled out. `settings` are its other members, as JSON text by name."""

    arn: str
    task_definition: str
    images: tuple[Image, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def digests(self) -> tuple[tuple[str, str], ...]:
        """Pairs of container and image digest, as far as the registry tells it."""
        return tuple((image.container, image.digest) for image in self.images if image.digest)


@dataclass(frozen=True, slots=True)
class RevisionNow:
    """What of a task definition matters for going back to it: whether it can be used, and what it leans on.

    `leans_on` are the names (never values) of the secrets, log groups and volumes that it asks for, and its role.
    """

    arn: str
    status: str
    images: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    log_groups: frozenset[str] = frozenset()
    volumes: frozenset[str] = frozenset()
    execution_role: str | None = None


class EcsServices:
    """The calls of ECS about services. `client` gives the ECS client when the first call needs it."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def describe(self, services: Iterable[ServiceName], *, tags: bool = False) -> Described:
        """Services by cluster and name, ten of a cluster to a call."""
        by_cluster: dict[str | None, list[str]] = {}
        for cluster, name in dict.fromkeys(services):
            by_cluster.setdefault(cluster, []).append(name)
        found: dict[ServiceName, ServiceNow] = {}
        gone: set[ServiceName] = set()
        problems: dict[ServiceName, str] = {}
        for cluster, names in by_cluster.items():
            for start in range(0, len(names), SERVICES_PER_CALL):
                asked = names[start : start + SERVICES_PER_CALL]
                where = ({"cluster": cluster} if cluster else {}) | ({"include": ["TAGS"]} if tags else {})
                try:
                    with translated_errors(f"describe services of {cluster}"):
                        answer = self._client().describe_services(services=asked, **where)
                except NotFoundError:
                    gone |= {(cluster, name) for name in asked}
                    continue
                except BreakwaterError as error:
                    problems |= {(cluster, name): str(error) for name in asked}
                    continue
                found |= {(cluster, raw["serviceName"]): _service(raw) for raw in answer["services"]}
                for failure in answer.get("failures", []):
                    name = str(failure.get("arn", "")).rpartition("/")[2]
                    if failure.get("reason") == "MISSING":
                        gone.add((cluster, name))
                    else:
                        problems[cluster, name] = f"describe services of {cluster}: {failure.get('reason')}"
        return Described(found, frozenset(gone), problems)

    def clusters(self) -> list[str]:
        """The names of all clusters."""
        return _names("list clusters", "clusterArns", lambda page: self._client().list_clusters(**page))

    def services_of(self, cluster: str) -> list[str]:
        """The names of all services of a cluster."""
        what = f"list services of {cluster}"
        return _names(what, "serviceArns", lambda page: self._client().list_services(cluster=cluster, **page))

    def deployments(self, service: ServiceNow, *, statuses: Iterable[str] = ()) -> list[ServiceDeployment]:
        """The latest service deployments, the newest first, at most `MOST_DEPLOYMENTS`."""
        asked: dict[str, Any] = {"cluster": service.cluster, "service": service.name, "maxResults": MOST_DEPLOYMENTS}
        if wanted := list(statuses):
            asked["status"] = wanted
        with translated_errors(f"list service deployments of {service.key}"):
            briefs = self._client().list_service_deployments(**asked).get("serviceDeployments", [])
        arns = [brief["serviceDeploymentArn"] for brief in briefs][:DEPLOYMENTS_PER_CALL]
        if not arns:
            return []
        with translated_errors(f"describe service deployments of {service.key}"):
            answer = self._client().describe_service_deployments(serviceDeploymentArns=arns)
        known = {raw["serviceDeploymentArn"]: _deployment(raw) for raw in answer.get("serviceDeployments", [])}
        return [known[arn] for arn in arns if arn in known]

    def revisions(self, arns: Iterable[str]) -> dict[str, ServiceRevision]:
        """Service revisions by their ARN; those that are gone are missing."""
        wanted = list(dict.fromkeys(arns))[:DEPLOYMENTS_PER_CALL]
        if not wanted:
            return {}
        with translated_errors("describe service revisions"):
            answer = self._client().describe_service_revisions(serviceRevisionArns=wanted)
        return {raw["serviceRevisionArn"]: _revision(raw) for raw in answer.get("serviceRevisions", [])}

    def task_definition(self, arn: str) -> RevisionNow:
        """A task definition as it is now. Raises `NotFoundError` if there is none of that name."""
        with translated_errors(f"describe {arn.rpartition('/')[2]}"):
            answer = self._client().describe_task_definition(taskDefinition=arn)
        return _revision_now(answer["taskDefinition"])

    def stop_deployment(self, arn: str) -> None:
        """Have ECS roll a service deployment back to its last completed one. Said twice it simply goes on."""
        with translated_errors(f"stop {arn.rpartition('/')[2]}"):
            self._client().stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")

    def deploy(self, cluster: str, name: str, task_definition: str) -> None:
        """Deploy an existing revision. Where the service is on it already, ECS begins no deployment."""
        with translated_errors(f"update {cluster}/{name}"):
            self._client().update_service(cluster=cluster, service=name, taskDefinition=task_definition)


def _names(what: str, member: str, ask: Callable[[dict[str, Any]], Any]) -> list[str]:
    """The last parts of all ARNs of a list, page by page."""
    names: list[str] = []
    page: dict[str, Any] = {"maxResults": 100}
    while True:
        with translated_errors(what):
            answer = ask(page)
        names += [arn.rpartition("/")[2] for arn in answer.get(member, [])]
        if not answer.get("nextToken"):
            return names
        page["nextToken"] = answer["nextToken"]


def differing(one: ServiceRevision, other: ServiceRevision) -> tuple[str, ...]:
    """The settings besides task definition and images in which two service revisions differ, by ECS's names."""
    names = sorted({*one.settings, *other.settings})
    return tuple(name for name in names if one.settings.get(name) != other.settings.get(name))


def _service(raw: Mapping[str, Any]) -> ServiceNow:
    configuration = raw.get("deploymentConfiguration") or {}
    breaker = configuration.get("deploymentCircuitBreaker") or {}
    alarms = configuration.get("alarms") or {}
    return ServiceNow(
        arn=raw.get("serviceArn", ""),
        cluster=str(raw.get("clusterArn", "")).rpartition("/")[2],
        name=raw["serviceName"],
        status=raw.get("status", "ACTIVE"),
        controller=(raw.get("deploymentController") or {}).get("type", "ECS"),
        strategy=configuration.get("strategy", "ROLLING"),
        desired=raw.get("desiredCount", 0),
        running=raw.get("runningCount", 0),
        pending=raw.get("pendingCount", 0),
        # A service of CODE_DEPLOY or EXTERNAL has task sets in the place of deployments.
        rollouts=tuple(_rollout(entry) for entry in raw.get("deployments") or raw.get("taskSets") or []),
        service_deployment=raw.get("currentServiceDeployment"),
        breaker_on=bool(breaker.get("enable")),
        breaker_rolls_back=bool(breaker.get("enable") and breaker.get("rollback")),
        alarms_roll_back=bool(alarms.get("enable") and alarms.get("rollback")),
        alarm_names=tuple(alarms.get("alarmNames", ())),
        maximum_percent=configuration.get("maximumPercent", 200),
        created_at=raw.get("createdAt"),
        tags={tag["key"]: tag.get("value", "") for tag in raw.get("tags") or []},
    )


def _rollout(raw: Mapping[str, Any]) -> Rollout:
    return Rollout(
        id=raw["id"],
        status=raw.get("status", ""),
        task_definition=raw.get("taskDefinition", ""),
        state=raw.get("rolloutState") or "COMPLETED",  # CODE_DEPLOY and EXTERNAL have none
        reason=raw.get("rolloutStateReason", ""),
        desired=raw.get("desiredCount", raw.get("computedDesiredCount", 0)),
        running=raw.get("runningCount", 0),
        pending=raw.get("pendingCount", 0),
        failed=raw.get("failedTasks", 0),
        created_at=raw.get("createdAt"),
        updated_at=raw.get("updatedAt"),
    )


def _deployment(raw: Mapping[str, Any]) -> ServiceDeployment:
    breaker, alarms = raw.get("deploymentCircuitBreaker") or {}, raw.get("alarms") or {}
    return ServiceDeployment(
        arn=raw["serviceDeploymentArn"],
        status=raw.get("status", ""),
        target_revision=(raw.get("targetServiceRevision") or {}).get("arn"),
        rollback_revision=(raw.get("rollback") or {}).get("serviceRevisionArn"),
        breaker=breaker.get("status", "DISABLED"),
        failures=breaker.get("failureCount", 0),
        threshold=breaker.get("threshold", 0),
        alarms=alarms.get("status", "DISABLED"),
        triggered=tuple(alarms.get("triggeredAlarmNames", ())),
        created_at=raw.get("createdAt"),
        finished_at=raw.get("finishedAt"),
    )


def _revision(raw: Mapping[str, Any]) -> ServiceRevision:
    return ServiceRevision(
        arn=raw["serviceRevisionArn"],
        task_definition=raw.get("taskDefinition", ""),
        images=tuple(
            Image(entry.get("containerName", ""), entry.get("image", ""), entry.get("imageDigest"))
            for entry in raw.get("containerImages", [])
        ),
        settings={
            name: json.dumps(value, sort_keys=True, default=str)
            for name, value in raw.items()
            if name not in _NOT_SETTINGS and value not in (None, [], {})
        },
    )


def _revision_now(raw: Mapping[str, Any]) -> RevisionNow:
    containers: list[Mapping[str, Any]] = raw.get("containerDefinitions", [])
    logs = [(container.get("logConfiguration") or {}).get("options") or {} for container in containers]
    return RevisionNow(
        arn=raw["taskDefinitionArn"],
        status=raw.get("status", "ACTIVE"),
        images={container["name"]: container.get("image", "") for container in containers},
        secrets=frozenset(secret["valueFrom"] for container in containers for secret in container.get("secrets") or []),
        log_groups=frozenset(group for options in logs if (group := options.get("awslogs-group"))),
        volumes=frozenset(
            json.dumps(volume, sort_keys=True, default=str) for volume in raw.get("volumes") or [] if len(volume) > 1
        ),
        execution_role=raw.get("executionRoleArn"),
    )
