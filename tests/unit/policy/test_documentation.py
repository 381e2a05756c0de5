"""What is written about the policy is what the models say."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # no stubs are locked
import pytest
import yaml

from breakwater.policy import read_policy
from tests.unit.policy.broken import BROKEN

DOCS = Path(__file__).parents[3] / "docs"
SCHEMA = json.loads((DOCS / "policy.schema.json").read_text(encoding="utf-8"))
EXAMPLE = (DOCS / "policy.example.yaml").read_text(encoding="utf-8")


def written() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("write_policy", DOCS / "write_policy.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, str] = module.files()
    return found


@pytest.mark.parametrize("name", ["policy.md", "policy.schema.json"])
def test_it_is_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == written()[name], "run `make policy-docs`"


def test_the_schema_is_one_and_takes_the_example() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(yaml.safe_load(EXAMPLE), SCHEMA, jsonschema.Draft202012Validator)


def test_the_example_is_good() -> None:
    policy = read_policy(EXAMPLE)
    assert policy.services
    assert policy.jobs
    assert policy.uploads
    assert policy.scaling.windows


def test_an_editor_finds_most_of_what_is_wrong_and_nothing_more() -> None:
    """The schema is for completion; it may know less than `policy check`, never more."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    seen = 0
    for _, text, *_ in BROKEN:
        try:
            document = yaml.safe_load(text)
        except yaml.YAMLError:
            continue
        seen += not validator.is_valid(document)
    assert seen > len(BROKEN) / 2


def test_every_key_is_described() -> None:
    undescribed = [
        f"{name}.{key}"
        for name, definition in [("Policy", SCHEMA), *SCHEMA["$defs"].items()]
        for key, part in definition.get("properties", {}).items()
        if "description" not in part and "$ref" not in json.dumps(part) and key != "name"
    ]
    assert undescribed == []
