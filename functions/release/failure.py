"""The error that led a release to its way back, as the machine hands it on. Pure."""

import json
from typing import Any


def told(failure: Any) -> str:
    """What went wrong, in a line; empty where nothing did."""
    if not isinstance(failure, dict):
        return ""
    return f"{failure.get('Error', 'an error')}: {_said(str(failure.get('Cause') or ''))[:500]}"


def _said(cause: str) -> str:
    """Lambda's cause is JSON, unless it was cut off; Step Functions' own is text."""
    if not cause.startswith("{"):
        return cause
    try:
        return str(json.loads(cause).get("errorMessage", cause))
    except ValueError:
        return cause
