"""Lists in pages. A token stands for the rest of the list as it was at the first page."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.ecs.errors import invalid

MOST = 100


class Pages:
    """The lists that somebody has seen a part of."""

    def __init__(self) -> None:
        self._rest: dict[str, tuple[str, Sequence[Any]]] = {}

    def page(
        self, operation: str, params: Mapping[str, Any], items: Sequence[Any], *, usual: int = MOST, most: int = MOST
    ) -> tuple[list[Any], dict[str, str]]:
        """Give one page, and `nextToken` if there is more. A token serves only the question it came from."""
        size = params.get("maxResults", usual)
        if not 1 <= size <= most:
            raise invalid(f"maxResults must be between 1 and {most}.")
        asked = {name: value for name, value in params.items() if name not in ("nextToken", "maxResults")}
        question = json.dumps([operation, asked], sort_keys=True, default=str)
        token = params.get("nextToken")
        if token is not None:
            known, items = self._rest.get(token, ("", ()))
            if known != question:
                raise invalid("Invalid token provided in the request.")
        here, rest = list(items[:size]), items[size:]
        if not rest:
            return here, {}
        following = hashlib.sha256(f"{question}{token or len(self._rest)}{size}".encode()).hexdigest()
        self._rest[following] = (question, rest)
        return here, {"nextToken": following}
