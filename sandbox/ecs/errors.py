"""What the model answers when ECS would refuse: an exception by the name that ECS gives it."""

from sandbox.errors import SandboxError


class EcsError(SandboxError):
    """A refusal. `code` is the name of the exception in ECS's own service model."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def invalid(message: str) -> EcsError:
    """The request does not make sense to ECS."""
    return EcsError("InvalidParameterException", message)


def refused(message: str) -> EcsError:
    """The request makes sense, but not in this state; ECS calls it a client's mistake."""
    return EcsError("ClientException", message)


def conflict(message: str) -> EcsError:
    """Something else is going on with the resource."""
    return EcsError("ConflictException", message)
