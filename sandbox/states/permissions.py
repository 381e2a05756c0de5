"""Which permissions Step Functions and Invoke need: actions and resources of the service authorization reference."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.account import Account
from sandbox.iam import Request

Params = Mapping[str, Any]
_Mapper = Callable[[Account, Params], list[Request]]


def _on(action: str, member: str) -> _Mapper:
    return lambda account, params: [Request(f"states:{action}", params[member], account.context())]


def _task(action: str) -> _Mapper:
    """An answer to a token is on the state machine that gave it out; a token nobody knows is refused as such."""

    def mapper(account: Account, params: Params) -> list[Request]:
        token = account.states.token_of(params["taskToken"])
        return [] if token is None else [Request(f"states:{action}", token.execution.machine.arn, account.context())]

    return mapper


def _invoked(account: Account, params: Params) -> list[Request]:
    name = params["FunctionName"].removesuffix(":$LATEST")
    function = account.functions.get(name)
    arn = name if name.startswith("arn:") else account.arn("lambda", f"function:{name}")
    return [Request("lambda:InvokeFunction", arn if function is None else function.arn, account.context())]


MAPPERS: Mapping[tuple[str, str], _Mapper] = {
    ("lambda", "Invoke"): _invoked,
    ("stepfunctions", "ListStateMachines"): lambda account, params: [
        Request("states:ListStateMachines", "*", account.context())
    ],
    **{
        ("stepfunctions", name): _on(name, "stateMachineArn")
        for name in ("StartExecution", "ListExecutions", "DescribeStateMachine")
    },
    **{
        ("stepfunctions", name): _on(name, "executionArn")
        for name in ("DescribeExecution", "GetExecutionHistory", "StopExecution")
    },
    **{("stepfunctions", name): _task(name) for name in ("SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat")},
}
