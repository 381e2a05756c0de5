"""What every contract is held against: the table over moto, and the one in memory."""

from collections.abc import Iterator

import pytest

from breakwater.store import Table
from tests.fakes.moto_table import moto_table
from tests.fakes.table import FakeTable


@pytest.fixture(params=["moto", "fake"])
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    if request.param == "fake":
        yield FakeTable()
        return
    with moto_table() as made:
        yield made
