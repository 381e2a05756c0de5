"""Every AWS call of the process while the sandbox is open, seen at botocore's one choke point.

A call is counted, put before the caller's role, and answered: by the sandbox's own services, by moto, or with an
error that names it. Calls from outside a handler (a test that looks into a table) are made by an administrator and
are not counted.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError, ParamValidationError

from sandbox import actions, iam
from sandbox.account import Account
from sandbox.errors import UnsupportedError
from sandbox.shortcuts import Shortcuts
from sandbox.writes import WriteUnits

if TYPE_CHECKING:
    from sandbox.functions import Function
    from sandbox.states.machines import Machine

BY_MOTO = frozenset({"dynamodb", "logs", "secretsmanager", "ssm", "sts", "cloudwatch", "s3", "kms", "ec2", "ecr"})
_DENIED_CODES = {"sns": "AuthorizationError", "s3": "AccessDenied", "sqs": "AccessDenied"}

Answer = Callable[[Mapping[str, Any]], dict[str, Any]]
_ORIGINAL = BaseClient._make_api_call  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Call:
    """One AWS call of a function or a state machine; `function` is the logical id of either.

    `error` is the code it was answered with, if any; `units` are write units.
    """

    function: str
    service: str
    operation: str
    at: datetime
    resources: tuple[str, ...]
    error: str | None = None
    units: int = 0


@dataclass(slots=True)
class Calls:
    """What the functions called."""

    log: list[Call] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many calls there were."""
        return len(self.log)

    @property
    def write_units(self) -> int:
        """How many DynamoDB write units were consumed."""
        return sum(call.units for call in self.log)

    def counts(self) -> dict[tuple[str, str, str], int]:
        """How many calls per (function, service, operation)."""
        return dict(sorted(Counter((call.function, call.service, call.operation) for call in self.log).items()))

    def of(self, service: str, operation: str | None = None, function: str | None = None) -> int:
        """How many calls went to a service, an operation of it, by a function."""
        return sum(
            call.service == service and operation in (None, call.operation) and function in (None, call.function)
            for call in self.log
        )


@dataclass(slots=True)
class Failure:
    """An error that calls are answered with on purpose, `times` more times."""

    service: str
    operation: str
    code: str
    times: int
    function: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


