"""S3's events: what an object's coming and going puts on the bus, and the policies of buckets.

Objects themselves are moto's. A bucket speaks to the bus only if its notifications to EventBridge are on. An event
comes a second after the call, with an id of its own and a sequencer that rises; moto's own come all with one id.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.s3.models import s3_backends

from sandbox.account import Account
from sandbox.errors import UnsupportedError
from sandbox.iam import Statement

Params = Mapping[str, Any]
DELAY_SECONDS = 1
_CREATED = {
    "PutObject": "PutObject",
    "CopyObject": "CopyObject",
    "CompleteMultipartUpload": "CompleteMultipartUpload",
}
_SERVED = {
    *_CREATED,
    "DeleteObject", "GetObject", "HeadObject", "ListObjectsV2", "ListObjectVersions", "CreateBucket", "HeadBucket",
    "PutBucketNotificationConfiguration", "GetBucketNotificationConfiguration", "PutBucketVersioning",
    "GetBucketVersioning", "CreateMultipartUpload", "UploadPart", "GetBucketLocation", "PutBucketEncryption",
    "GetBucketEncryption", "PutPublicAccessBlock", "GetPublicAccessBlock",
}  # fmt: skip


@dataclass(slots=True, eq=False)
class Buckets:
    """The buckets of the account, beside what moto keeps of them."""

    account: Account
    speaking: set[str] = field(default_factory=set)
    policies: dict[str, tuple[Statement, ...]] = field(default_factory=dict)
    events: int = 0

    def check(self, operation: str) -> None:
        """Refuse an operation whose events or effects nobody thought of."""
        if operation not in _SERVED:
            raise UnsupportedError(f"s3:{operation} is not part of this sandbox")

    def has(self, bucket: str, key: str) -> bool:
        """Whether an object is there."""
        buckets = s3_backends[self.account.id]["aws"].buckets
        return bucket in buckets and buckets[bucket].keys.get(key) is not None

    def policy(self, arn: str) -> tuple[Statement, ...]:
        """The policy of the bucket that an ARN lies in."""
        return self.policies.get(arn.removeprefix("arn:aws:s3:::").partition("/")[0], ())

    def done(self, operation: str, params: Params, answer: Mapping[str, Any]) -> None:
        """Take note of an answered call and say on the bus what S3 would say."""
        bucket = params.get("Bucket", "")
        if operation == "PutBucketNotificationConfiguration":
            on = "EventBridgeConfiguration" in params["NotificationConfiguration"]
            (self.speaking.add if on else self.speaking.discard)(bucket)
        elif bucket in self.speaking and operation in _CREATED:
            self._created(operation, params, answer)
        elif bucket in self.speaking and operation == "DeleteObject":
            kind = "Delete Marker Created" if answer.get("DeleteMarker") else "Permanently Deleted"
            more = {"reason": "DeleteObject", "deletion-type": kind}
            self._say("Object Deleted", bucket, {"key": params["Key"]}, answer.get("VersionId"), more)

    def _created(self, operation: str, params: Params, answer: Mapping[str, Any]) -> None:
        bucket, key = params["Bucket"], params["Key"]
        kept = s3_backends[self.account.id]["aws"].buckets[bucket].keys[key]
        described = {"key": key, "size": kept.size, "etag": kept.etag.strip('"')}
        version = answer.get("VersionId")
        self._say("Object Created", bucket, described, version, {"reason": _CREATED[operation]})

    def _say(self, kind: str, bucket: str, described: dict[str, Any], version: str | None, more: Params) -> None:
        account = self.account
        self.events += 1
        described |= {"sequencer": f"{0x00617F08299329D000 + self.events:018X}"}
        if version and version != "null":
            described["version-id"] = version
        event = {
            "id": account.uuid(),
            "source": "aws.s3",
            "detail-type": kind,
            "time": account.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "resources": [f"arn:aws:s3:::{bucket}"],
            "detail": {
                "version": "0",
                "bucket": {"name": bucket},
                "object": described,
                "request-id": account.uuid()[:16].replace("-", "").upper(),
                "requester": account.id,
                "source-ip-address": "203.0.113.9",
                **more,
            },
        }
        account.clock.call_in(DELAY_SECONDS, lambda: account.bus.put(event), f"{kind} in {bucket}")
