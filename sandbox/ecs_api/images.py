"""Is an image still in the account's own registry? Images are those that task definitions of the model name.

An image whose workload answers pulls with an error is gone. A digest is the one that the model invents for the name.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.aws import ServiceError
from sandbox.ecs import shapes
from sandbox.ecs.model import Model

Params = Mapping[str, Any]


def describe_images(model: Model, params: Params) -> dict[str, Any]:
    """DescribeImages of ECR, for images that are asked for by digest or tag."""
    repository = params["repositoryName"]
    known = {
        container.image
        for revisions in model.world.families.values()
        for definition in revisions
        for container in definition.containers
        if f".amazonaws.com/{repository}:" in container.image
    }
    there = {image for image in known if not model.world.workload(image).pull_error}
    details = []
    for asked in params.get("imageIds", []):
        found = next((image for image in sorted(there) if _is(image, asked)), None)
        if found is None:
            raise ServiceError("ImageNotFoundException", f"The image requested does not exist in {repository}.")
        details.append({"repositoryName": repository, "imageDigest": shapes.digest(found)})
    return {"imageDetails": details}


def _is(image: str, asked: Mapping[str, str]) -> bool:
    if "imageDigest" in asked:
        return shapes.digest(image) == asked["imageDigest"]
    return image.rpartition(":")[2] == asked.get("imageTag")
