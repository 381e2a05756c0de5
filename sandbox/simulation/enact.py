"""A step of the timeline, done: through boto3 what people do, in the model what befalls them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import singledispatch
from typing import Any

from sandbox.ecs.workloads import crash_on_start, never_healthy
from sandbox.simulation import actions, mishaps, releasing
from sandbox.simulation.build import (
    NETWORK,
    ScenarioError,
    Stage,
    add_instances,
    deployment_configuration,
    forward,
)
from sandbox.simulation.finding import cluster_of, instance_of, next_revision, rollout_of, running, service_of, tasks_of
from sandbox.simulation.logs import write
from sandbox.simulation.parts import seconds


@singledispatch
def enact(action: actions.Action, stage: Stage) -> None:
    """Let one thing happen, now. Raises `TypeError` for what is no step."""
    raise TypeError(f"{type(action).__name__} is no step of a timeline: nothing enacts it")


# ── what people do ──────────────────────────────────────────────────────────────────────────────────────────────────


@enact.register
def _(action: actions.Deploy, stage: Stage) -> None:
    changes: dict[str, Any] = {}
    family = stage.scenario.services[action.service].task
    if action.image is not None:
        changes["taskDefinition"] = next_revision(stage, action.service, action.image, action.container)
    elif action.revision is not None:
        changes["taskDefinition"] = f"{family}:{action.revision}"
    elif action.force:
        changes["forceNewDeployment"] = True
    if action.desired is not None:
        changes["desiredCount"] = action.desired
    if action.deployment is not None:
        changes["deploymentConfiguration"] = deployment_configuration(action.deployment)
    _update(stage, action.service, **changes)


@enact.register
def _(action: actions.Scale, stage: Stage) -> None:
    _update(stage, action.service, desiredCount=action.desired)


@enact.register
def _(action: actions.DeleteService, stage: Stage) -> None:
    stage.aws("ecs").delete_service(cluster=cluster_of(stage, action.service), service=action.service, force=True)


@enact.register
def _(action: actions.RunTask, stage: Stage) -> None:
    definition = stage.scenario.task_definitions[action.task]
    more: dict[str, Any] = {} if definition.network_mode != "awsvpc" else {"networkConfiguration": NETWORK}
    if action.started_by is not None:
        more["startedBy"] = action.started_by
    override: dict[str, Any] = {}
    if action.command:
        override["command"] = list(action.command)
    if action.environment:
        override["environment"] = [{"name": key, "value": value} for key, value in action.environment.items()]
    if override:
        name = next(iter(definition.containers))
        more["overrides"] = {"containerOverrides": [{"name": name, **override}]}
    if action.capacity_provider is not None:
        more["capacityProviderStrategy"] = [{"capacityProvider": action.capacity_provider, "weight": 1}]
    else:
        more["launchType"] = action.launch_type
    stage.aws("ecs").run_task(cluster=action.cluster, taskDefinition=action.task, count=action.count, **more)


@enact.register
def _(action: actions.StopTask, stage: Stage) -> None:
    more = {} if action.reason is None else {"reason": action.reason}
    for task in tasks_of(stage, action):
        stage.aws("ecs").stop_task(cluster=task.cluster.name, task=task.arn, **more)


@enact.register
def _(action: actions.Drain, stage: Stage) -> None:
    stage.aws("ecs").update_container_instances_state(
        cluster=action.cluster,
        containerInstances=[instance_of(stage, action).arn],
        status="ACTIVE" if action.undo else "DRAINING",
    )


@enact.register
def _(action: actions.Continue, stage: Stage) -> None:
    rollout = rollout_of(stage, action.service)
    [shown] = stage.aws("ecs").describe_service_deployments(serviceDeploymentArns=[rollout])["serviceDeployments"]
    waiting = [hook for hook in shown.get("lifecycleHookDetails", []) if hook["status"] == "AWAITING_ACTION"]
    if not waiting:
        raise ScenarioError(f"the deployment of {action.service} waits at no hook: it is {shown['status']}")
    stage.aws("ecs").continue_service_deployment(
        serviceDeploymentArn=rollout, hookId=waiting[0]["hookId"], action=action.action
    )


@enact.register
def _(action: actions.StopDeployment, stage: Stage) -> None:
    rollout = rollout_of(stage, action.service)
    stage.aws("ecs").stop_service_deployment(serviceDeploymentArn=rollout, stopType="ROLLBACK")


@enact.register
def _(action: actions.SetWeights, stage: Stage) -> None:
    sends = forward(stage, action.weights)
    if (action.load_balancer, action.rule) in stage.listeners:  # a default rule is changed through its listener
        listener = stage.listeners[action.load_balancer, action.rule]
        stage.aws("elbv2").modify_listener(ListenerArn=listener, DefaultActions=sends)
    else:
        stage.aws("elbv2").modify_rule(RuleArn=stage.rules[action.load_balancer, action.rule], Actions=sends)


@enact.register
def _(action: actions.SendRequests, stage: Stage) -> None:
    listener = stage.listeners[action.load_balancer, action.listener]
    flow = stage.sandbox.account.ecs.native.requests.flow(
        listener, action.path, action.per_second, action.lasts.total_seconds(), host=action.host
    )
    stage.flows.append((action, flow))


@enact.register
def _(action: actions.Upload, stage: Stage) -> None:
    stage.aws("s3").put_object(Bucket=action.bucket, Key=action.key, Body=action.content.encode())


@enact.register
def _(action: actions.Surge, stage: Stage) -> None:
    asked = {"desired": action.desired, "minutes": seconds(action.lasts) // 60, "id": action.id, "by": action.by}
    _ask_scaler(stage, "start", action.service, asked)


@enact.register
def _(action: actions.EndSurge, stage: Stage) -> None:
    _ask_scaler(stage, "end", action.service, {"id": action.id})


def _ask_scaler(stage: Stage, action: str, service: str, more: Mapping[str, Any]) -> None:
    """What `breakwater surge` does: the caller's own invocation of the function."""
    given = {name: value for name, value in more.items() if value is not None}
    asked = {
        "action": action,
        "cluster": cluster_of(stage, service),
        "service": service,
        "answer_errors": True,
        **given,
    }
    outcome = stage.sandbox.invoke("ScalerFunction", asked)
    problem = outcome.error or json.loads(outcome.payload).get("error")
    if problem:
        raise ScenarioError(f"the scaler says: {problem}")


