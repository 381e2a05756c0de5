"""No test reaches beyond this machine, and none finds somebody's real credentials."""

import os
from importlib import import_module
from typing import Any

import pytest
from hypothesis import settings

os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_SESSION_TOKEN="testing",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_EC2_METADATA_DISABLED="true",
    POWERTOOLS_METRICS_NAMESPACE="Breakwater",
)
os.environ.pop("AWS_PROFILE", None)

settings.register_profile("default", deadline=None, derandomize=True)
settings.load_profile("default")


@pytest.fixture(autouse=True)
def no_sockets(socket_disabled: None) -> None:
    """Sockets raise; moto answers inside the process."""


ONE_WORKER = frozenset({"tests/sandbox/test_demo.py", "tests/template/test_permissions.py"})
"""Files whose tests share one long run: each has a worker to itself, or every worker would make that run again."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep these files together. `xdist_group` does not: xdist 3.8.0 writes it where pytest 9.2 does not read."""
    if config.getvalue("dist") != "loadgroup":
        return None
    made = import_module("xdist.scheduler").LoadGroupScheduling(config, log)
    split = made._split_scope

    def together(nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file in ONE_WORKER else str(split(nodeid))

    made._split_scope = together
    return made
