"""Is a container image still there? Amazon ECR can be asked; of any other registry the answer is that nobody knows."""

import re
from collections.abc import Callable
from typing import Any

from breakwater.aws import translated_errors
from breakwater.errors import NotFoundError

_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?"
    r"/(?P<repository>[a-z0-9._/-]+?)(?::(?P<tag>[A-Za-z0-9_.-]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


def image_there(client: Callable[[], Any], image: str, digest: str | None, *, account: str, region: str) -> bool | None:
    """Whether ECR has the image; `None` where it cannot be asked: another registry, account or Region.

    The digest decides where it is known, since a tag may have moved to another image. Raises `BreakwaterError` if ECR
    was asked and did not answer.
    """
    match = _ECR.fullmatch(image)
    if match is None or (match["account"], match["region"]) != (account, region):
        return None
    wanted = digest or match["digest"]
    which = {"imageDigest": wanted} if wanted else {"imageTag": match["tag"] or "latest"}
    try:
        with translated_errors(f"describe the image {match['repository']}"):
            client().describe_images(registryId=account, repositoryName=match["repository"], imageIds=[which])
    except NotFoundError:
        return False
    return True
