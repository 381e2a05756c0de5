"""Write the part of botocore's data that Breakwater uses: `layers/core/breakwater/aws_models/`.

botocore reads 440 folders of models to make one client, and of each service all operations with their documentation.
Here are only the services and operations that the adapters call, without documentation, as plain JSON, and of the
endpoints only these services. `breakwater.aws` reads nothing else, so an operation that is missing here does not exist:
whoever needs one adds it to `OPERATIONS` and runs `make models`. A test compares the files with the pinned botocore.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.loaders import Loader

HERE = Path(__file__).resolve().parent
MODELS = HERE / "core" / "breakwater" / "aws_models"

OPERATIONS: Mapping[str, frozenset[str]] = {
    "application-autoscaling": frozenset({"DescribeScalableTargets", "RegisterScalableTarget"}),
    "cloudwatch": frozenset({"DeleteAlarms", "DescribeAlarms", "GetMetricData", "PutMetricAlarm"}),
    "dynamodb": frozenset({"BatchGetItem", "BatchWriteItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"}),
    "ec2": frozenset({"DescribeSubnets"}),
    "ecr": frozenset({"DescribeImages", "DescribeRepositories"}),
    "ecs": frozenset(
        {
            "ContinueServiceDeployment",
            "DescribeCapacityProviders",
            "DescribeClusters",
            "DescribeContainerInstances",
            "DescribeServiceDeployments",
            "DescribeServiceRevisions",
            "DescribeServices",
            "DescribeTaskDefinition",
            "DescribeTasks",
            "GetTaskProtection",
            "ListClusters",
            "ListContainerInstances",
            "ListServiceDeployments",
            "ListServices",
            "ListTasks",
            "RunTask",
            "StopServiceDeployment",
            "StopTask",
            "UpdateService",
        }
    ),
    "elbv2": frozenset(
        {"DescribeListeners", "DescribeLoadBalancers", "DescribeRules", "DescribeTargetGroups", "DescribeTargetHealth"}
    ),
    "events": frozenset({"DeleteRule", "ListRules", "ListTargetsByRule", "PutRule", "PutTargets", "RemoveTargets"}),
    "logs": frozenset({"GetLogEvents"}),
    "s3": frozenset({"GetObject", "PutObject"}),
    "scheduler": frozenset({"CreateSchedule", "DeleteSchedule", "GetSchedule", "ListSchedules", "UpdateSchedule"}),
    "secretsmanager": frozenset({"DescribeSecret", "GetSecretValue"}),
    "sns": frozenset({"Publish", "PublishBatch"}),
    "sqs": frozenset({"SendMessage"}),
    "ssm": frozenset({"GetParameters"}),
    "stepfunctions": frozenset({"DescribeExecution", "SendTaskSuccess", "StartExecution"}),
}

_WORDS_FOR_PEOPLE = frozenset({"documentation", "documentationUrl"})


def files() -> dict[str, str]:
    """The text of every file by its path below `MODELS`."""
    loader = Loader(include_default_extras=True)
    found = {
        "endpoints.json": _endpoints(loader.load_data("endpoints")),
        "partitions.json": loader.load_data("partitions"),
        "sdk-default-configuration.json": loader.load_data("sdk-default-configuration"),
    }
    for service, operations in OPERATIONS.items():
        version = loader.determine_latest_version(service, "service-2")
        folder = f"{service}/{version}"
        found[f"{folder}/service-2.json"] = _model(loader.load_service_model(service, "service-2"), operations)
        found[f"{folder}/endpoint-rule-set-1.json"] = loader.load_service_model(service, "endpoint-rule-set-1")
    return {path: json.dumps(_bare(content), separators=(",", ":")) + "\n" for path, content in found.items()}


def _model(model: Mapping[str, Any], operations: frozenset[str]) -> dict[str, Any]:
    kept = {name: model["operations"][name] for name in sorted(operations)}
    shapes: dict[str, Any] = {}
    wanted = list(_shapes_in(kept))
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            wanted += _shapes_in(shapes[name])
    return {
        "version": model["version"],
        "metadata": model["metadata"],
        "operations": kept,
        "shapes": {name: shapes[name] for name in sorted(shapes)},
    }


def _shapes_in(part: object) -> Iterator[str]:
    """The names of shapes that a part of a model refers to."""
    if isinstance(part, Mapping):
        for key, value in part.items():
            if key == "shape" and isinstance(value, str):
                yield value
            else:
                yield from _shapes_in(value)
    elif isinstance(part, list):
        for item in part:
            yield from _shapes_in(item)


def _endpoints(data: Mapping[str, Any]) -> dict[str, Any]:
    prefixes = OPERATIONS.keys()
    partitions = [
        partition | {"services": {name: value for name, value in partition["services"].items() if name in prefixes}}
        for partition in data["partitions"]
    ]
    return {"partitions": partitions, "version": data["version"]}


def _bare(part: object) -> object:
    """The same without documentation."""
    if isinstance(part, Mapping):
        return {
            key: _bare(value)
            for key, value in part.items()
            if not (key in _WORDS_FOR_PEOPLE and isinstance(value, str))
        }
    return [_bare(item) for item in part] if isinstance(part, list) else part


def write() -> None:
    """Replace what is there."""
    for old in MODELS.rglob("*.json"):
        old.unlink()
    for path, text in files().items():
        target = MODELS / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
