"""One street for all releases that a worker plays: setting up the stack costs seconds, a shop next to nothing."""

from collections.abc import Iterator

import pytest

from tests.sandbox.release_stage import Street


@pytest.fixture(autouse=True)
def no_sockets(socket_enabled: None) -> None:
    """Checks reach servers on this machine's loopback; the sandbox refuses every other connection."""


@pytest.fixture(scope="package")
def street() -> Iterator[Street]:
    with Street() as made:
        yield made


@pytest.fixture(autouse=True)
def cleared(street: Street) -> Iterator[None]:
    """What one scenario has built is not looked at in the next."""
    yield
    street.clear()
