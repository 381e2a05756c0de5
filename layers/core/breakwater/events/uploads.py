"""S3 through EventBridge. Unlike in S3's own notifications the key is not URL-encoded here."""

from typing import Annotated

from .base import AwsEvent, Text, whole_number
from .shapes import Reads, Shape, named, one


def _size(value: object) -> int | None:
    """Read a size; 0.0 is a size of nothing too."""
    return int(value) if isinstance(value, float) and value.is_integer() else whole_number(value)


class Bucket(Shape):
    """The bucket."""

    name: Text = None


class StoredObject(Shape):
    """The object. `version-id`, `etag` and `sequencer` may be absent."""

    key: Text = None
    size: Annotated[int | None, Reads(_size)] = None
    etag: Text = None
    version_id: Text = named("version-id")
    sequencer: Text = None


class UploadDetail(Shape):
    """Which object, where."""

    bucket: Annotated[Bucket | None, one(Bucket)] = None
    stored: Annotated[StoredObject | None, one(StoredObject)] = named("object")
    reason: Text = None


class ObjectEvent(AwsEvent):
    """Something happened to an object."""

    detail: UploadDetail

    @property
    def bucket(self) -> str | None:
        """The bucket's name."""
        return self.detail.bucket.name if self.detail.bucket else None

    @property
    def key(self) -> str | None:
        """The key as it stands."""
        return self.detail.stored.key if self.detail.stored else None

    @property
    def size(self) -> int | None:
        """The size in bytes."""
        return self.detail.stored.size if self.detail.stored else None


class ObjectCreated(ObjectEvent):
    """Object Created, the only one that may start a task."""

    @property
    def identity(self) -> tuple[str, ...] | None:
        """What makes two deliveries the same object: its version, else etag and sequencer."""
        bucket, stored = self.bucket, self.detail.stored
        if not bucket or not stored or not stored.key:
            return None
        if stored.version_id:
            return bucket, stored.key, "version", stored.version_id
        if stored.etag or stored.sequencer:
            return bucket, stored.key, "sequence", stored.etag or "", stored.sequencer or ""
        return None


class ObjectOther(ObjectEvent):
    """Object Deleted and whatever else S3 tells."""
