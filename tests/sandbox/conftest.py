"""A deployed probe application for the tests of the sandbox itself."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox, Secret
from tests.sandbox.ecs_calls import Ecs

TEMPLATE = Path(__file__).parent / "fixtures" / "template.yaml"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.deploy(TEMPLATE, {"AlertEmail": "ops@example.com", "SlackSecretArn": Secret("url")}) as deployed:
        yield deployed


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    """Make events of the probe: `event("work", do="store", pk="a")`."""

    def make(detail_type: str, **detail: Any) -> dict[str, Any]:
        return {"source": "probe", "detail-type": detail_type, "detail": detail}

    return make


@pytest.fixture
def ecs() -> Ecs:
    """The API of ECS over a model of its own, with the cluster `prod`."""
    made = Ecs()
    made.cluster()
    return made
