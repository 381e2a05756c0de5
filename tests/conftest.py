"""No test reaches beyond this machine, and none finds somebody's real credentials."""

import os

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
    MOTO_EC2_LOAD_DEFAULT_AMIS="false",  # 1,300 images with random ids whenever moto is reset
    POWERTOOLS_METRICS_NAMESPACE="Breakwater",
)
os.environ.pop("AWS_PROFILE", None)

settings.register_profile("default", deadline=None, derandomize=True)
settings.load_profile("default")


@pytest.fixture(autouse=True)
def no_sockets(socket_disabled: None) -> None:
    """Sockets raise; moto answers inside the process."""
