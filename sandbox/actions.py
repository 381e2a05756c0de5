"""Which permissions an API call needs: IAM's actions, resources and condition keys for the operations we know.

Taken from AWS's service authorization reference. An operation that is missing here is refused by name: falling back
to `*` would let any policy pass.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.account import Account
from sandbox.ecs_api import permissions as ecs
from sandbox.errors import UnsupportedError
from sandbox.iam import Request
from sandbox.states import permissions as states

Params = Mapping[str, Any]
_Mapper = Callable[[Account, Params], list[Request]]


def needed(account: Account, service: str, operation: str, params: Params) -> list[Request]:
    """Give every permission that a call needs; all of them have to be granted."""
    mapper = _MAPPERS.get((service, operation))
    if mapper is None:
        raise UnsupportedError(f"permissions of {service}:{operation} are not known to the sandbox")
    return mapper(account, params)


def _table_arn(account: Account, name: str) -> str:
    return name if name.startswith("arn:") else account.arn("dynamodb", f"table/{name}")


def _leading(items: Sequence[Mapping[str, Mapping[str, str]]]) -> dict[str, list[str]]:
    """The partition keys, where the call has them at hand as `pk`; else the condition key is unknown."""
    if not items or any("pk" not in item for item in items):
        return {}
    return {"dynamodb:LeadingKeys": [next(iter(item["pk"].values())) for item in items]}


def _table(action: str) -> _Mapper:
    def mapper(account: Account, params: Params) -> list[Request]:
        arn = _table_arn(account, params["TableName"])
        if params.get("IndexName"):
            arn = f"{arn}/index/{params['IndexName']}"
        item = params.get("Item") or params.get("Key")
        return [Request(f"dynamodb:{action}", arn, {**account.context(), **_leading([item] if item else [])})]

    return mapper


def _tables(action: str) -> _Mapper:
    def mapper(account: Account, params: Params) -> list[Request]:
        return [
            Request(
                f"dynamodb:{action}",
                _table_arn(account, name),
                {**account.context(), **(_leading(asked["Keys"]) if isinstance(asked, Mapping) else {})},
            )
            for name, asked in params["RequestItems"].items()
        ]

    return mapper


_TRANSACT = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}


def _transaction(account: Account, params: Params) -> list[Request]:
    wanted = {
        (_TRANSACT[kind], _table_arn(account, action["TableName"]))
        for item in params["TransactItems"]
        for kind, action in item.items()
    }
    return [Request(f"dynamodb:{name}", arn, account.context()) for name, arn in sorted(wanted)]


def _queue(action: str) -> _Mapper:
    def mapper(account: Account, params: Params) -> list[Request]:
        queue = account.queues.by_url(params["QueueUrl"])
        name = params["QueueUrl"].rsplit("/", 1)[-1]
        return [Request(f"sqs:{action}", queue.arn if queue else account.arn("sqs", name), account.context())]

    return mapper


def _named_queue(account: Account, params: Params) -> list[Request]:
    return [Request("sqs:GetQueueUrl", account.arn("sqs", params["QueueName"]), account.context())]


def _publish(account: Account, params: Params) -> list[Request]:
    arn = params.get("TopicArn") or params.get("TargetArn")
    if not arn:
        raise UnsupportedError("sns:Publish to a phone number")
    return [Request("sns:Publish", arn, account.context())]


def _log_stream(account: Account, params: Params) -> list[Request]:
    group = params.get("logGroupName") or str(params["logGroupIdentifier"]).split("log-group:")[-1]
    arn = account.arn("logs", f"log-group:{group}:log-stream:{params['logStreamName']}")
    return [Request("logs:GetLogEvents", arn, account.context())]


def _log_group(action: str) -> _Mapper:
    def mapper(account: Account, params: Params) -> list[Request]:
        group = params.get("logGroupName") or str(params["logGroupIdentifier"]).split("log-group:")[-1]
        return [Request(f"logs:{action}", account.arn("logs", f"log-group:{group}:*"), account.context())]

    return mapper


def _secret(action: str) -> _Mapper:
    def mapper(account: Account, params: Params) -> list[Request]:
        secret = params["SecretId"]
        arn = secret if secret.startswith("arn:") else account.arn("secretsmanager", f"secret:{secret}-??????")
        return [Request(f"secretsmanager:{action}", arn, account.context())]

    return mapper


def _parameter(action: str) -> _Mapper:
    def mapper(account: Account, params: Params) -> list[Request]:
        names = params.get("Names") or [params["Name"]]
        arns = [account.arn("ssm", f"parameter/{name.removeprefix('/')}") for name in names]
        return [Request(f"ssm:{action}", arn, account.context()) for arn in arns]

    return mapper


def _events(account: Account, params: Params) -> list[Request]:
    buses = {entry.get("EventBusName", "default").rsplit("/", 1)[-1] for entry in params["Entries"]}
    return [
        Request("events:PutEvents", account.arn("events", f"event-bus/{bus}"), account.context())
        for bus in sorted(buses)
    ]


def _repositories(action: str) -> _Mapper:
    def mapper(account: Account, params: Params) -> list[Request]:
        names = params.get("repositoryNames") or [params["repositoryName"]]
        return [Request(f"ecr:{action}", account.arn("ecr", f"repository/{name}"), account.context()) for name in names]

    return mapper


def _anything(action: str) -> _Mapper:
    return lambda account, params: [Request(action, "*", account.context())]


def _object(action: str) -> _Mapper:
    """S3's actions on an object; with a version they are called otherwise.

    Whoever reads a key that is not there is told so only if he may list the bucket; to others it is forbidden.
    """

    def mapper(account: Account, params: Params) -> list[Request]:
        bucket = f"arn:aws:s3:::{params['Bucket']}"
        version = "Version" if params.get("VersionId") else ""
        requests = [Request(f"s3:{action}{version}", f"{bucket}/{params['Key']}", account.context())]
        if action == "GetObject" and not account.buckets.has(params["Bucket"], params["Key"]):
            requests.append(Request("s3:ListBucket", bucket, account.context()))
        return requests

    return mapper


def _rule(action: str, name: str) -> _Mapper:
    def mapper(account: Account, params: Params) -> list[Request]:
        return [Request(f"events:{action}", account.arn("events", f"rule/{params[name]}"), account.context())]

    return mapper


def _schedule(action: str) -> _Mapper:
    """Scheduler's actions on a schedule; whoever gives it a role needs leave to pass that on."""

    def mapper(account: Account, params: Params) -> list[Request]:
        arn = account.arn("scheduler", f"schedule/{params.get('GroupName', 'default')}/{params['Name']}")
        requests = [Request(f"scheduler:{action}", arn, account.context())]
        if "Target" in params:
            passed = {**account.context(), "iam:PassedToService": ["scheduler.amazonaws.com"]}
            requests.append(Request("iam:PassRole", params["Target"]["RoleArn"], passed))
        return requests

    return mapper


