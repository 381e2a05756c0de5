"""Rule 10: whether an object in S3 starts a job. Only "Object Created" may."""

import re
from dataclasses import replace

from breakwater.events import ObjectCreated, ObjectEvent
from breakwater.model import Action, Cause, Diagnosis

from .facts import Facts, Upload
from .memory import Memory
from .wording import name, nothing, quote

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def diagnose_upload(event: ObjectCreated, facts: Facts, memory: Memory) -> Diagnosis:
    """Run the first job whose entry fits; the same object a second time starts nothing."""
    what = f"Object {quote(event.key, limit=120) or 'without a key'} in {name(event.bucket, 'a bucket without a name')}"
    if event.source != "aws.s3":
        return refused(f"{what} was not announced by S3.")
    identity = event.identity
    if identity and memory.met(("object", *identity)):
        return nothing(Cause.DUPLICATE, f"{what} has been seen before.")
    run = run_of_upload(event, facts)
    if run is None:
        return refused(f"{what} fits no upload that may start a job.")
    return _acting(Action.RUN_TASK, nothing(Cause.UPLOAD, f"{what} starts job {name(run, 'without a name')}."))


def diagnose_other_object_event(event: ObjectEvent, facts: Facts) -> Diagnosis:
    """Refuse deletions and whatever else S3 tells: they never start a task."""
    return refused(f"{name(event.detail_type, 'This')} is no new object: it starts nothing.")


def run_of_upload(event: ObjectCreated, facts: Facts) -> str | None:
    """The job that an object starts: that of the first entry that fits."""
    return next((entry.run for entry in facts.uploads if fits(event, entry)), None)


def fits(event: ObjectCreated, entry: Upload) -> bool:
    """Whether an object may start this entry's job. The key is taken as it stands."""
    key = event.key
    return (
        bool(key)
        and key is not None
        and event.bucket == entry.bucket
        and key.startswith(entry.prefix)
        and key.endswith(entry.suffix)
        and not key.endswith("/")
        and ".." not in key.split("/")
        and not _CONTROL.search(key)
        and not key.startswith(entry.outputs)
        and (event.size != 0 or entry.allow_empty)
        and _allowed(key, entry.allowed_key)
    )


def _allowed(key: str, pattern: str | None) -> bool:
    """Match the whole key; a pattern that is none allows nothing."""
    if pattern is None:
        return True
    try:
        return re.fullmatch(pattern, key) is not None
    except (re.error, RecursionError, OverflowError):
        return False


def refused(reason: str, cause: Cause = Cause.REFUSED) -> Diagnosis:
    """An event that asks for something and does not get it."""
    return _acting(Action.REFUSE, nothing(cause, reason))


def _acting(action: Action, diagnosis: Diagnosis) -> Diagnosis:
    return replace(diagnosis, action=action)
