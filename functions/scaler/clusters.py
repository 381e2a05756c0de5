"""What has to be known of a cluster to judge its headroom, and the alarms that Breakwater keeps for it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from breakwater.aws import translated_errors

from .headroom import NAMESPACE, PREFIX, Alarm, Capacity, ClusterSnapshot, Reservation

PAGE = 100

Client = Callable[[], Any]


class Clusters:
    """Reads clusters: names, instances, and what the tasks on them reserve."""

    def __init__(self, ecs: Client) -> None:
        self._ecs = ecs
        self._reserved: dict[str, Reservation] = {}

    def names(self) -> list[str]:
        """All clusters, by name."""
        return [
            arn.rpartition("/")[2]
            for arn in self._pages("list clusters", "clusterArns", lambda page: self._ecs().list_clusters(**page))
        ]

    def services(self, cluster: str) -> list[str]:
        """All services of a cluster, by name."""
        arns = self._pages(
            f"list the services of {cluster}",
            "serviceArns",
            lambda page: self._ecs().list_services(cluster=cluster, maxResults=PAGE, **page),
        )
        return [arn.rpartition("/")[2] for arn in arns]

    def look(self, cluster: str) -> ClusterSnapshot:
        """The cluster as it is now."""
        arns = list(
            self._pages(
                f"list the instances of {cluster}",
                "containerInstanceArns",
                lambda page: self._ecs().list_container_instances(cluster=cluster, status="ACTIVE", **page),
            )
        )
        instances = [found for start in range(0, len(arns), PAGE) for found in self._instances(cluster, arns[start:])]
        if not instances:
            return ClusterSnapshot(cluster)
        definitions = dict.fromkeys(self._running(cluster))
        return ClusterSnapshot(
            cluster, instances, [self._reservation(arn) for arn in definitions], self._managed(cluster)
        )

    def _instances(self, cluster: str, arns: list[str]) -> Iterator[Capacity]:
        with translated_errors(f"describe the instances of {cluster}"):
            answer = self._ecs().describe_container_instances(cluster=cluster, containerInstances=arns[:PAGE])
        for raw in answer["containerInstances"]:
            whole, left = _resources(raw["registeredResources"]), _resources(raw["remainingResources"])
            yield Capacity(whole["CPU"], whole["MEMORY"], left["CPU"], left["MEMORY"])

    def _running(self, cluster: str) -> Iterator[str]:
        """The task definitions of the tasks that run on instances."""
        arns = list(
            self._pages(
                f"list the tasks of {cluster}",
                "taskArns",
                lambda page: self._ecs().list_tasks(cluster=cluster, launchType="EC2", **page),
            )
        )
        for start in range(0, len(arns), PAGE):
            with translated_errors(f"describe the tasks of {cluster}"):
                answer = self._ecs().describe_tasks(cluster=cluster, tasks=arns[start : start + PAGE])
            yield from (task["taskDefinitionArn"] for task in answer["tasks"])

    def _reservation(self, arn: str) -> Reservation:
        if arn not in self._reserved:
            with translated_errors(f"describe {arn.rpartition('/')[2]}"):
                raw = self._ecs().describe_task_definition(taskDefinition=arn)["taskDefinition"]
            containers = raw.get("containerDefinitions", [])
            memory = sum(one.get("memoryReservation") or one.get("memory") or 0 for one in containers)
            cpu = sum(one.get("cpu") or 0 for one in containers)
            name = arn.rpartition("/")[2]
            self._reserved[arn] = Reservation(name, int(raw.get("cpu") or cpu), int(raw.get("memory") or memory))
        return self._reserved[arn]

    def _managed(self, cluster: str) -> list[str]:
        """The capacity providers of the cluster whose Auto Scaling group ECS scales by itself."""
        with translated_errors(f"describe {cluster}"):
            found = self._ecs().describe_clusters(clusters=[cluster])["clusters"]
        names = [name for each in found for name in each.get("capacityProviders", []) if not name.startswith("FARGATE")]
        if not names:
            return []
        with translated_errors(f"describe the capacity providers of {cluster}"):
            providers = self._ecs().describe_capacity_providers(capacityProviders=names)["capacityProviders"]
        return [each["name"] for each in providers if _scales(each)]

    def _pages(self, what: str, member: str, call: Callable[[dict[str, str]], Mapping[str, Any]]) -> Iterator[str]:
        page: dict[str, str] = {}
        while True:
            with translated_errors(what):
                answer = call(page)
            yield from answer.get(member, [])
            if not answer.get("nextToken"):
                return
            page = {"nextToken": answer["nextToken"]}


class Alarms:
    """The alarms whose names begin with ours. Nobody else's is ever touched."""

    def __init__(self, cloudwatch: Client) -> None:
        self._cloudwatch = cloudwatch

    def of(self, cluster: str) -> dict[str, Mapping[str, Any]]:
        """What there is for one cluster, by name."""
        with translated_errors(f"describe the alarms of {cluster}"):
            answer = self._cloudwatch().describe_alarms(AlarmNames=names_for(cluster))
        return {alarm["AlarmName"]: alarm for alarm in answer.get("MetricAlarms", [])}

    def put(self, alarm: Alarm) -> None:
        """Create an alarm, or make it say this."""
        with translated_errors(f"put alarm {alarm.name}"):
            self._cloudwatch().put_metric_alarm(**asked(alarm))

    def delete(self, names: Iterable[str]) -> None:
        """Delete alarms of ours."""
        ordered = sorted(names)
        for start in range(0, len(ordered), PAGE):
            with translated_errors("delete alarms"):
                self._cloudwatch().delete_alarms(AlarmNames=ordered[start : start + PAGE])


def names_for(cluster: str) -> list[str]:
    """The names of a cluster's alarms."""
    return [f"{PREFIX}-{cluster}-{kind}" for kind in ("cpu", "memory")]


def asked(alarm: Alarm) -> dict[str, Any]:
    """The alarm as PutMetricAlarm takes it: three minutes in a row above; no data is no load.

    It has no action of its own: its state change is an event that task_alerts hears, as of any alarm on ECS.
    """
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description[:1024],
        "Namespace": NAMESPACE,
        "MetricName": alarm.metric,
        "Dimensions": alarm.dimensions,
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 3,
        "Threshold": alarm.threshold,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "ActionsEnabled": True,
    }


def is_current(alarm: Alarm, found: Mapping[str, Any] | None) -> bool:
    """Whether an alarm already says what it should."""
    return found is not None and all(found.get(name) == value for name, value in asked(alarm).items())


def _resources(raw: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    return {each["name"]: each.get("integerValue", 0) for each in raw}


def _scales(provider: Mapping[str, Any]) -> bool:
    """Whether ECS scales the instances: managed scaling of a group, or instances that ECS manages altogether."""
    if provider.get("managedInstancesProvider"):
        return True
    scaling = (provider.get("autoScalingGroupProvider") or {}).get("managedScaling") or {}
    return scaling.get("status") == "ENABLED"
