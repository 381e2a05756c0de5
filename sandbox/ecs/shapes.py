"""The events of ECS as plain dictionaries, each a pure function of state. Shapes: events 3 to 6 and the corpus."""

from hashlib import sha256
from typing import Any

from sandbox.ecs.names import Place, iso, iso_seconds
from sandbox.ecs.state import Container, Deployment, Instance, Service, Task

TASK = "ECS Task State Change"
DEPLOYMENT = "ECS Deployment State Change"
SERVICE = "ECS Service Action"
INSTANCE = "ECS Container Instance State Change"
INSTANCE_HEALTH = "ECS Container Instance Health Change"
HOOK = "ECS Hook State Change"

Json = dict[str, Any]


def enveloped(place: Place, event: Json, resource: str, at: int, event_id: str) -> Json:
    """The envelope of EventBridge. Its time has whole seconds only."""
    return {
        "version": "0",
        "id": event_id,
        "detail-type": event["detail-type"],
        "source": "aws.ecs",
        "account": place.account,
        "time": iso_seconds(at),
        "region": place.region,
        "resources": [resource],
        "detail": event["detail"],
    }


def task_event(task: Task) -> Json:
    """An `ECS Task State Change` of a task as it is now."""
    detail: Json = {
        "attachments": _attachments(task),
        "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        "availabilityZone": task.zone,
        "clusterArn": task.cluster.arn,
        "containers": [container_detail(task, container) for container in task.containers],
        "cpu": str(task.definition.cpu),
        "createdAt": iso(task.created_at),
        "desiredStatus": task.desired_status,
        "enableExecuteCommand": False,
        "group": task.group,
        "launchType": task.launch_type,
        "lastStatus": task.last_status,
        "memory": str(task.definition.memory),
        "overrides": {"containerOverrides": _overrides(task)},
        "taskArn": task.arn,
        "taskDefinitionArn": task.definition.arn,
        "updatedAt": iso(task.updated_at),
        "version": task.version,
    }
    if task.launch_type == "FARGATE":
        detail["ephemeralStorage"] = {"sizeInGiB": 20}
        detail["platformVersion"] = "1.4.0"
    if task.capacity_provider is not None:
        detail["capacityProviderName"] = task.capacity_provider
    if task.instance is not None:
        detail["containerInstanceArn"] = task.instance.arn
    if task.connected_at is not None:
        detail["connectivity"] = "CONNECTED"
    for name, value in (("startedBy", task.started_by), ("stopCode", task.stop_code)):
        if value is not None:
            detail[name] = value
    if task.stopped_reason is not None:
        detail["stoppedReason"] = task.stopped_reason
    for name, at in task_times(task):
        if at is not None:
            detail[name] = iso(at)
    return {"detail-type": TASK, "detail": detail}


def task_times(task: Task) -> tuple[tuple[str, int | None], ...]:
    """The times of a task that may be absent, by the names ECS gives them."""
    return (
        ("connectivityAt", task.connected_at),
        ("pullStartedAt", task.pull_started_at),
        ("pullStoppedAt", task.pull_stopped_at),
        ("startedAt", task.started_at),
        ("stoppingAt", task.stopping_at),
        ("executionStoppedAt", task.execution_stopped_at),
        ("stoppedAt", task.stopped_at),
    )


def container_detail(task: Task, container: Container) -> Json:
    """One entry of `containers`. There is never an `essential`, and an exit code only of what ran."""
    definition = container.definition
    entry: Json = {
        "containerArn": container.arn,
        "lastStatus": container.status,
        "name": definition.name,
        "image": definition.image,
        "taskArn": task.arn,
        "networkInterfaces": [],
        "cpu": str(definition.cpu),
    }
    if definition.memory is not None:
        entry["memory"] = str(definition.memory)
    if container.ran:
        entry["imageDigest"] = digest(definition.image)
        entry["runtimeId"] = f"{task.id}-{int(sha256(container.arn.encode()).hexdigest()[:8], 16)}"
        if task.instance is None:
            entry["networkInterfaces"] = [{"attachmentId": _eni_id(task), "privateIpv4Address": task.address}]
    if container.host_ports:
        entry["networkBindings"] = [
            {"bindIP": "0.0.0.0", "containerPort": inside, "hostPort": outside, "protocol": "tcp"}  # noqa: S104  # an event
            for inside, outside in container.host_ports.items()
        ]
    if container.exit_code is not None:
        entry["exitCode"] = container.exit_code
    if container.reason is not None:
        entry["reason"] = container.reason
    return entry


def digest(image: str) -> str:
    """The digest of an image: invented, the same for the same reference."""
    return f"sha256:{sha256(image.encode()).hexdigest()}"


