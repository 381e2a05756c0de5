"""The roles of the template and what they may do; who speaks for a function is its own role, nobody else's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox import action_names, iam
from sandbox.errors import TemplateError, UnsupportedError

# What AWS's managed policies say that the SAM translator attaches. Any other is refused by name.
_MANAGED: Mapping[str, list[str]] = {
    "service-role/AWSLambdaBasicExecutionRole": [
        "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents",
    ],
    "service-role/AWSLambdaSQSQueueExecutionRole": [
        "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes",
        "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents",
    ],
    "service-role/AWSLambdaVPCAccessExecutionRole": [
        "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents",
        "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
    ],
    "AWSXrayWriteOnlyAccess": [
        "xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets",
        "xray:GetSamplingStatisticSummaries",
    ],
    "AWSXRayDaemonWriteAccess": [
        "xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets",
        "xray:GetSamplingStatisticSummaries",
    ],
}  # fmt: skip
_MANAGED_PREFIX = "arn:aws:iam::aws:policy/"


@dataclass(frozen=True, slots=True)
class Role:
    """One role: who may take it, and what it may do."""

    name: str
    arn: str
    trusted: tuple[iam.Statement, ...]
    statements: tuple[iam.Statement, ...]
    speaking: dict[str, tuple[iam.Statement, ...]] = field(default_factory=dict, init=False, compare=False, repr=False)
    """Those of its statements that speak of an action: a few of dozens."""

    def verdict(self, request: iam.Request) -> iam.Verdict:
        """Say whether this role may do that."""
        speaking = self.speaking.get(request.action)
        if speaking is None:
            speaking = tuple(each for each in self.statements if each.speaks_of(request.action))
            self.speaking[request.action] = speaking
        return iam.evaluate(speaking, request)

    def trusts(self, principal: str, context: Mapping[str, Sequence[str] | None]) -> bool:
        """Say whether an AWS service may take this role."""
        request = iam.Request("sts:AssumeRole", self.arn, context, principal)
        return iam.evaluate(self.trusted, request) is iam.Verdict.ALLOWED


class Roles:
    """The roles of the account."""

    def __init__(self) -> None:
        self._by_arn: dict[str, Role] = {}

    def create(
        self, name: str, arn: str, trust: Mapping[str, Any], inline: Sequence[Mapping[str, Any]], managed: Sequence[str]
    ) -> Role:
        """Make a role from its documents."""
        statements: list[iam.Statement] = []
        for policy in inline:
            action_names.check(policy["PolicyDocument"], f"{name}: policy {policy['PolicyName']}")
            statements += iam.parse(policy["PolicyDocument"], f"{name}: policy {policy['PolicyName']}")
        for policy_arn in managed:
            statements += self._managed(name, policy_arn)
        trusted = iam.parse(trust, f"{name}: trust", resource_policy=True)
        role = Role(name, arn, trusted, tuple(statements))
        self._by_arn[arn] = role
        return role

    def add(self, name: str, policy: str, document: Mapping[str, Any]) -> None:
        """Give a role that is there one more policy."""
        role = next((role for role in self._by_arn.values() if role.name == name), None)
        if role is None:
            raise TemplateError(f"no role {name}")
        where = f"{name}: policy {policy}"
        action_names.check(document, where)
        self._by_arn[role.arn] = replace(role, statements=(*role.statements, *iam.parse(document, where)))

    def _managed(self, name: str, arn: str) -> tuple[iam.Statement, ...]:
        actions = _MANAGED.get(arn.removeprefix(_MANAGED_PREFIX))
        if actions is None:
            raise UnsupportedError(f"{name}: managed policy {arn}")
        return iam.parse({"Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}, arn)

    def by_arn(self, arn: str) -> Role:
        """Find a role that has to be there."""
        role = self._by_arn.get(arn)
        if role is None:
            raise TemplateError(f"no role {arn}")
        return role
