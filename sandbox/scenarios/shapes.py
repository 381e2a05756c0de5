"""Real-shaped EventBridge events as plain dictionaries, after AWS's documentation and public payloads."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sandbox.scenarios.account import ACCOUNT, INSTANCES, REGION, Workload, arn, image


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a workload."""

    id: str
    workload: Workload
    revision: int
    born: datetime
    started_by: str
    overrides: Sequence[Mapping[str, Any]] = ()

    @property
    def arn(self) -> str:
        """The long ARN, with the cluster."""
        return arn("task", f"{self.workload.cluster}/{self.id}")

    def stream(self, container: str) -> str:
        """The log stream of one of its containers."""
        return f"ecs/{container}/{self.id}"


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a task ends: code and text of the task, and per container its exit code and reason (none: it never ran)."""

    code: str
    reason: str
    exits: Mapping[str, tuple[int | None, str | None]] = field(default_factory=dict)


def iso(at: datetime) -> str:
    """A time as it stands inside `detail`, with milliseconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def envelope(
    rng: random.Random,
    detail_type: str,
    at: datetime,
    resource: str,
    detail: Mapping[str, Any],
    *,
    source: str = "aws.ecs",
    account: str = ACCOUNT,
) -> dict[str, Any]:
    """The envelope of EventBridge. Its time has whole seconds only."""
    return {
        "version": "0",
        "id": str(UUID(int=rng.getrandbits(128))),
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [resource],
        "detail": dict(detail),
    }