def _overrides(task: Task) -> list[Json]:
    entries: list[Json] = []
    given = {override.name: override for override in task.overrides}
    for container in task.containers:
        entry: Json = {"name": container.definition.name}
        override = given.get(container.definition.name)
        if override is not None and override.command:
            entry["command"] = list(override.command)
        if override is not None and override.environment:
            entry["environment"] = [{"name": name, "value": value} for name, value in override.environment]
        entries.append(entry)
    return entries


def _eni_id(task: Task) -> str:
    text = sha256(task.id.encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"


_ENI_STATUS = {"PROVISIONING": "PRECREATED", "DEPROVISIONING": "DELETING", "STOPPED": "DELETED"}


def _attachments(task: Task) -> list[Json]:
    if task.definition.network_mode != "awsvpc":
        return []
    dashed = task.address.replace(".", "-")
    details = {
        "subnetId": "subnet-0a1b2c3d4e5f60718",
        "networkInterfaceId": f"eni-{task.id[:17]}",
        "macAddress": ":".join(["0a", *(task.id[at : at + 2] for at in range(0, 10, 2))]),
        "privateDnsName": f"ip-{dashed}.ec2.internal",
        "privateIPv4Address": task.address,
    }
    return [
        {
            "id": _eni_id(task),
            "type": "eni",
            "status": _ENI_STATUS.get(task.last_status, "ATTACHED"),
            "details": [{"name": name, "value": value} for name, value in details.items()],
        }
    ]


def deployment_event(service: Service, deployment: Deployment, *, named: bool = True) -> Json:
    """An `ECS Deployment State Change`. The service is named by `resources` only."""
    state = deployment.rollout_state
    detail: Json = {
        "eventType": "ERROR" if state == "FAILED" else "INFO",
        "eventName": f"SERVICE_DEPLOYMENT_{state}",
        "deploymentId": deployment.id,
        "updatedAt": iso(deployment.updated_at),
        "reason": deployment.rollout_reason,
    }
    if named:
        detail["clusterArn"] = service.cluster.arn
    return {"detail-type": DEPLOYMENT, "detail": detail}


def service_action(service: Service, name: str, at: int, *, severity: str, reason: str | None) -> Json:
    """An `ECS Service Action`."""
    detail: Json = {
        "eventType": severity,
        "eventName": name,
        "clusterArn": service.cluster.arn,
        "createdAt": iso(at),
    }
    if reason is not None:
        detail["reason"] = reason
    return {"detail-type": SERVICE, "detail": detail}


def instance_event(instance: Instance) -> Json:
    """An `ECS Container Instance State Change`: one for every placement, too."""
    registered, remaining = (
        [
            {"name": "CPU", "type": "INTEGER", "integerValue": cpu},
            {"name": "MEMORY", "type": "INTEGER", "integerValue": memory},
            {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22", "2375", "2376", "51678", "51679", *ports]},
            {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []},
        ]
        for cpu, memory, ports in (
            (instance.cpu_registered, instance.memory_registered, ()),
            (instance.cpu, instance.memory, [str(port) for port in sorted(instance.ports)]),
        )
    )
    running = sum(task.last_status == "RUNNING" for task in instance.tasks.values())
    detail: Json = {
        "agentConnected": instance.agent_connected,
        "attributes": [{"name": "ecs.availability-zone", "value": instance.zone}],
        "clusterArn": instance.cluster.arn,
        "containerInstanceArn": instance.arn,
        "ec2InstanceId": instance.ec2_id,
        "registeredResources": registered,
        "remainingResources": remaining,
        "runningTasksCount": running,
        "pendingTasksCount": sum(task.live for task in instance.tasks.values()) - running,
        "status": instance.status,
        "version": instance.version,
        "versionInfo": {"agentHash": "aebcbca", "agentVersion": "1.95.0", "dockerVersion": "DockerVersion: 25.0.8"},
        "registeredAt": iso(instance.registered_at),
        "updatedAt": iso(instance.updated_at),
    }
    return {"detail-type": INSTANCE, "detail": detail}


def instance_health_event(instance: Instance) -> Json:
    """An `ECS Container Instance Health Change`."""
    at = iso_seconds(instance.health_changed_at)
    check = {"type": "CONTAINER_RUNTIME", "status": instance.health, "lastStatusChange": at, "lastUpdated": at}
    detail = {
        "clusterArn": instance.cluster.arn,
        "containerInstanceArn": instance.arn,
        "capacityProviderName": instance.capacity_provider,
        "ec2InstanceId": instance.ec2_id,
        "overallStatus": instance.health,
        "healthChecks": [{**check, "statusReason": None}],
    }
    return {"detail-type": INSTANCE_HEALTH, "detail": detail}
