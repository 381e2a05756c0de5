"""The model's objects as ECS shows them: plain data with datetimes, held against botocore's shapes in `wire.py`."""

from collections.abc import Iterable
from typing import Any

from sandbox.ecs import shapes
from sandbox.ecs.names import moment
from sandbox.ecs.state import Container, Deployment, Service, ServiceDeployment, ServiceRevision, Task
from sandbox.ecs_api.kept import Json, Kept
from sandbox.ecs_api.settings import deployment_settings_view, load_balancers_view


def times(**instants: int | None) -> Json:
    """The instants that there are."""
    return {name: moment(at) for name, at in instants.items() if at is not None}


def counts(tasks: Iterable[Task]) -> tuple[int, int]:
    """How many tasks are RUNNING, and how many on their way there."""
    live = [task for task in tasks if task.live]
    running = sum(task.last_status == "RUNNING" for task in live)
    return running, len(live) - running


def runs_on(launch_type: str, provider: str | None) -> Json:
    """A launch type or a strategy of one capacity provider, never both."""
    if provider is not None:
        return {"capacityProviderStrategy": [{"capacityProvider": provider, "weight": 1, "base": 0}]}
    return {"launchType": launch_type}


def _platform(launch_type: str) -> Json:
    return {"platformVersion": "LATEST", "platformFamily": "Linux"} if launch_type == "FARGATE" else {}


# ── services ────────────────────────────────────────────────────────────────────────────────────────────────────────
def service_view(service: Service, kept: Kept, *, tags: bool = False) -> Json:
    """One service of DescribeServices."""
    running, pending = counts(service.tasks.values())
    latest = service.primary.revision if service.deployments else service.revisions[-1]
    more = kept.services.get(service.arn, {})
    shown: Json = {
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": service.cluster.arn,
        "status": service.status,
        "desiredCount": service.desired,
        "runningCount": running,
        "pendingCount": pending,
        "taskDefinition": latest.definition.arn,
        "loadBalancers": load_balancers_view(latest.load_balancers),
        "serviceRegistries": [],
        **runs_on(latest.launch_type, latest.capacity_provider),
        **_platform(latest.launch_type),
        "deploymentConfiguration": deployment_settings_view(service.settings),
        "deployments": [
            deployment_view(service, one, kept) for one in service.deployments if service.status != "INACTIVE"
        ],
        "events": [
            {"id": event.id, "createdAt": moment(event.at), "message": event.message}
            for event in reversed(service.events)
        ],
        "createdAt": moment(service.created_at),
        "placementConstraints": [],
        "placementStrategy": [],
        **{name: value for name, value in more.items() if name != "created"},
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": service.controller},
        "enableECSManagedTags": more.get("enableECSManagedTags", False),
        "propagateTags": more.get("propagateTags", "NONE"),
        "enableExecuteCommand": False,
        "availabilityZoneRebalancing": "DISABLED",
    }
    if latest.load_balancers or service.grace:
        shown["healthCheckGracePeriodSeconds"] = service.grace // 1000
    if service.service_deployments and service.status == "ACTIVE":
        shown["currentServiceDeployment"] = service.service_deployments[-1].arn
        shown["currentServiceRevisions"] = [_summary(service, one.revision, None) for one in service.deployments]
    if tags:
        shown["tags"] = kept.tagged(service.arn)
    return shown


def deployment_view(service: Service, deployment: Deployment, kept: Kept) -> Json:
    """One entry of `deployments`."""
    own = [task for task in service.tasks.values() if task.deployment is deployment]
    running, pending = counts(own)
    revision = deployment.revision
    desired = service.desired if deployment.status == "PRIMARY" else sum(one.desired_status == "RUNNING" for one in own)
    return {
        "id": deployment.id,
        "status": deployment.status,
        "taskDefinition": revision.definition.arn,
        "desiredCount": desired,
        "pendingCount": pending,
        "runningCount": running,
        "failedTasks": deployment.failed_tasks,
        "createdAt": moment(deployment.created_at),
        "updatedAt": moment(deployment.updated_at),
        **runs_on(revision.launch_type, revision.capacity_provider),
        **_platform(revision.launch_type),
        "rolloutState": deployment.rollout_state,
        "rolloutStateReason": deployment.rollout_reason,
        **kept.revisions.get(revision.arn, {}),
    }


