"""What the sandbox says when it will not go on. It never does less than it was asked in silence."""


class SandboxError(Exception):
    """Anything the sandbox itself raises."""


class UnsupportedError(SandboxError):
    """The sandbox does not know this, so it stops: a green run must not rest on a thing that was skipped.

    Handlers may swallow it (`except Exception`); the sandbox keeps it and raises it again at its front door.
    """


class TemplateError(SandboxError):
    """The template contradicts itself, or AWS would refuse it at deployment."""


class InvalidPatternError(SandboxError):
    """EventBridge would refuse this pattern at PutRule."""


class TimedOutError(BaseException):
    """A handler has slept past its timeout. Like Lambda's kill, `except Exception` does not stop it."""


class ChangedConstantError(SandboxError):
    """A function has changed a constant of a module that all functions share."""
