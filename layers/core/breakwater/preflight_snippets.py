"""What to add to a service so that its releases can be attended: ready to be pasted, for CloudFormation and the CLI.

Breakwater never edits hooks or listeners itself: they belong to the service's own definition, and an edit from outside
would be undone, or would undo something, at the next deployment of that definition.
"""

import json
from collections.abc import Iterable, Sequence

APPROVAL_MINUTES = 120


def hooks_snippet(cluster: str, service: str, strategy: str, stages: Sequence[str]) -> str:
    """The PAUSE hooks that hold a deployment at these stages until it is continued; unanswered, it rolls back."""
    hook = {
        "targetType": "PAUSE",
        "lifecycleStages": list(stages),
        "timeoutConfiguration": {"timeoutInMinutes": APPROVAL_MINUTES, "action": "ROLLBACK"},
    }
    yaml = [
        "DeploymentConfiguration:",
        f"  Strategy: {strategy}",
        "  LifecycleHooks:",
        "    - TargetType: PAUSE",
        f"      LifecycleStages: [{', '.join(stages)}]",
        f"      TimeoutConfiguration: {{TimeoutInMinutes: {APPROVAL_MINUTES}, Action: ROLLBACK}}",
    ]
    command = json.dumps({"strategy": strategy, "lifecycleHooks": [hook]})
    return _both(
        yaml,
        f"aws ecs update-service --cluster {cluster} --service {service} --deployment-configuration '{command}'",
        "Repeat what else the deployment configuration says: the command replaces it.",
    )


def listener_snippet(container: str, port: int) -> str:
    """The entry at the load balancer with which ECS can shift traffic, a test listener's rule among it."""
    names = {
        "AlternateTargetGroupArn": "<ARN of a second target group like the first>",
        "ProductionListenerRule": "<ARN of the rule that forwards the production traffic>",
        "TestListenerRule": "<ARN of a rule on a listener that only tests use>",
        "RoleArn": "<ARN of a role with AmazonECSInfrastructureRolePolicyForLoadBalancers>",
    }
    yaml = ["LoadBalancers:", f"  - ContainerName: {container}", f"    ContainerPort: {port}"]
    yaml += ["    TargetGroupArn: <ARN of the target group>", "    AdvancedConfiguration:"]
    yaml += [f'      {name}: "{value}"' for name, value in names.items()]
    advanced = {name[0].lower() + name[1:]: value for name, value in names.items()}
    binding = {
        "containerName": container,
        "containerPort": port,
        "targetGroupArn": "<ARN of the target group>",
        "advancedConfiguration": advanced,
    }
    return _both(yaml, f"aws ecs update-service ... --load-balancers '{json.dumps([binding])}'")


def _both(yaml: Iterable[str], command: str, note: str = "") -> str:
    return "\n".join(["# CloudFormation", *yaml, "# CLI", command, *([f"# {note}"] if note else [])])
