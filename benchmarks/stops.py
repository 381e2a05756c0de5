"""The events that benchmarks send."""

from datetime import datetime, timedelta
from typing import Any

ACCOUNT = "111122223333"
REGION = "eu-central-1"
TASK = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/prod/0123456789abcdef0123456789abcdef"
REVISION = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/checkout:7"

Json = dict[str, Any]


def task_stop(now: datetime, **detail: object) -> Json:
    """An ECS Task State Change: by default of an essential container that ended with exit code 1 a moment ago."""
    at = (now - timedelta(seconds=3)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    stopped: Json = {
        "taskArn": TASK,
        "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/prod",
        "taskDefinitionArn": REVISION,
        "version": 5,
        "lastStatus": "STOPPED",
        "desiredStatus": "STOPPED",
        "group": "service:checkout",
        "startedBy": "ecs-svc/1234567890123456789",
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "launchType": "FARGATE",
        "platformVersion": "1.4.0",
        "cpu": "256",
        "memory": "512",
        "connectivity": "CONNECTED",
        "createdAt": at,
        "startedAt": at,
        "stoppingAt": at,
        "stoppedAt": at,
        "updatedAt": at,
        "attachments": [{"id": "1", "type": "eni", "status": "DELETED", "details": []}],
        "attributes": [{"name": "ecs.cpu-architecture", "value": "arm64"}],
        "containers": [
            {
                "containerArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:container/prod/{index}",
                "name": name,
                "lastStatus": "STOPPED",
                "exitCode": code,
                "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name}:7",
                "imageDigest": "sha256:" + "0123456789abcdef" * 4,
                "networkInterfaces": [{"attachmentId": "1", "privateIpv4Address": "10.0.1.17"}],
            }
            for index, (name, code) in enumerate((("app", 1), ("log-router", 0)))
        ],
        "overrides": {"containerOverrides": [{"name": "app"}, {"name": "log-router"}]},
    } | detail
    return {
        "version": "0",
        "id": "9d1c3a52-6f0e-4c52-9a5b-2f7c1f6c0a11",
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": ACCOUNT,
        "time": at,
        "region": REGION,
        "resources": [TASK],
        "detail": stopped,
    }


SCALE_IN: Json = {
    "stopCode": "ServiceSchedulerInitiated",
    "stoppedReason": "Scaling activity initiated by (deployment ecs-svc/1234567890123456789)",
}
