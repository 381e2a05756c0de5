"""What makes the scaler call all that it may: a surge and a window by hand and by sweep, a cluster that fills up."""

import json
from datetime import timedelta
from typing import Any

from breakwater.compiled import loaded
from sandbox import Sandbox
from tests.sandbox.policy_stack import put_in_force

MINUTE = timedelta(minutes=1)
EVERY_DAY = list(range(7))


def scaled(stack: Sandbox) -> None:
    """Live through it; everything is given back at the end."""
    ecs = stack.client("ecs")
    ecs.create_cluster(clusterName="prod", capacityProviders=["group"])
    _managed_scaling(stack, "DISABLED")
    stack.ecs.catalogue.register_instance("prod", cpu=2048, memory=2048)
    task = {"name": "app", "image": "app:1", "cpu": 128, "memory": 256}
    ecs.register_task_definition(family="scaled", containerDefinitions=[task])
    for name in ("by-hand", "by-window", "by-sweep"):
        ecs.create_service(cluster="prod", serviceName=name, taskDefinition="scaled", desiredCount=2, launchType="EC2")
        stack.client("application-autoscaling").register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId=f"service/prod/{name}",
            ScalableDimension="ecs:service:DesiredCount",
            MinCapacity=1,
            MaxCapacity=5,
        )
    stack.advance(3 * MINUTE)
    _surge(stack)
    _windows(stack)
    _headroom(stack)
    _put_policy(stack, {})


def _surge(stack: Sandbox) -> None:
    """One that a person changes in between, so that somebody is told by the function and by the sweep."""
    _put_policy(stack, {"surge": {"mode": "act"}})
    for name, woken_by in (("by-hand", "ScalerFunction"), ("by-sweep", "ScalerSweepFunction")):
        start = {"action": "start", "cluster": "prod", "service": name, "desired": 4, "minutes": 8}
        stack.invoke("ScalerFunction", start)
        stack.client("application-autoscaling").register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId=f"service/prod/{name}",
            ScalableDimension="ecs:service:DesiredCount",
            MinCapacity=3,
        )
        woken = {"schema": "breakwater/1", "action": "scale.revert", "cluster": "prod", "service": name}
        stack.invoke(woken_by, woken)
    stack.invoke("ScalerFunction", {"action": "list"})
    stack.advance(15 * MINUTE)


def _windows(stack: Sandbox) -> None:
    """Patterns, so that somebody lists clusters and services; to fewer tasks, so that protection is looked up."""
    window = {
        "name": "w",
        "match": "p*/by-*",
        "days": EVERY_DAY,
        "opens": 0,
        "closes": 1440,
        "mode": "act",
        "desired": 1,
    }
    turn = {"schema": "breakwater/1", "action": "scale.window", "window": "w"}
    for woken_by in ("ScalerFunction", "ScalerSweepFunction"):
        _put_policy(stack, {"windows": [window]})
        stack.advance(MINUTE)
        stack.invoke(woken_by, turn)
        _put_policy(stack, {})
        stack.advance(MINUTE)
        stack.invoke("ScalerSweepFunction", {})


def _headroom(stack: Sandbox) -> None:
    """The alarms are set, and deleted once ECS scales the instances itself."""
    _put_policy(stack, {"headroom": [{"match": "*", "mode": "act"}]})
    stack.advance(MINUTE)
    stack.invoke("ScalerSweepFunction", {})
    _managed_scaling(stack, "ENABLED")
    stack.advance(61 * MINUTE)


def _managed_scaling(stack: Sandbox, status: str) -> None:
    arn = stack.account.arn("autoscaling", "autoScalingGroup:1:autoScalingGroupName/group")
    group = {"autoScalingGroupArn": arn, "managedScaling": {"status": status}}
    stack.account.ecs.kept.providers["group"] = {"autoScalingGroupProvider": group}


def _put_policy(stack: Sandbox, scaling: dict[str, Any]) -> None:
    put_in_force(stack, loaded(json.dumps({"scaling": scaling})))
