"""The values of secret headers, read when a check is made and kept nowhere."""

import json
from collections.abc import Callable
from typing import Any

from breakwater.aws import translated_errors
from breakwater.checks.spec import SecretHeader
from breakwater.errors import BreakwaterError


def read_secret(client: Callable[[], Any], header: SecretHeader) -> str:
    """The value of a secret header. Raises `BreakwaterError`, which never repeats any of it."""
    with translated_errors(f"read the secret for header {header.name}"):
        text = str(client().get_secret_value(SecretId=header.secret_arn).get("SecretString") or "")
    if header.key is None:
        return text
    try:
        return str(json.loads(text)[header.key])
    except (ValueError, KeyError, TypeError):
        raise BreakwaterError(f"the secret for header {header.name} has no such key") from None