@enact.register
def _(action: actions.Release, stage: Stage) -> None:
    releasing.start(stage, action)


@enact.register
def _(action: actions.AnswerRelease, stage: Stage) -> None:
    releasing.answer(stage, action)


@enact.register
def _(action: actions.PutEvent, stage: Stage) -> None:
    whole = json.loads((actions.EVENTS / f"{action.file}.json").read_text(encoding="utf-8"))
    event = _merged(whole, action.changes)
    if "source" not in event:
        raise ScenarioError(f"events/{action.file}.json is what a function gets, not an event on the bus")
    own = {"account": action.account or stage.scenario.account.id, "region": stage.scenario.account.region}
    at = stage.sandbox.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    stage.sandbox.account.bus.put({**event, "id": stage.sandbox.account.uuid(), "time": at, **own})


def _merged(whole: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(whole)
    for key, value in changes.items():
        before = merged.get(key)
        merged[key] = _merged(before, value) if isinstance(before, dict) and isinstance(value, Mapping) else value
    return merged


# ── what befalls them ───────────────────────────────────────────────────────────────────────────────────────────────


@enact.register
def _(action: mishaps.Crash, stage: Stage) -> None:
    for task in tasks_of(stage, action):
        write(stage, task, action.logs, action.container)
        stage.sandbox.ecs.faults.crash(task, action.exit_code, action.container, action.reason)


@enact.register
def _(action: mishaps.SpotInterruption, stage: Stage) -> None:
    for task in tasks_of(stage, action):
        stage.sandbox.ecs.faults.spot_interruption(task)


@enact.register
def _(action: mishaps.BreakHealth, stage: Stage) -> None:
    for task in tasks_of(stage, action):
        write(stage, task, action.logs)
        stage.sandbox.ecs.faults.break_health(task)


@enact.register
def _(action: mishaps.Maintenance, stage: Stage) -> None:
    for task in tasks_of(stage, action):
        stage.sandbox.ecs.faults.maintenance(task)


@enact.register
def _(action: mishaps.InfrastructureFailure, stage: Stage) -> None:
    for task in tasks_of(stage, action):
        stage.sandbox.ecs.faults.infrastructure_failure(task)


@enact.register
def _(action: mishaps.LoseInstance, stage: Stage) -> None:
    stage.sandbox.ecs.faults.lose_instance(instance_of(stage, action))


@enact.register
def _(action: mishaps.SpotInstance, stage: Stage) -> None:
    instance = instance_of(stage, action)
    if not instance.spot:
        raise ScenarioError(f"{action.which} is no Spot instance")
    stage.sandbox.account.bus.put(
        {
            "source": "aws.ec2",
            "detail-type": "EC2 Spot Instance Interruption Warning",
            "resources": [f"arn:aws:ec2:{instance.zone}:instance/{instance.ec2_id}"],
            "detail": {"instance-id": instance.ec2_id, "instance-action": "terminate"},
        }
    )
    stage.sandbox.ecs.faults.spot_instance_interruption(instance)


@enact.register
def _(action: mishaps.InstanceHealth, stage: Stage) -> None:
    stage.sandbox.ecs.faults.instance_health(instance_of(stage, action), action.status)


@enact.register
def _(action: actions.AddInstances, stage: Stage) -> None:
    add_instances(stage, action.cluster, action)


@enact.register
def _(action: mishaps.RegistryOutage, stage: Stage) -> None:
    stage.sandbox.ecs.faults.registry_outage(action.registry)
    _ends(stage, action, lambda: stage.sandbox.ecs.faults.registry_outage(action.registry, over=True))


@enact.register
def _(action: mishaps.SecretOutage, stage: Stage) -> None:
    def turn(*, missing: bool) -> None:
        for secret in action.secrets:
            stage.sandbox.ecs.faults.miss_secret(secret, missing=missing)

    turn(missing=True)
    _ends(stage, action, lambda: turn(missing=False))


@enact.register
def _(action: mishaps.Shortage, stage: Stage) -> None:
    stage.sandbox.ecs.faults.shortage(action.provider, after_placement=action.after_placement)
    _ends(stage, action, lambda: stage.sandbox.ecs.faults.shortage(action.provider, over=True))


@enact.register
def _(action: mishaps.DependencyOutage, stage: Stage) -> None:
    """New tasks fail like those that run; one that began in the outage keeps to that after it, until it is replaced."""
    world, faults = stage.sandbox.ecs.world, stage.sandbox.ecs.faults
    hit = [service_of(stage, name) for name in action.services]
    images = {
        container.image
        for service in hit
        for deployment in service.deployments
        for container in deployment.revision.definition.containers
        if container.essential
    }
    before = {image: world.workload(image) for image in sorted(images)}
    failing = crash_on_start(action.exit_code) if action.shows == "crash" else never_healthy()
    for image in before:
        faults.set_workload(image, replace(failing, kind="dependency_outage"))
    for service in hit:
        for task in running(list(service.tasks.values())):
            if action.shows == "crash":
                faults.crash(task, action.exit_code)
            else:
                faults.break_health(task)

    def restore() -> None:
        for image, workload in before.items():
            faults.set_workload(image, workload)

    _ends(stage, action, restore)


@enact.register
def _(action: mishaps.Alarm, stage: Stage) -> None:
    stage.sandbox.ecs.faults.set_alarm(action.name, action.state)


@enact.register
def _(action: mishaps.Behave, stage: Stage) -> None:
    stage.behaviours[action.image] = action.behaviour
    stage.sandbox.ecs.faults.set_workload(action.image, action.behaviour.workload())


def _update(stage: Stage, service: str, **changes: Any) -> None:
    stage.aws("ecs").update_service(cluster=cluster_of(stage, service), service=service, **changes)


def _ends(stage: Stage, outage: mishaps.Outage, over: Callable[[], None]) -> None:
    if outage.lasts is not None:
        stage.sandbox.account.clock.call_in(outage.lasts.total_seconds(), over, "end of an outage")
