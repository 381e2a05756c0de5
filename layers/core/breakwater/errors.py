"""The errors adapters speak. A class name is an interface: Step Functions' Retry and Catch match on it."""


class BreakwaterError(Exception):
    """Anything Breakwater raises on purpose."""


class NotFoundError(BreakwaterError):
    """It is gone, or never was."""


class ConflictError(BreakwaterError):
    """Someone moved first: read again, decide again."""


class ThrottledError(BreakwaterError):
    """Later may work; the caller's retry policy decides."""


class RefusedError(BreakwaterError):
    """IAM says no; retrying will not help."""


class SettingsError(BreakwaterError):
    """Our own configuration is wrong."""
