"""`--image`: a new revision of the service's own task definition with another image, made with the caller's rights.

It is registered here and not in AWS: a function that may register task definitions and pass roles may become any role.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from breakwater.aws import translated_errors
from breakwater.errors import BreakwaterError
from cli.context import WrongUsageError

_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:[:/@][A-Za-z0-9._-]+)*")
LONGEST_IMAGE = 512


def checked_image(image: str) -> str:
    """The image, if it can be one. Raises `WrongUsageError`."""
    if len(image) > LONGEST_IMAGE or not _IMAGE.fullmatch(image):
        raise WrongUsageError(f"image: {image[:200]!r} is no image: [REGISTRY/]NAME[:TAG][@sha256:DIGEST]")
    return image


def register(ecs: Any, service: str, image: str, container: str | None) -> str:
    """Register the next revision and give its ARN. Raises `BreakwaterError` or `WrongUsageError`, with nothing changed.

    What DescribeTaskDefinition says and RegisterTaskDefinition takes is kept as it is, the tags too.
    """
    cluster, _, name = service.partition("/")
    with translated_errors(f"describe service {service}"):
        found = ecs.describe_services(cluster=cluster, services=[name])["services"]
    if not found or not found[0].get("taskDefinition"):
        raise BreakwaterError(f"{service} has no task definition to begin with: is it there, and not EXTERNAL?")
    current = str(found[0]["taskDefinition"])
    with translated_errors(f"describe {current.rpartition('/')[2]}"):
        answer = ecs.describe_task_definition(taskDefinition=current, include=["TAGS"])
    takes = ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
    kept = {key: value for key, value in answer["taskDefinition"].items() if key in takes}
    behind = [str(one["containerName"]) for one in found[0].get("loadBalancers", []) if one.get("containerName")]
    chosen = chosen_container([one["name"] for one in kept["containerDefinitions"]], container, behind)
    kept["containerDefinitions"] = with_image(kept["containerDefinitions"], chosen, image)
    if answer.get("tags"):
        kept["tags"] = answer["tags"]
    with translated_errors(f"register a revision of {kept['family']}"):
        return str(ecs.register_task_definition(**kept)["taskDefinition"]["taskDefinitionArn"])


def chosen_container(names: Sequence[str], asked: str | None, behind: Sequence[str]) -> str:
    """The container whose image changes: the one asked for, the only one, or the one behind the load balancer."""
    if asked is not None:
        if asked not in names:
            raise WrongUsageError(f"container: there is no {asked[:100]!r}; there is {', '.join(sorted(names))}")
        return asked
    for candidates in (names, sorted(set(behind) & set(names))):
        if len(candidates) == 1:
            return candidates[0]
    raise WrongUsageError(f"container: which of {', '.join(sorted(names))} has the image? Say --container")


def with_image(containers: Sequence[Mapping[str, Any]], name: str, image: str) -> list[dict[str, Any]]:
    """The containers, one of them with another image."""
    return [{**one, "image": image} if one["name"] == name else dict(one) for one in containers]