def _summary(service: Service, revision: ServiceRevision, requested: int | None) -> Json:
    own = [task for task in service.tasks.values() if task.deployment and task.deployment.revision is revision]
    running, pending = counts(own)
    wanted = sum(task.desired_status == "RUNNING" for task in own) if requested is None else requested
    return {
        "arn": revision.arn,
        "requestedTaskCount": wanted,
        "runningTaskCount": running,
        "pendingTaskCount": pending,
    }


def rollout_view(rollout: ServiceDeployment) -> Json:
    """One service deployment of DescribeServiceDeployments."""
    service, settings = rollout.service, rollout.settings
    shown: Json = {
        **rollout_brief(rollout),
        **times(updatedAt=rollout.updated_at, stoppedAt=rollout.stopped_at),
        "sourceServiceRevisions": [_summary(service, one, None) for one in rollout.sources],
        "targetServiceRevision": _summary(service, rollout.target, service.desired),
        "deploymentConfiguration": deployment_settings_view(settings),
        "deploymentCircuitBreaker": {
            "status": rollout.breaker_status,
            "failureCount": rollout.breaker_failures,
            "threshold": rollout.breaker_threshold,
        },
        "alarms": {
            "status": rollout.alarm_status,
            "alarmNames": list(settings.alarms.names),
            "triggeredAlarmNames": list(rollout.triggered_alarms),
        },
    }
    del shown["targetServiceRevisionArn"]
    if rollout.stage is not None:
        # The service model has this stage for hooks only: of a deployment it shows as the one that it opens.
        pre = rollout.stage == "PRE_PRODUCTION_TRAFFIC_SHIFT"
        shown["lifecycleStage"] = "PRODUCTION_TRAFFIC_SHIFT" if pre else rollout.stage
    if rollout.rollback_started_at is not None:
        shown["rollback"] = {
            "reason": rollout.rollback_reason or "",
            "startedAt": moment(rollout.rollback_started_at),
            **({"serviceRevisionArn": rollout.rollback_revision.arn} if rollout.rollback_revision else {}),
        }
    return shown


def rollout_brief(rollout: ServiceDeployment) -> Json:
    """The same in ListServiceDeployments."""
    return {
        "serviceDeploymentArn": rollout.arn,
        "serviceArn": rollout.service.arn,
        "clusterArn": rollout.service.cluster.arn,
        "targetServiceRevisionArn": rollout.target.arn,
        "status": rollout.status,
        **({"statusReason": rollout.status_reason} if rollout.status_reason else {}),
        **times(createdAt=rollout.created_at, startedAt=rollout.started_at, finishedAt=rollout.finished_at),
    }


def revision_view(service: Service, revision: ServiceRevision, kept: Kept) -> Json:
    """One of DescribeServiceRevisions."""
    return {
        "serviceRevisionArn": revision.arn,
        "serviceArn": service.arn,
        "clusterArn": service.cluster.arn,
        "taskDefinition": revision.definition.arn,
        **runs_on(revision.launch_type, revision.capacity_provider),
        **_platform(revision.launch_type),
        "loadBalancers": load_balancers_view(revision.load_balancers),
        "containerImages": [
            {"containerName": one.name, "image": one.image, "imageDigest": shapes.digest(one.image)}
            for one in revision.definition.containers
        ],
        "createdAt": moment(revision.created_at),
        **kept.revisions.get(revision.arn, {}),
    }


# ── tasks ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def task_view(task: Task, kept: Kept, *, tags: bool = False) -> Json:
    """One task: what its event says, with instants instead of text and the health that events do not have."""
    shown: Json = dict(shapes.task_event(task)["detail"])
    del shown["updatedAt"]
    shown |= times(createdAt=task.created_at, **dict(shapes.task_times(task)))
    shown["containers"] = [_container(task, container) for container in task.containers]
    shown["healthStatus"] = _health(task)
    shown["overrides"] = {**shown["overrides"], "inferenceAcceleratorOverrides": [], **kept.overrides.get(task.arn, {})}
    if task.launch_type == "FARGATE":
        shown["platformFamily"] = "Linux"
        shown["fargateEphemeralStorage"] = {"sizeInGiB": 20}
    shown["tags"] = kept.tagged(task.arn) if tags else []
    return shown


def _container(task: Task, container: Container) -> Json:
    shown: dict[str, Any] = shapes.container_detail(task, container)
    return {**shown, "healthStatus": container.health if container.definition.health_check else "UNKNOWN"}


def _health(task: Task) -> str:
    checked = [one.health for one in task.containers if one.definition.health_check and one.definition.essential]
    if "UNHEALTHY" in checked:
        return "UNHEALTHY"
    return "HEALTHY" if checked and all(health == "HEALTHY" for health in checked) else "UNKNOWN"
