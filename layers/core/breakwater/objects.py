"""One object of S3, read whole."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from breakwater.aws import translated_errors


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The newest version of an object. `body` is cut where it is longer than asked for; `size` is the whole."""

    version: str
    body: bytes
    size: int


def read_object(client: Callable[[], Any], bucket: str, key: str, most: int) -> StoredObject:
    """Read the newest version of an object, at most `most` bytes of it. Raises `NotFoundError` if there is none."""
    with translated_errors(f"read {key}"):
        answer = client().get_object(Bucket=bucket, Key=key)
        body = answer["Body"].read(most)
    return StoredObject(str(answer.get("VersionId") or answer["ETag"]), body, int(answer["ContentLength"]))
