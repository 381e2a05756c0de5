"""The RunTask call of one attempt, and the one place where an object's key enters it. Pure.

The key is the whole of one environment value, or the whole of one word behind the command. Nothing is put together
from it, so nothing in it can become an option, a second word, a template or a shell word: ECS hands both over as they
stand. What could still be taken for an option (a word that begins with `-`) is refused unless the command ends with
`--`.
"""

import json
from typing import Any

from breakwater.policies import JobSpec, KeyPlace, TaskSpec, UploadSpec
from breakwater.runs import Run

LONGEST_OVERRIDES = 8192
"""ECS's limit for overrides in characters, their JSON included."""
LONGEST_KEY = 1024
"""S3's limit for a key, in bytes of UTF-8."""


class RefusedKeyError(ValueError):
    """The key cannot be handed over safely; the message says why and does not repeat it."""


def overrides_for(spec: JobSpec | UploadSpec, run: Run, container: str) -> dict[str, Any]:
    """What the task is told besides its definition. Raises `RefusedKeyError`.

    The length is that of the JSON as it travels, with every character beyond ASCII as an escape: the longest that ECS
    could count.
    """
    override: dict[str, Any] = {"name": container}
    command, environment = list(spec.task.command), list(spec.task.environment)
    if isinstance(spec, UploadSpec):
        key = _whole(run.key)
        if spec.key_place is KeyPlace.ARGUMENT:
            command.append(_word(key, command))
        else:
            environment = _with(environment, spec.key_name, key)
        if spec.bucket_name:
            environment = _with(environment, spec.bucket_name, run.bucket or "")
    if command:
        override["command"] = command
    if environment:
        override["environment"] = [{"name": name, "value": value} for name, value in environment]
    if len(override) == 1:
        return {}
    overrides = {"containerOverrides": [override]}
    length = len(json.dumps(overrides))
    if length > LONGEST_OVERRIDES:
        raise RefusedKeyError(f"the overrides would have {length} characters; ECS takes {LONGEST_OVERRIDES}")
    return overrides


def needs_container(spec: JobSpec | UploadSpec) -> bool:
    """Whether overrides are sent, so that the container has to be named."""
    return isinstance(spec, UploadSpec) or bool(spec.task.command or spec.task.environment)


def run_task_request(task: TaskSpec, run: Run, overrides: dict[str, Any]) -> dict[str, Any]:
    """The parameters of RunTask. The same run and attempt give the same call, so that it can be repeated."""
    request: dict[str, Any] = {
        "cluster": task.cluster,
        "taskDefinition": task.task_definition,
        "count": 1,
        "clientToken": run.token,
        "startedBy": run.started_by,
    }
    if overrides:
        request["overrides"] = overrides
    if task.capacity_providers:
        provider = task.capacity_providers[min(run.provider, len(task.capacity_providers) - 1)]
        request["capacityProviderStrategy"] = [{"capacityProvider": provider, "weight": 1}]
    elif task.launch_type:
        request["launchType"] = task.launch_type
    if task.subnets:
        network: dict[str, Any] = {
            "subnets": list(task.subnets),
            "assignPublicIp": "ENABLED" if task.assign_public_ip else "DISABLED",
        }
        if task.security_groups:
            network["securityGroups"] = list(task.security_groups)
        request["networkConfiguration"] = {"awsvpcConfiguration": network}
    if task.platform_version:
        request["platformVersion"] = task.platform_version
    return request


def _whole(key: str | None) -> str:
    """The key, if it is one that S3 can have and ECS can pass on."""
    if not key:
        raise RefusedKeyError("the object has no key")
    try:
        size = len(key.encode("utf-8"))
    except UnicodeEncodeError:
        raise RefusedKeyError("the key is no valid UTF-8") from None
    if size > LONGEST_KEY:
        raise RefusedKeyError(f"the key has {size} bytes; S3 knows none above {LONGEST_KEY}")
    if "\0" in key:
        raise RefusedKeyError("the key holds a NUL character, which ends a word of a command")
    return key


def _word(key: str, command: list[str]) -> str:
    if not command:
        raise RefusedKeyError("the upload passes the key as an argument and names no command for it to stand behind")
    if key.startswith("-") and command[-1] != "--":
        raise RefusedKeyError("the key begins with - and would be read as an option: end the command with --")
    return key


def _with(environment: list[tuple[str, str]], name: str, value: str) -> list[tuple[str, str]]:
    """The environment with one variable set, in its place if it was there."""
    if any(each == name for each, _ in environment):
        return [(each, value if each == name else old) for each, old in environment]
    return [*environment, (name, value)]
