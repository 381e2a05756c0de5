"""Write `docs/policy.schema.json` and `docs/policy.md` from the models of the policy (`make policy-docs`).

A test compares what is there with what would be written.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from breakwater.policy import Policy

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE / "policy.example.yaml"
_NO_DEFAULT = ("", "`[]`", "`{}`")

HEAD = """\
# The policy document

One YAML document says what Breakwater may do, where, and how loudly: `policy.yaml` in the bucket that the stack's
output `PolicyBucketName` names. Without one the defaults below hold for every service of the account: alerts are on,
and everything that could change something observes, also in a stack with `Mode: act`.

```
breakwater policy check FILE          # offline; --live also looks at buckets and task definitions
breakwater policy diff FILE           # what pushing it would change; --against OTHER compares two files offline
breakwater policy push FILE           # hand it over and wait for the outcome
breakwater policy push --empty        # before the stack is deleted: no schedule and no rule stays behind
```

**All or nothing.** A document is judged as a whole before anything is changed. One that has a mistake is rejected,
an incident names every mistake with line and path, and the last good policy stays in force; the next good document
ends the incident. What AWS refuses of a good document is told too, and tried again every five minutes. Functions
pick up a new policy within a minute; jobs and uploads read it whenever one is due. A window of `scaling` opens and
closes with the sweep, within five minutes.

**What is whose.** Breakwater makes one schedule for each job, in a group of its own, and one rule for each upload,
with a prefix of its own, each marked in its description. It changes and deletes nothing else, also where something
else has the name that it wants: then it says so.

**The first entry that matches.** Of `services` the first entry whose `match` fits a service is taken, and later
ones add nothing to it; what it leaves out is that of `defaults`. An entry that an earlier one hides is an error.
The mode of a service is the nearest one that is named: in its `guard` or `release`, beside them, in the `defaults`
of the same, in `defaults`. The stack's parameter `Mode` can lower it and never raise it; `RollbackKillSwitch` halts
the rollback guard for all services, `halted` for those of an entry.

**A service's own tag** can lower the mode of three automations for that service and never raise it:
`breakwater:rollback_guard`, `breakwater:release` and `breakwater:scaler`, with the value `off` or `observe`. `act`
changes nothing, and any other value counts as `observe`. Alerts, jobs and uploads have no tag.

**Quiet hours** hold back what is not of high severity, on every channel; at their end one digest names it, with the
next sweep (within five minutes). High severity always passes, also an incident that becomes so while it waits. Nothing
waits for longer than the quiet time in which it came. A service has those of its entry, or else of `defaults`; jobs,
uploads and everything else have those of `defaults`. What waits already keeps its time if the policy changes.

**No key without a reader.** A key that nothing would read is refused as an unknown one, not kept for later: `audit`
and objectives (SLOs) come with what judges them.

**YAML as people mean it.** Only `true`, `false`, `null` and numbers are no text, so `off` and `20:00` are. A key
twice, an unknown key, a tag and a second document are errors.

**No secrets.** Commands and environment values of tasks lie in the bucket and in the table. What is secret belongs
into `secrets` of the task definition.

`docs/policy.schema.json` is the same as JSON Schema: an editor that knows it completes and checks the document. It
cannot say everything; `breakwater policy check` does.

This page is written by `make policy-docs`.

## An example

```yaml
"""


def files() -> dict[str, str]:
    """The text of each file by its name."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Policy.model_json_schema()}
    return {
        "policy.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n",
        "policy.md": HEAD + EXAMPLE.read_text(encoding="utf-8") + "```\n\n" + "\n".join(_sections(schema)) + "\n",
    }


def _sections(schema: Mapping[str, Any]) -> Iterator[str]:
    yield "## Every key"
    for path, model in _models(Policy, "", {}).items():
        definition = schema if model is Policy else schema["$defs"][model.__name__]
        yield f"\n### {f'`{path}`' if path else 'The document'}\n"
        yield f"{(model.__doc__ or '').strip()}\n"
        yield "| key | what may stand there | default | |"
        yield "|---|---|---|---|"
        for name, info in model.model_fields.items():
            allowed = _allowed(definition["properties"][name], schema)
            yield f"| `{name}` | {allowed} | {_default(info)} | {info.description or _about(info)} |"


def _models(model: type[BaseModel], path: str, found: dict[str, type[BaseModel]]) -> dict[str, type[BaseModel]]:
    """Every model by the path at which it first stands."""
    if model in found.values():
        return found
    found[path] = model
    for name, info in model.model_fields.items():
        for inner, many in _inside(info.annotation):
            _models(inner, f"{path}.{name}{'[]' if many else ''}".lstrip("."), found)
    return found


def _inside(kind: Any) -> Iterator[tuple[type[BaseModel], bool]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind, False
        return
    for inner in getattr(kind, "__args__", ()):
        for model, _ in _inside(inner):
            yield model, getattr(kind, "__origin__", None) is tuple


def _about(info: FieldInfo) -> str:
    models = [model for model, _ in _inside(info.annotation)]
    return (models[0].__doc__ or "").strip().partition("\n")[0] if models else ""


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "**required**"
    value = info.default
    if value is None or isinstance(value, BaseModel):
        return ""
    plain = list(value) if isinstance(value, tuple) else value
    written = f"`{json.dumps(plain)}`" if not isinstance(plain, str) else f"`{plain}`" if plain else ""
    return "" if written in _NO_DEFAULT else written


def _allowed(part: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What a part of the schema allows, in words."""
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return _allowed(schema["$defs"][name], schema)
    if "anyOf" in part or "oneOf" in part:
        kinds = [each for each in part.get("anyOf", part.get("oneOf", ())) if each.get("type") != "null"]
        return ", or ".join(dict.fromkeys(_allowed(each, schema) for each in kinds))
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"])
    if "const" in part:
        return f"`{part['const']}`"
    match part.get("type"):
        case "integer":
            return f"{part.get('minimum', '')} to {part.get('maximum', '')}" if "maximum" in part else "a whole number"
        case "boolean":
            return "`true`, `false`"
        case "array":
            return f"a list of: {_allowed(part['items'], schema)}"
        case "object" if "properties" in part:
            return "see below"
        case "object":
            return "keys and values"
        case _:
            return "text"


def write() -> None:
    """Write both."""
    for name, text in files().items():
        (HERE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