class ServiceError(Exception):
    """One of the sandbox's own services answers with an error."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class Gate:
    """Where all calls pass."""

    def __init__(self, account: Account, own: Mapping[tuple[str, str], Answer]) -> None:
        self._account = account
        self._own = own
        self._units = WriteUnits(account.id, account.region)
        self.shortcuts = Shortcuts(account.id, account.region)
        self.calls = Calls()
        self.failures: list[Failure] = []

    @contextmanager
    def open(self) -> Iterator[None]:
        """Stand in for botocore."""

        def through(client: Any, operation: str, params: Mapping[str, Any]) -> Any:
            return self._pass(client, operation, params)

        BaseClient._make_api_call = through  # type: ignore[attr-defined]
        try:
            yield
        finally:
            BaseClient._make_api_call = _ORIGINAL  # type: ignore[attr-defined]

    def _pass(self, client: Any, operation: str, params: Mapping[str, Any]) -> Any:
        service = client.meta.service_model.service_name
        function = self._caller
        if function is None:
            with self._account.clock.frozen():
                return self._answer(client, service, operation, params)
        try:
            requests = actions.needed(self._account, service, operation, params)
            resources = tuple(request.resource for request in requests)
            at = self._account.clock.now
            units = 0
            try:
                self._authorize(client, service, operation, requests)
                self._fail_on_purpose(client, service, operation, function.logical_id)
                with self._units.measured(service, operation, params) as measured:
                    answer = self._answer(client, service, operation, params)
                units = measured.units
            except ClientError as error:
                code = error.response["Error"]["Code"]
                self.calls.log.append(Call(function.logical_id, service, operation, at, resources, code))
                raise
        except UnsupportedError as fault:
            self._account.faults.append(UnsupportedError(f"{function.logical_id}: {fault}"))
            raise
        self.calls.log.append(Call(function.logical_id, service, operation, at, resources, None, units))
        return answer

    @property
    def _caller(self) -> "Function | Machine | None":
        """Who calls: the function that runs now, or the state machine that nobody runs under."""
        return self._account.functions.current or self._account.acting

    def _authorize(self, client: Any, service: str, operation: str, requests: list[iam.Request]) -> None:
        function = self._caller
        if function is None:
            return
        for request in requests:
            verdict = function.role.verdict(request)
            by_resource = iam.evaluate(
                self._resource_policy(service, request.resource),
                iam.Request(request.action, request.resource, request.context, function.role.arn),
            )
            if iam.Verdict.DENIED in (verdict, by_resource):
                verdict = iam.Verdict.DENIED
            elif by_resource is iam.Verdict.ALLOWED:
                verdict = by_resource
            if verdict is not iam.Verdict.ALLOWED:
                text = f"{function.role.arn} is not authorized to perform: {request.action} on {request.resource}"
                raise client_error(
                    client, operation, _DENIED_CODES.get(service, "AccessDeniedException"), f"{text} ({verdict})", 403
                )

    def _resource_policy(self, service: str, resource: str) -> tuple[iam.Statement, ...]:
        if service == "sqs":
            queue = self._account.queues.get(resource)
            return queue.policy if queue else ()
        if service == "sns":
            topic = self._account.topics.get(resource)
            return topic.policy if topic else ()
        if service == "s3":
            return self._account.buckets.policy(resource)
        return ()

    def _fail_on_purpose(self, client: Any, service: str, operation: str, function: str) -> None:
        for failure in self.failures:
            if (
                failure.times > 0
                and (failure.service, failure.operation) == (service, operation)
                and failure.function in (None, function)
            ):
                failure.times -= 1
                said = "failed on purpose by the sandbox"
                raise client_error(client, operation, failure.code, said, 400, failure.more)

    def _answer(self, client: Any, service: str, operation: str, params: Mapping[str, Any]) -> Any:
        own = self._own.get((service, operation))
        if own is not None:
            self._validate(client, operation, params)
            try:
                answer = own(params)
            except ServiceError as error:
                raise client_error(client, operation, error.code, error.message, error.status) from error
            return {**answer, "ResponseMetadata": self._metadata(200)}
        if service not in BY_MOTO:
            raise UnsupportedError(f"{service}:{operation} is not part of this sandbox")
        if service == "s3":
            self._account.buckets.check(operation)
            answer = self._by_moto(client, operation, params)
            self._account.buckets.done(operation, params, answer)
            return answer
        if service != "dynamodb":
            return self._by_moto(client, operation, params)
        self._validate(client, operation, params)
        quick = self.shortcuts.answer(operation, params)
        if quick is not None:
            return {**quick, "ResponseMetadata": self._metadata(200)}
        slow = self._by_moto(client, operation, params)
        self.shortcuts.accept(operation, params)
        return slow

    def _validate(self, client: Any, operation: str, params: Mapping[str, Any]) -> None:
        """Let botocore check the parameters as it does before it writes them."""
        shape = client.meta.service_model.operation_model(operation).input_shape
        if shape is not None:
            report = client._serializer._param_validator.validate(params, shape)
            if report.has_errors():
                raise ParamValidationError(report=report.generate_report())

    def _by_moto(self, client: Any, operation: str, params: Mapping[str, Any]) -> Any:
        before = os.environ.get("MOTO_ACCOUNT_ID")
        os.environ["MOTO_ACCOUNT_ID"] = self._account.id
        try:
            return _ORIGINAL(client, operation, params)
        finally:
            if before is None:
                del os.environ["MOTO_ACCOUNT_ID"]
            else:
                os.environ["MOTO_ACCOUNT_ID"] = before

    def _metadata(self, status: int) -> dict[str, Any]:
        return {"RequestId": self._account.uuid(), "HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0}


def client_error(
    client: Any, operation: str, code: str, message: str, status: int, more: Mapping[str, Any] | None = None
) -> ClientError:
    """Make the exception that botocore would raise."""
    response: Any = {
        **(more or {}),
        "Error": {"Code": code, "Message": message, "Type": "Sender"},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0, "RequestId": "sandbox"},
    }
    kind = client.exceptions.from_code(code)
    error = kind(response, operation)
    return error if isinstance(error, ClientError) else ClientError(response, operation)