def _scalable_target(account: Account, params: Params) -> list[Request]:
    """Where a target is registered anew its id is not known yet: the resource is a wildcard in its place."""
    context = {
        **account.context(),
        "application-autoscaling:service-namespace": [params["ServiceNamespace"]],
        "application-autoscaling:scalable-dimension": [params["ScalableDimension"]],
    }
    arn = account.arn("application-autoscaling", "scalable-target/sandbox")
    return [Request("application-autoscaling:RegisterScalableTarget", arn, context)]


def _alarm(action: str) -> _Mapper:
    def mapper(account: Account, params: Params) -> list[Request]:
        names = params.get("AlarmNames") or [params.get("AlarmName", "*")]
        arns = [account.arn("cloudwatch", f"alarm:{name}") for name in names]
        return [Request(f"cloudwatch:{action}", arn, account.context()) for arn in arns]

    return mapper


def _metric(account: Account, params: Params) -> list[Request]:
    context = {**account.context(), "cloudwatch:namespace": [params["Namespace"]]}
    return [Request("cloudwatch:PutMetricData", "*", context)]


_MAPPERS: Mapping[tuple[str, str], _Mapper] = {
    **{
        ("dynamodb", name): _table(name)
        for name in ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "DescribeTable")
    },
    ("dynamodb", "BatchGetItem"): _tables("BatchGetItem"),
    ("dynamodb", "BatchWriteItem"): _tables("BatchWriteItem"),
    ("dynamodb", "TransactWriteItems"): _transaction,
    ("dynamodb", "TransactGetItems"): _transaction,
    ("sqs", "SendMessage"): _queue("SendMessage"),
    ("sqs", "SendMessageBatch"): _queue("SendMessage"),
    ("sqs", "ReceiveMessage"): _queue("ReceiveMessage"),
    ("sqs", "DeleteMessage"): _queue("DeleteMessage"),
    ("sqs", "DeleteMessageBatch"): _queue("DeleteMessage"),
    ("sqs", "ChangeMessageVisibility"): _queue("ChangeMessageVisibility"),
    ("sqs", "ChangeMessageVisibilityBatch"): _queue("ChangeMessageVisibility"),
    ("sqs", "GetQueueAttributes"): _queue("GetQueueAttributes"),
    ("sqs", "GetQueueUrl"): _named_queue,
    ("sns", "Publish"): _publish,
    ("sns", "PublishBatch"): _publish,
    **ecs.MAPPERS,
    **states.MAPPERS,
    ("logs", "GetLogEvents"): _log_stream,
    ("logs", "FilterLogEvents"): _log_group("FilterLogEvents"),
    ("logs", "DescribeLogStreams"): _log_group("DescribeLogStreams"),
    ("secretsmanager", "DescribeSecret"): _secret("DescribeSecret"),
    ("secretsmanager", "GetSecretValue"): _secret("GetSecretValue"),
    ("ssm", "GetParameter"): _parameter("GetParameter"),
    ("ssm", "GetParameters"): _parameter("GetParameters"),
    ("events", "PutEvents"): _events,
    **{("events", name): _rule(name, "Name") for name in ("PutRule", "DeleteRule", "DescribeRule")},
    **{("events", name): _rule(name, "Rule") for name in ("PutTargets", "RemoveTargets", "ListTargetsByRule")},
    ("events", "ListRules"): _anything("events:ListRules"),  # knows no resources
    **{
        ("scheduler", f"{name}Schedule"): _schedule(f"{name}Schedule") for name in ("Create", "Update", "Delete", "Get")
    },
    ("scheduler", "ListSchedules"): _anything("scheduler:ListSchedules"),  # knows no resources
    ("s3", "GetObject"): _object("GetObject"),
    ("s3", "HeadObject"): _object("GetObject"),
    ("s3", "PutObject"): _object("PutObject"),
    ("application-autoscaling", "RegisterScalableTarget"): _scalable_target,
    ("application-autoscaling", "DescribeScalableTargets"): lambda account, params: [
        Request("application-autoscaling:DescribeScalableTargets", "*", account.context())  # knows no resources
    ],
    **{("cloudwatch", name): _alarm(name) for name in ("PutMetricAlarm", "DescribeAlarms", "DeleteAlarms")},
    ("cloudwatch", "PutMetricData"): _metric,
    ("ec2", "DescribeSubnets"): _anything("ec2:DescribeSubnets"),
    ("ecr", "DescribeImages"): _repositories("DescribeImages"),
    ("ecr", "DescribeRepositories"): _repositories("DescribeRepositories"),
    ("sts", "GetCallerIdentity"): lambda account, params: [],  # needs no permission, a Deny does not stop it either
}
