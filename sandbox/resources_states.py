"""Provisioning of Step Functions state machines."""

from collections.abc import Callable, Mapping

from sandbox import iam
from sandbox.account import Account
from sandbox.errors import TemplateError, UnsupportedError
from sandbox.properties import Properties
from sandbox.roles import Role
from sandbox.states.definition import substituted
from sandbox.states.machines import Machine
from sandbox.template import LOCAL_CODE

Made = tuple[str, Mapping[str, str]]
_LEVELS = ("OFF", "ALL", "ERROR", "FATAL")
_LOG_DELIVERY = (
    "CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries",
    "PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups",
)  # fmt: skip
_TRACING = ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")


def _state_machine(account: Account, p: Properties) -> Made:
    name = p.text("StateMachineName", account.name(p.logical_id))
    arn = account.arn("states", f"stateMachine:{name}")
    if p.text("StateMachineType", "STANDARD") != "STANDARD":
        raise UnsupportedError(f"{p.logical_id}: AWS::StepFunctions::StateMachine property StateMachineType EXPRESS")
    role = account.roles.by_arn(p.text("RoleArn"))
    text = substituted(_definition(account, p), p.any("DefinitionSubstitutions", {}), p.logical_id)
    _check_logging(account, p, role)
    if p.inside("TracingConfiguration").flag("Enabled"):
        _needs(account, p.logical_id, role, "xray", _TRACING)
    p.without_effect("Tags")
    account.states.add(Machine(arn, name, p.logical_id, text, role, account.clock.now))
    return arn, {"Arn": arn, "Name": name, "StateMachineRevisionId": "INITIAL"}


def _definition(account: Account, p: Properties) -> str:
    given: str | None = p.maybe("DefinitionString")
    if given is not None:
        return given
    place = p.inside("DefinitionS3Location")
    bucket, key = place.text("Bucket"), place.text("Key")
    place.done()
    path = (account.root / key).resolve()
    if bucket != LOCAL_CODE or not path.is_file():
        raise TemplateError(f"{p.logical_id}: {key} is no local file")
    return path.read_text(encoding="utf-8")


def _check_logging(account: Account, p: Properties, role: Role) -> None:
    """Check what AWS checks at creation; nothing is written to the group."""
    logging = p.inside("LoggingConfiguration")
    level = logging.text("Level", "OFF")
    logging.flag("IncludeExecutionData")
    destinations = logging.each("Destinations")
    logging.done()
    if level not in _LEVELS or (level != "OFF" and len(destinations) != 1):
        raise TemplateError(f"{p.logical_id}: logging of level {level} to {len(destinations)} destinations")
    for destination in destinations:
        group = destination.inside("CloudWatchLogsLogGroup")
        arn = group.text("LogGroupArn")
        group.done()
        destination.done()
        if not arn.endswith(":*"):
            raise TemplateError(f"{p.logical_id}: the ARN of a log group as destination ends with :*, not {arn}")
    if level != "OFF":
        _needs(account, p.logical_id, role, "logs", _LOG_DELIVERY)


def _needs(account: Account, logical_id: str, role: Role, service: str, actions: tuple[str, ...]) -> None:
    for action in actions:
        if role.verdict(iam.Request(f"{service}:{action}", "*", account.context())) is not iam.Verdict.ALLOWED:
            raise TemplateError(f"{logical_id}: {role.arn} may not {service}:{action} on *")


MAKERS: Mapping[str, Callable[[Account, Properties], Made]] = {
    "AWS::StepFunctions::StateMachine": _state_machine,
}
