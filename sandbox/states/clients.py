"""The clients of the interpreter: boto3's own, each call made under the role of the state machine that runs."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ParamValidationError

from sandbox.errors import SandboxError, UnsupportedError
from sandbox.states.baton import Baton

if TYPE_CHECKING:
    from sandbox.account import Account


class Clients:
    """Makes clients for the interpreter."""

    def __init__(self, account: "Account", baton: Baton) -> None:
        self._account, self._baton = account, baton

    def client_for(self, region: str, service: str, state_credentials: Any = None) -> "Client":
        """Stand in for the interpreter's `boto_client_for`."""
        from sandbox.states.machines import Execution

        execution = self._baton.owner
        if not isinstance(execution, Execution):
            raise SandboxError("a client is asked for outside of an execution")
        role = execution.machine.role.arn
        if region != self._account.region or (state_credentials is not None and state_credentials.role_arn != role):
            self._account.faults.append(UnsupportedError(f"{execution.machine.logical_id}: another Region or role"))
        return Client(self._account, self._baton, execution, service)


class Client:
    """One client for one execution."""

    def __init__(self, account: "Account", baton: Baton, execution: Any, service: str) -> None:
        self._account, self._baton, self._execution = account, baton, execution
        self._client = account.client(service)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(**params: Any) -> Any:
            account = self._account
            before, began = account.acting, account.clock.now
            account.acting = self._execution.machine
            try:
                return method(**params)
            except ParamValidationError as problem:  # AWS would not have created the machine, or fails it outright
                fault = UnsupportedError(f"{self._execution.machine.logical_id}: {problem}")
                account.faults.append(fault)
                raise fault from problem
            except ClientError:
                raise
            except SandboxError as fault:
                if fault not in account.faults:
                    account.faults.append(fault)
                raise
            finally:
                account.acting = before
                if account.clock.now > began:
                    self._baton.pause()  # a handler has slept: timeouts that were due meanwhile come first

        return call
