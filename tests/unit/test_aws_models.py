import json
from pathlib import Path

import pytest
from botocore import xform_name

from breakwater import aws
from layers.slim_models import MODELS, OPERATIONS, files

ROOT = Path(__file__).parents[2]


def test_the_models_are_those_of_the_pinned_botocore() -> None:
    there = {str(path.relative_to(MODELS)): path.read_text(encoding="utf-8") for path in MODELS.rglob("*.json")}
    assert there == files(), "run `make models`"


def test_the_models_stay_small() -> None:
    """They are weight of the layer that every function unpacks; each client reads its own service's files alone.

    More than a quarter is how S3 finds its endpoint, which policy_sync alone reads; a fifth is ECS.
    """
    assert sum(path.stat().st_size for path in MODELS.rglob("*.json")) < 700_000


@pytest.mark.parametrize("service", OPERATIONS)
def test_a_client_has_the_operations_that_are_listed_and_no_other(service: str) -> None:
    client = aws.client(service)
    assert set(client.meta.method_to_api_mapping.values()) == OPERATIONS[service]


@pytest.mark.parametrize(
    ("region", "host"),
    [
        pytest.param("eu-central-1", "dynamodb.eu-central-1.amazonaws.com", id="a region of the standard partition"),
        pytest.param("cn-north-1", "dynamodb.cn-north-1.amazonaws.com.cn", id="China"),
        pytest.param("us-gov-west-1", "dynamodb.us-gov-west-1.amazonaws.com", id="GovCloud"),
    ],
)
def test_endpoints_are_found_in_every_partition(region: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.client.cache_clear()
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.setenv("AWS_REGION", region)
    try:
        assert aws.client("dynamodb").meta.endpoint_url == f"https://{host}"
    finally:
        aws.client.cache_clear()


def test_every_operation_is_one_that_an_adapter_calls() -> None:
    sources = [*(ROOT / "layers").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    source = "\n".join(path.read_text() for path in sources)
    names = {name for operations in OPERATIONS.values() for name in operations}
    uncalled = {name for name in names if f".{xform_name(name)}(" not in source}
    assert not uncalled, f"nobody calls {uncalled}: take them out of OPERATIONS and run `make models`"


def test_the_models_say_nothing_to_people() -> None:
    for path in MODELS.rglob("*.json"):
        model = json.loads(path.read_text())
        assert not any("documentation" in shape for shape in model.get("shapes", {}).values())
