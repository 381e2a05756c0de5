"""The real template.yaml: read with its short intrinsics, expanded by AWS's own SAM translator, offline.

Local code locations travel through the translator as objects of an invented bucket, `LOCAL_CODE`, and are turned
back into paths by whoever provisions the function or layer.
"""

import copy
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from samtranslator.model.exceptions import InvalidDocumentException  # type: ignore[import-untyped]
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]

from sandbox.errors import TemplateError, UnsupportedError

LOCAL_CODE = "local-code"
_CODE_PROPERTIES = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}


class _Loader(yaml.SafeLoader):
    """YAML as CloudFormation reads it: short intrinsics, no dates, no key twice."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _intrinsic(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, object]:
    value: object
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise TemplateError(f"unreadable node under !{suffix}")
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        raise TemplateError(f"key {min(twice)!r} appears twice at line {node.start_mark.line + 1}")
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _intrinsic)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def load(path: Path) -> dict[str, Any]:
    """Read a template file."""
    template = _parsed(path.read_text(encoding="utf-8"))
    if not isinstance(template, dict):
        raise TemplateError(f"{path.name} is not a mapping")
    return copy.deepcopy(template)


@lru_cache(maxsize=4)
def _parsed(text: str) -> object:
    """What a template says. Reading YAML is half of a deployment, and a process deploys the same text many times."""
    return _Loader(text).get_single_data()


class _NoManagedPolicies:
    """Stands for the translator's list of managed policies, for which it would ask IAM: they are named by ARN."""

    def load(self) -> dict[str, str]:
        return {}


def expand(template: dict[str, Any], parameters: Mapping[str, str], region: str) -> dict[str, Any]:
    """Translate a SAM template to plain CloudFormation."""
    _localise(template)
    key = (repr(template), repr(sorted(parameters.items())), region)
    if key not in _TRANSLATED:
        if len(_TRANSLATED) >= _MOST_TRANSLATED:
            _TRANSLATED.clear()
        _TRANSLATED[key] = _translated(template, parameters, region)
    return copy.deepcopy(_TRANSLATED[key])


# Translating is the other half of a deployment; the same text with the same parameters comes out the same.
_TRANSLATED: dict[tuple[str, str, str], dict[str, Any]] = {}
_MOST_TRANSLATED = 8


def _translated(template: dict[str, Any], parameters: Mapping[str, str], region: str) -> dict[str, Any]:
    with _region(region):
        try:
            translated = transform(template, dict(parameters), _NoManagedPolicies())
        except InvalidDocumentException as problem:
            causes = "; ".join(str(cause.message) for cause in problem.causes)
            raise TemplateError(f"the SAM translator refuses the template: {causes}") from problem
    if not isinstance(translated, dict):
        raise TemplateError("the SAM translator gave no template")
    return translated


def _localise(template: dict[str, Any]) -> None:
    places = [("Globals", section, body) for section, body in template.get("Globals", {}).items()]
    for _, section, body in places:
        name = {"Function": "CodeUri", "LayerVersion": "ContentUri"}.get(section)
        if name and name in body:
            body[name] = _as_object(body[name], f"Globals.{section}")
    for logical_id, resource in template.get("Resources", {}).items():
        name = _CODE_PROPERTIES.get(resource.get("Type", ""))
        properties = resource.get("Properties", {})
        if name and name in properties:
            properties[name] = _as_object(properties[name], logical_id)


def _as_object(uri: object, where: str) -> dict[str, str]:
    if not isinstance(uri, str) or uri.startswith("s3://"):
        raise UnsupportedError(f"{where}: code has to be a local path, not {uri!r}")
    return {"Bucket": LOCAL_CODE, "Key": uri}


@contextmanager
def _region(region: str) -> Iterator[None]:
    """The translator asks boto3 for its Region, and tells the root logger what it does."""
    before = os.environ.get("AWS_DEFAULT_REGION")
    os.environ["AWS_DEFAULT_REGION"] = region
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    try:
        yield
    finally:
        if before is None:
            del os.environ["AWS_DEFAULT_REGION"]
        else:
            os.environ["AWS_DEFAULT_REGION"] = before
