"""How parameters, answers and errors are spelt: moto's own code for it is empty, or differs from AWS."""

import json
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.exceptions import ClientError
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.intrinsic import jsonata as intrinsic
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk as aws_sdk,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_ecs as ecs_module,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_ecs import (
    StateTaskServiceEcs,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_lambda import (
    StateTaskServiceLambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
    StateTaskServiceSfn,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sqs import (
    StateTaskServiceSqs,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.eval.callback.callback import HeartbeatTimeoutError
from moto.stepfunctions.parser.asl.jsonata import jsonata

from sandbox.errors import UnsupportedError
from sandbox.states import integrations
from sandbox.states.corrections import Resolver, encoded
from sandbox.states.expressions import Evaluator, JException
from sandbox.states.seams import Patches

if TYPE_CHECKING:
    from sandbox.account import Account

_EVENT: Any = FailureEvent  # moto's enumerations and typed dicts are plain text and plain dicts when it runs
_LAMBDA_GENERIC = frozenset({"AccessDeniedException"})
"""Errors of Lambda that Step Functions reports as `Lambda.AWSLambdaException` [known]."""


class Spelling:
    """Replaces what spells."""

    def __init__(self, account: "Account", patches: Patches, rng: random.Random) -> None:
        self._account = account
        for owner, name, make in (
            (StateTaskService, "_normalise_parameters", self._request),
            (StateTaskService, "_normalise_response", self._response),
            (StateTaskService, "_get_boto_service_name", lambda _: lambda state, *a: call_of(state).service),
            (
                StateTaskService,
                "_get_boto_service_action",
                lambda _: lambda state, *a: xform_name(call_of(state).operation),
            ),
            (StateTask, "_eval_parameters", self._nothing_dropped),
            (StateTaskServiceSqs, "_normalise_response", lambda _: StateTaskService._normalise_response),
            (StateTaskServiceCallback, "_from_error", _heartbeat),
            (StateTaskServiceLambda, "_error_cause_from_client_error", _lambda_error),
            (StateTaskServiceSfn, "_from_error", _prefixed("StepFunctions")),
            (StateTaskServiceEcs, "_eval_service_task", self._run_task),
            (StateTaskServiceEcs, "_build_sync_resolver", _failed_task),
            (StringJSONata, "_eval_body", _query_error),
        ):
            patches.put(owner, name, make(owner.__dict__[name]))
        patches.put(aws_sdk, "_SERVICE_ERROR_NAMES", {name: each.errors for name, each in integrations.SDK.items()})
        patches.put(jsonata, "_eval_jsonata", Evaluator(rng))
        patches.everywhere(
            {
                id(jsonata.encode_jsonata_variable_declarations): encoded,
                id(CustomErrorName): error_name,  # the original refuses the States errors of a branch or an item
            }
        )
        own = {"$uuid", "$parse", "$hash", "$randomSeeded"}  # `Evaluator` has them; the last is none of AWS's
        table = intrinsic._DECLARATION_BY_VARIABLE_REFERENCE
        patches.put(intrinsic, "_DECLARATION_BY_VARIABLE_REFERENCE", {k: v for k, v in table.items() if k not in own})

    def _request(self, original: Callable[..., Any]) -> Callable[..., None]:
        def normalise(state: Any, parameters: Any, *_: Any, **__: Any) -> None:
            call = call_of(state)
            try:
                given = integrations.request(call.model.input_shape, parameters, state.name)
            except UnsupportedError as fault:
                self._account.faults.append(fault)
                raise
            parameters.clear()
            parameters.update(given)

        return normalise

    def _response(self, original: Callable[..., Any]) -> Callable[..., None]:
        def normalise(
            state: Any, response: Any, boto_service_name: Any = None, service_action_name: Any = None
        ) -> None:
            if not isinstance(response, dict):
                return
            call = call_of(state)
            model = call.model
            if service_action_name is not None:
                model = integrations.operation(call.service, service_action_name)
            spelt = integrations.response(model.output_shape, response, epoch=not call.sdk)
            response.clear()
            response.update(spelt)

        return normalise

    def _nothing_dropped(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """The original silently leaves out parameters that an optimized integration does not have."""

        def evaluate(state: Any, env: Any) -> Any:
            parameters = {}
            if state.parargs is not None:
                state.parargs.eval(env=env)
                parameters = env.stack.pop()
            known = state._get_supported_parameters()
            strange = sorted(parameters.keys() - known) if known else []
            if strange:
                fault = UnsupportedError(f"state {state.name}: {state.resource.resource_arn} has no {strange[0]}")
                self._account.faults.append(fault)
                raise fault
            return parameters

        return evaluate

    def _run_task(self, original: Callable[..., Any]) -> Callable[..., None]:
        """RunTask that starts nothing answers 200 with failures: that fails the state."""

        def run(
            state: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
        ) -> None:
            client = vars(ecs_module)["boto_client_for"](  # as replaced for the interpreter
                region=resource_runtime_part.region, service="ecs", state_credentials=state_credentials
            )
            answer = client.run_task(**normalised_parameters)
            state._normalise_response(answer)
            if not answer["Tasks"]:
                raise FailureEventException(failure(state, env, "AmazonECS.Unknown", json.dumps(answer)))
            env.stack.append(answer)

        return run


def call_of(state: Any) -> integrations.Call:
    """What a state calls."""
    call = integrations.of(state.resource.resource_arn)
    if call is None:
        raise UnsupportedError(f"state {state.name}: {state.resource.resource_arn}")
    return call


def error_name(error_name: str | None = None) -> Any:
    """An error by its name, reserved or not."""
    if error_name is not None and error_name.startswith("States."):
        try:
            return StatesErrorName(typ=StatesErrorNameType.from_name(error_name))
        except ValueError:
            return ErrorName(error_name)
    return CustomErrorName(error_name)


def failure(state: Any, env: Any, error: str, cause: str) -> Any:
    """A TaskFailed of a state."""
    return _EVENT(
        env=env,
        error_name=error_name(error),
        event_type="TaskFailed",
        event_details={
            "taskFailedEventDetails": {
                "error": error,
                "cause": cause,
                "resource": state._get_sfn_resource(),
                "resourceType": state._get_sfn_resource_type(),
            }
        },
    )


def _heartbeat(original: Callable[..., Any]) -> Callable[..., Any]:
    """A missing heartbeat is States.HeartbeatTimeout; other errors of clients get the service's prefix."""
    prefixes = {"ecs": "ECS", "events": "EventBridge", "dynamodb": "DynamoDB"}

    def from_error(state: Any, env: Any, ex: Exception) -> Any:
        if isinstance(ex, HeartbeatTimeoutError):
            name = "States.HeartbeatTimeout"
            event = state._get_timed_out_failure_event(env)
            event.event_details["taskTimedOutEventDetails"]["error"] = name
            return FailureEvent(env, error_name(name), event.event_type, event.event_details)
        if isinstance(ex, ClientError) and state.resource.service_name in prefixes:
            return failure(state, env, *_named(prefixes[state.resource.service_name], ex))
        return original(state, env=env, ex=ex)

    return from_error


def _prefixed(prefix: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def from_error(state: Any, env: Any, ex: Exception) -> Any:
            if isinstance(ex, ClientError):
                return failure(state, env, *_named(prefix, ex))
            return original(state, env=env, ex=ex)

        return from_error

    return make


def _named(prefix: str, problem: ClientError) -> tuple[str, str]:
    code = problem.response["Error"]["Code"]
    ending = "" if code.endswith("Exception") else "Exception"
    return f"{prefix}.{code}{ending}", str(problem.response["Error"]["Message"])


def _lambda_error(original: Any) -> Any:
    plain = original.__func__

    def named(client_error: ClientError) -> tuple[str, str]:
        error, cause = plain(client_error)
        if client_error.response["Error"]["Code"] in _LAMBDA_GENERIC:
            error = "Lambda.AWSLambdaException"
        return error, cause

    return staticmethod(named)


def _failed_task(original: Callable[..., Any]) -> Callable[..., Any]:
    """`ecs:runTask.sync` fails if the task did not end by all its containers exiting with 0."""

    def build(state: Any, env: Any, **more: Any) -> Any:
        resolve = original(state, env=env, **more)

        def resolved() -> Any:
            task = resolve()
            if task is None:
                return None
            codes = [container.get("ExitCode") for container in task.get("Containers", [])]
            if task.get("StopCode") != "EssentialContainerExited" or any(codes) or None in codes:
                raise FailureEventException(failure(state, env, "States.TaskFailed", json.dumps(task)))
            return task

        return Resolver(resolve.arn, resolved)

    return build


def _query_error(original: Callable[..., Any]) -> Callable[..., None]:
    """An expression that fails is States.QueryEvaluationError; the original lets it pass for States.Runtime."""

    def body(expression: Any, env: Any) -> None:
        try:
            original(expression, env)
        except JException as problem:
            error = "States.QueryEvaluationError"
            cause = f"The JSONata expression '{expression.expression}' could not be evaluated: {problem}"
            details = {"evaluationFailedEventDetails": {"error": error, "cause": cause}}
            event = _EVENT(env, error_name(error), "EvaluationFailed", details)
            raise FailureEventException(event) from problem

    return body
