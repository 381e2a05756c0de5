"""Which services a state can call here, by which name, and how parameters and answers are spelt on the way. All pure.

An optimized integration takes the parameters that Step Functions documents; `aws-sdk` takes those of the API with a
capital first letter, and answers with capital letters as well.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore import xform_name
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from sandbox.ecs_api.wire import service_model
from sandbox.errors import UnsupportedError

_TOKEN, _SYNC, _SYNC2 = "waitForTaskToken", "sync", "sync:2"
_PREFIX: Final = "arn:aws:states:::"
_OPTIMIZED: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    ("lambda", "invoke"): frozenset({"", _TOKEN}),
    ("ecs", "runTask"): frozenset({"", _TOKEN, _SYNC}),
    ("sns", "publish"): frozenset({"", _TOKEN}),
    ("sqs", "sendMessage"): frozenset({"", _TOKEN}),
    ("events", "putEvents"): frozenset({"", _TOKEN}),
    ("states", "startExecution"): frozenset({"", _TOKEN, _SYNC, _SYNC2}),
    **{("dynamodb", name): frozenset({""}) for name in ("getItem", "putItem", "updateItem", "deleteItem")},
}
"""By service and action: the ways to wait."""
_BOTOCORE: Final[Mapping[str, str]] = {"states": "stepfunctions"}


@dataclass(frozen=True, slots=True)
class SdkService:
    """A service of `aws-sdk` integrations: botocore's name of it, and the prefix of its errors in Retry and Catch."""

    botocore: str
    errors: str


SDK: Final[Mapping[str, SdkService]] = {
    "applicationautoscaling": SdkService("application-autoscaling", "ApplicationAutoScaling"),
    "autoscaling": SdkService("autoscaling", "AutoScaling"),
    "cloudwatch": SdkService("cloudwatch", "CloudWatch"),
    "cloudwatchlogs": SdkService("logs", "CloudWatchLogs"),
    "dynamodb": SdkService("dynamodb", "DynamoDb"),
    "ecs": SdkService("ecs", "Ecs"),
    "elasticloadbalancingv2": SdkService("elbv2", "ElasticLoadBalancingV2"),
    "eventbridge": SdkService("events", "EventBridge"),
    "lambda": SdkService("lambda", "Lambda"),
    "s3": SdkService("s3", "S3"),
    "secretsmanager": SdkService("secretsmanager", "SecretsManager"),
    "sfn": SdkService("stepfunctions", "Sfn"),
    "sns": SdkService("sns", "Sns"),
    "sqs": SdkService("sqs", "Sqs"),
    "ssm": SdkService("ssm", "Ssm"),
    "sts": SdkService("sts", "Sts"),
}
"""Names are those of AWS's SDK for Java 2.x, which Step Functions documents as its source."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a Task state calls: botocore's service and operation, and how it waits."""

    service: str
    operation: str
    waits: str
    sdk: bool

    @property
    def model(self) -> OperationModel:
        """The operation as botocore describes it."""
        return service_model(self.service).operation_model(self.operation)


def of(resource: str) -> Call | None:
    """Read the Resource of a Task; None for the ARN of a function. What is not known here is an error naming it."""
    if resource.startswith("arn:aws:lambda:") and ":function:" in resource:
        return None
    if not resource.startswith(_PREFIX):
        raise UnsupportedError(f"the resource {resource}")
    name, _, waits = resource.removeprefix(_PREFIX).partition(".")
    service, _, action = name.partition(":")
    if service == "aws-sdk":
        api, _, action = action.partition(":")
        known = SDK.get(api)
        if known is None or waits not in ("", _TOKEN):
            raise UnsupportedError(f"the integration {resource}")
        return Call(known.botocore, _operation(known.botocore, action, resource), waits, sdk=True)
    if waits not in _OPTIMIZED.get((service, action), frozenset()):
        raise UnsupportedError(f"the integration {resource}")
    service = _BOTOCORE.get(service, service)
    return Call(service, _operation(service, action, resource), waits, sdk=False)


def operation(service: str, snake: str) -> OperationModel:
    """An operation by boto3's name of its method."""
    model = service_model(service)
    return model.operation_model(next(name for name in model.operation_names if xform_name(name) == snake))


def _operation(service: str, action: str, resource: str) -> str:
    names = {name[:1].lower() + name[1:]: name for name in service_model(service).operation_names}
    if action not in names:
        raise UnsupportedError(f"the integration {resource}: {service} has no such action")
    return names[action]


# ── spelling ────────────────────────────────────────────────────────────────────────────────────────────────────────
def request(shape: Shape | None, value: Any, where: str) -> Any:
    """Turn the parameters of a state into those of boto3; a member that is not spelt as AWS wants is an error."""
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        members = {_capital(name): name for name in shape.members}
        strange = sorted(key for key in value if key not in members)
        if strange:
            raise UnsupportedError(f"{where}: there is no parameter {strange[0]}")
        return {
            members[key]: request(shape.members[members[key]], each, f"{where}.{key}") for key, each in value.items()
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [request(shape.member, each, where) for each in value]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {key: request(shape.value, each, where) for key, each in value.items()}
    if shape is not None and shape.type_name == "string" and not isinstance(value, str):
        return json.dumps(value, separators=(",", ":"))
    if (
        shape is not None
        and shape.type_name in ("integer", "long")
        and isinstance(value, float)
        and value == int(value)
    ):
        return int(value)
    return value


def response(shape: Shape | None, value: Any, *, epoch: bool) -> Any:
    """Turn an answer of boto3 into the output of a state; instants are milliseconds (`epoch`) or ISO 8601."""
    if isinstance(value, datetime):
        utc = value.astimezone(UTC)
        return int(utc.timestamp() * 1000) if epoch else utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        return {
            _capital(name): response(shape.members.get(name), each, epoch=epoch)
            for name, each in value.items()
            if name != "ResponseMetadata"
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [response(shape.member, each, epoch=epoch) for each in value]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {key: response(shape.value, each, epoch=epoch) for key, each in value.items()}
    return value


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