def task_event(
    rng: random.Random,
    task: Task,
    status: str,
    at: datetime,
    version: int,
    *,
    stop: Stop | None = None,
    ended: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """An ECS Task State Change. `ended` are containers that stopped while the task goes on, with their codes."""
    workload = task.workload
    fargate = workload.launch_type == "FARGATE"
    ran = status not in ("PROVISIONING", "PENDING")
    detail: dict[str, Any] = {
        "attachments": [_eni(task, status)] if fargate else [],
        "attributes": [{"name": "ecs.cpu-architecture", "value": "arm64"}],
        "availabilityZone": f"{REGION}{'abc'[int(task.id[0], 16) % 3]}",
        "capacityProviderName": workload.provider,
        "clusterArn": arn("cluster", workload.cluster),
        "containers": [_container(task, spec.name, status, stop, ended or {}) for spec in workload.containers],
        "cpu": "512",
        "createdAt": iso(task.born),
        "desiredStatus": "STOPPED" if stop else "RUNNING",
        "enableExecuteCommand": False,
        "group": f"{'family' if workload.job else 'service'}:{workload.name}",
        "launchType": workload.launch_type,
        "lastStatus": status,
        "memory": "1024",
        "overrides": {
            "containerOverrides": list(task.overrides) or [{"name": spec.name} for spec in workload.containers]
        },
        "startedBy": task.started_by,
        "taskArn": task.arn,
        "taskDefinitionArn": arn("task-definition", f"{workload.name}:{task.revision}"),
        "updatedAt": iso(at),
        "version": version,
    }
    if fargate:
        detail |= {"ephemeralStorage": {"sizeInGiB": 20}, "platformVersion": "1.4.0"}
    else:
        host = INSTANCES[int(task.id[1], 16) % len(INSTANCES)][0]
        detail["containerInstanceArn"] = arn("container-instance", f"{workload.cluster}/{host}")
    never_ran = stop is not None and all(code is None for code, _ in stop.exits.values())
    if ran and not never_ran:
        detail |= {
            "connectivity": "CONNECTED",
            "connectivityAt": iso(task.born + timedelta(seconds=4)),
            "pullStartedAt": iso(task.born + timedelta(seconds=7)),
            "pullStoppedAt": iso(task.born + timedelta(seconds=13)),
            "startedAt": iso(task.born + timedelta(seconds=19)),
        }
    if stop:
        detail |= {"stopCode": stop.code, "stoppedReason": stop.reason, "stoppingAt": iso(at - timedelta(seconds=9))}
        if status == "STOPPED":
            detail["stoppedAt"] = iso(at)
            if not never_ran:
                detail["executionStoppedAt"] = iso(at - timedelta(seconds=3))
    return envelope(rng, "ECS Task State Change", at, task.arn, detail)


def _container(task: Task, name: str, status: str, stop: Stop | None, ended: Mapping[str, int]) -> dict[str, Any]:
    reference = image(task.workload, name, task.revision)
    container: dict[str, Any] = {
        "containerArn": arn("container", f"{task.workload.cluster}/{task.id}/{_id(task.id, name)}"),
        "lastStatus": "PENDING" if status in ("PROVISIONING", "PENDING", "ACTIVATING") else "RUNNING",
        "name": name,
        "image": reference,
        "taskArn": task.arn,
        "networkInterfaces": [],
        "cpu": "0",
    }
    code, reason = stop.exits.get(name, (None, None)) if stop else (ended.get(name), None)
    over = status in ("DEPROVISIONING", "STOPPED") or name in ended
    if over:
        container["lastStatus"] = "STOPPED"
    if over and code is not None:
        container["exitCode"] = code
    if over and reason is not None:
        container["reason"] = reason
    if (not stop and container["lastStatus"] == "RUNNING") or code is not None:
        container |= {
            "imageDigest": f"sha256:{sha256(reference.encode()).hexdigest()}",
            "runtimeId": f"{task.id}-{int(_id(task.id, name)[:6], 16)}",
        }
    return container


def _id(task_id: str, name: str) -> str:
    return str(UUID(sha256(f"{task_id}{name}".encode()).hexdigest()[:32]))


def _eni(task: Task, status: str) -> dict[str, Any]:
    attached = {"PROVISIONING": "PRECREATED", "STOPPED": "DELETED", "DEPROVISIONING": "DELETING"}.get(
        status, "ATTACHED"
    )
    address = f"10.0.{int(task.id[2:4], 16)}.{int(task.id[4:6], 16)}"
    return {
        "id": _id(task.id, "eni"),
        "type": "eni",
        "status": attached,
        "details": [
            {"name": "subnetId", "value": "subnet-0a1b2c3d4e5f60718"},
            {"name": "networkInterfaceId", "value": f"eni-{task.id[:17]}"},
            {"name": "privateIPv4Address", "value": address},
        ],
    }


def service_action(
    rng: random.Random,
    workload: Workload,
    name: str,
    at: datetime,
    *,
    severity: str = "INFO",
    reason: str | None = None,
) -> dict[str, Any]:
    """An ECS Service Action. The service is named by `resources` only."""
    detail: dict[str, Any] = {
        "eventType": severity,
        "eventName": name,
        "clusterArn": arn("cluster", workload.cluster),
        "createdAt": iso(at),
    }
    if reason:
        detail["reason"] = reason
    return envelope(rng, "ECS Service Action", at, arn("service", workload.label), detail)


def deployment_event(
    rng: random.Random, workload: Workload, deployment: str, state: str, at: datetime, reason: str | None = None
) -> dict[str, Any]:
    """An ECS Deployment State Change: `state` is IN_PROGRESS, COMPLETED or FAILED."""
    usual = f"ECS deployment {deployment} {state.lower().replace('_', ' ')}."
    detail = {
        "eventType": "ERROR" if state == "FAILED" else "INFO",
        "eventName": f"SERVICE_DEPLOYMENT_{state}",
        "clusterArn": arn("cluster", workload.cluster),
        "deploymentId": deployment,
        "updatedAt": iso(at),
        "reason": reason or usual,
    }
    return envelope(rng, "ECS Deployment State Change", at, arn("service", workload.label), detail)


def instance_event(rng: random.Random, at: datetime, status: str = "ACTIVE") -> dict[str, Any]:
    """An ECS Container Instance State Change of the data cluster: one for every placement, mostly noise."""
    number = rng.randrange(len(INSTANCES))
    host, machine = INSTANCES[number]
    free = rng.randrange(2, 30) * 128
    detail = {
        "agentConnected": rng.random() > 0.04,
        "attributes": [{"name": "ecs.instance-type", "value": "m7g.2xlarge"}],
        "clusterArn": arn("cluster", "data"),
        "containerInstanceArn": arn("container-instance", f"data/{host}"),
        "ec2InstanceId": machine,
        "registeredResources": [{"name": "CPU", "type": "INTEGER", "integerValue": 8192}],
        "remainingResources": [{"name": "CPU", "type": "INTEGER", "integerValue": free}],
        "runningTasksCount": rng.randrange(2, 14),
        "pendingTasksCount": 0,
        "status": status,
        "version": 14000 + int(at.timestamp()) % 9000,
        "versionInfo": {"agentHash": "aebcbca", "agentVersion": "1.95.0", "dockerVersion": "DockerVersion: 25.0.8"},
        "updatedAt": iso(at),
    }
    resource = arn("container-instance", f"data/{host}")
    return envelope(rng, "ECS Container Instance State Change", at, resource, detail)


def alarm_event(rng: random.Random, name: str, at: datetime, before: str, after: str) -> dict[str, Any]:
    """A CloudWatch alarm on an ECS metric that changed its state."""
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    metric = {"namespace": "AWS/ECS", "name": "CPUUtilization", "dimensions": {"ClusterName": "prod"}}
    detail = {
        "alarmName": name,
        "state": {
            "value": after,
            "reason": "Threshold Crossed: no datapoints were greater than it.",
            "timestamp": stamp,
        },
        "previousState": {"value": before, "reason": "Unchecked: Initial alarm creation", "timestamp": stamp},
        "configuration": {
            "metrics": [
                {"id": "m1", "metricStat": {"metric": metric, "period": 60, "stat": "Average"}, "returnData": True}
            ]
        },
    }
    resource = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"
    return envelope(rng, "CloudWatch Alarm State Change", at, resource, detail, source="aws.cloudwatch")
