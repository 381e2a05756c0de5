"""Provisioning of Lambda and the roles it runs under."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox import iam
from sandbox.account import Account
from sandbox.errors import TemplateError, UnsupportedError
from sandbox.functions import Function
from sandbox.mappings import EventSourceMapping
from sandbox.properties import Properties
from sandbox.roles import Role
from sandbox.template import LOCAL_CODE

Made = tuple[str, Mapping[str, str]]
_RUNTIMES = ("python3.11", "python3.12", "python3.13", "python3.14")
_POLLING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")


def _role(account: Account, p: Properties) -> Made:
    name = p.text("RoleName", account.name(p.logical_id))
    if boundary := p.maybe("PermissionsBoundary"):
        raise UnsupportedError(f"{p.logical_id}: AWS::IAM::Role property PermissionsBoundary {boundary}")
    p.without_effect("Tags", "Description", "MaxSessionDuration", "Path")
    role = account.roles.create(
        name,
        f"arn:aws:iam::{account.id}:role/{name}",
        p.any("AssumeRolePolicyDocument"),
        p.items("Policies"),
        p.items("ManagedPolicyArns"),
    )
    return name, {"Arn": role.arn, "RoleId": name}


def _role_policy(account: Account, p: Properties) -> Made:
    """A policy that is added to a role. A function that runs in the role by then would not have it: refused."""
    name, policy = p.text("RoleName"), p.text("PolicyName")
    if any(function.role.name == name for function in account.functions.all()):
        raise UnsupportedError(f"{p.logical_id}: AWS::IAM::RolePolicy for the role of a function")
    account.roles.add(name, policy, p.any("PolicyDocument"))
    return f"{policy}|{name}", {}


def _layer(account: Account, p: Properties) -> Made:
    path = _local(account, p, "Content")
    name = p.text("LayerName", p.logical_id)
    p.without_effect("Description", "CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo")
    arn = account.arn("lambda", f"layer:{name}:1")
    account.layers[arn] = path / "python" if (path / "python").is_dir() else path
    return arn, {"LayerVersionArn": arn}


def _local(account: Account, p: Properties, name: str) -> Path:
    place = p.inside(name)
    bucket, key = place.text("S3Bucket"), place.text("S3Key")
    place.done()
    path = (account.root / key).resolve()
    if bucket != LOCAL_CODE or not path.is_dir():
        raise TemplateError(f"{p.logical_id}: {key} is no local folder")
    return path


def _function(account: Account, p: Properties) -> Made:
    runtime = p.text("Runtime")
    if runtime not in _RUNTIMES:
        raise UnsupportedError(f"{p.logical_id}: runtime {runtime}")
    name = p.text("FunctionName", account.name(p.logical_id))
    arn = account.arn("lambda", f"function:{name}")
    roots = (_local(account, p, "Code"), *(account.layers[layer] for layer in p.items("Layers")))
    logging = p.inside("LoggingConfig")
    log_group = logging.text("LogGroup", f"/aws/lambda/{name}")
    json_logs = logging.text("LogFormat", "Text") == "JSON"
    level = logging.text("ApplicationLogLevel", "INFO")
    logging.without_effect("SystemLogLevel")
    logging.done()
    role = account.roles.by_arn(p.text("Role"))
    _check_logging(account, p.logical_id, role, log_group)
    memory, timeout = p.number("MemorySize", 128), p.number("Timeout", 3)
    if not 128 <= memory <= 10_240 or not 1 <= timeout <= 900:
        raise TemplateError(f"{p.logical_id}: memory {memory} or timeout {timeout} is out of range")
    variables = p.inside("Environment").any("Variables", {})
    p.without_effect("Architectures", "Description", "Tags", "TracingConfig")
    environment = _environment(account, name, p.text("Handler"), memory, log_group, variables, p.logical_id)
    account.functions.add(
        Function(
            name=name,
            arn=arn,
            logical_id=p.logical_id,
            handler=environment["_HANDLER"],
            timeout=timeout,
            memory=memory,
            role=role,
            roots=roots,
            environment=environment,
            log_group=log_group,
            json_logs=json_logs,
            log_level=level,
        )
    )
    return name, {"Arn": arn}


def _check_logging(account: Account, logical_id: str, role: Role, group: str) -> None:
    """Refuse a function that could not write its log: AWS deploys it, and nobody ever reads a line."""
    stream = account.arn("logs", f"log-group:{group}:log-stream:sandbox")
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        if role.verdict(iam.Request(action, stream, account.context())) is not iam.Verdict.ALLOWED:
            raise TemplateError(f"{logical_id}: {role.arn} may not {action}, its log would be lost")


def _environment(
    account: Account, name: str, handler: str, memory: int, group: str, variables: Mapping[str, Any], logical_id: str
) -> dict[str, str]:
    own = {key: str(value) for key, value in variables.items()}
    if sum(len(key) + len(value) for key, value in own.items()) > 4096:
        raise TemplateError(f"{logical_id}: environment of more than 4 KB")
    reserved = {
        "_HANDLER": handler,
        "AWS_REGION": account.region,
        "AWS_DEFAULT_REGION": account.region,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": group,
        "AWS_LAMBDA_LOG_STREAM_NAME": "sandbox",
        "AWS_ACCESS_KEY_ID": "ASIASANDBOXSANDBOX00",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_SESSION_TOKEN": "sandbox",
        "HOME": "/home/sbx_user1051",
        "LANG": "en_US.UTF-8",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin:/bin",
        "TZ": ":UTC",
    }
    clash = own.keys() & reserved.keys()
    if clash:
        raise TemplateError(f"{logical_id}: environment variable {min(clash)} is reserved")
    return {**reserved, **own}


def _known(account: Account, p: Properties, name: str) -> Function:
    wanted = p.text(name)
    function = account.functions.get(wanted)
    if function is None:
        raise TemplateError(f"{p.logical_id}: no function {wanted}")
    return function


def _permission(account: Account, p: Properties) -> Made:
    function = _known(account, p, "FunctionName")
    condition: dict[str, Any] = {}
    if source := p.maybe("SourceArn"):
        condition["ArnLike"] = {"aws:SourceArn": source}
    if owner := p.maybe("SourceAccount"):
        condition["StringEquals"] = {"aws:SourceAccount": owner}
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": p.text("Principal")},
        "Action": p.text("Action"),
        "Resource": function.arn,
        "Condition": condition,
    }
    function.policy += iam.parse({"Statement": statement}, p.logical_id, resource_policy=True)
    return account.name(p.logical_id), {"Id": p.logical_id}


def _invoke_config(account: Account, p: Properties) -> Made:
    function = _known(account, p, "FunctionName")
    if p.text("Qualifier") != "$LATEST":
        raise UnsupportedError(f"{p.logical_id}: AWS::Lambda::EventInvokeConfig property Qualifier")
    function.retries = p.number("MaximumRetryAttempts", 2)
    function.max_age = p.number("MaximumEventAgeInSeconds", 21_600)
    if not 60 <= function.max_age <= 21_600 or not 0 <= function.retries <= 2:
        raise TemplateError(
            f"{p.logical_id}: events kept for {function.max_age} s, {function.retries} retries is out of range"
        )
    destinations = p.inside("DestinationConfig")
    failure = destinations.inside("OnFailure")
    function.on_failure = failure.maybe("Destination")
    failure.done()
    destinations.done()
    return account.name(p.logical_id), {}


def _mapping(account: Account, p: Properties) -> Made:
    function = _known(account, p, "FunctionName")
    queue = account.queues.by_arn(p.text("EventSourceArn"))
    size, window = p.number("BatchSize", 10), p.number("MaximumBatchingWindowInSeconds", 0)
    if not 1 <= size <= 10_000 or not 0 <= window <= 300:
        raise TemplateError(f"{p.logical_id}: batch of {size} or window of {window} s is out of range")
    if size > 10 and window < 1:
        raise TemplateError(f"{p.logical_id}: a batch of more than 10 needs a window of at least a second")
    if queue.visibility < function.timeout:
        raise TemplateError(f"{p.logical_id}: {queue.name} shows messages again before {function.name} times out")
    for action in _POLLING:
        verdict = function.role.verdict(iam.Request(action, queue.arn, account.context()))
        if verdict is not iam.Verdict.ALLOWED:
            raise TemplateError(f"{p.logical_id}: {function.role.arn} may not {action} on {queue.arn}")
    responses = p.items("FunctionResponseTypes")
    if responses not in ([], ["ReportBatchItemFailures"]):
        raise UnsupportedError(f"{p.logical_id}: FunctionResponseTypes {responses}")
    scaling = p.inside("ScalingConfig")
    if scaling.number("MaximumConcurrency", 2) < 2:
        raise TemplateError(f"{p.logical_id}: MaximumConcurrency is at least 2")
    scaling.done()
    mapping = EventSourceMapping(account, queue, function, size, window, bool(responses), p.flag("Enabled", True))
    p.without_effect("Tags")
    mapping.attach()
    return account.name(p.logical_id), {"Id": p.logical_id}


MAKERS: Mapping[str, Callable[[Account, Properties], Made]] = {
    "AWS::IAM::Role": _role,
    "AWS::IAM::RolePolicy": _role_policy,
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::LayerVersion": _layer,
    "AWS::Lambda::Permission": _permission,
    "AWS::Lambda::EventInvokeConfig": _invoke_config,
    "AWS::Lambda::EventSourceMapping": _mapping,
}
