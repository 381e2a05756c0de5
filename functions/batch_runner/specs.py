"""The jobs and uploads of the policy as batch_runner asks for them. Pure."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from breakwater.diagnosis import Facts, Job, Upload
from breakwater.model import Mode
from breakwater.policies import BatchPolicy, JobSpec, RunRules, UploadSpec, lower

Spec = JobSpec | UploadSpec


@dataclass(frozen=True, slots=True)
class Specs:
    """What the policy says of batch work. `mode` is the stack's: no job may do more than it."""

    policy: BatchPolicy
    mode: Mode
    by_name: dict[str, Spec] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {spec.name: spec for spec in self.every})

    @property
    def every(self) -> tuple[Spec, ...]:
        """All of them."""
        return (*self.policy.jobs, *self.policy.uploads)

    def of(self, name: str) -> Spec | None:
        """The job or upload of this name."""
        return self.by_name.get(name)

    def mode_of(self, spec: Spec) -> Mode:
        """The lower of the stack's mode and its own."""
        return lower(self.mode, spec.rules.mode)

    def facts(self, now: datetime, account: str, region: str) -> Facts:
        """What decides whether an event may start something. No task starts one with what it writes itself."""
        outputs: dict[str, set[str]] = {}
        for upload in self.policy.uploads:
            outputs.setdefault(upload.bucket, set()).update(upload.output_prefixes)
        return Facts(
            now=now,
            account=account,
            region=region,
            uploads=tuple(
                _entry(upload, outputs[upload.bucket]) for upload in self.policy.uploads if self._watched(upload)
            ),
            jobs=tuple(Job(job.name, job.schedule_arn) for job in self.policy.jobs if self._watched(job)),
        )

    def _watched(self, spec: Spec) -> bool:
        return self.mode_of(spec) is not Mode.OFF


def _entry(upload: UploadSpec, outputs: set[str]) -> Upload:
    return Upload(
        upload.bucket,
        upload.name,
        upload.prefix,
        upload.suffix,
        upload.allowed_key,
        upload.allow_empty,
        tuple(sorted(outputs)),
    )


def rules_of(spec: Spec | None) -> RunRules:
    """The rules of a run. What is no longer in the policy is not tried again, but what runs is still watched."""
    return spec.rules if spec else replace(RunRules(), retry=replace(RunRules().retry, attempts=1))


def providers_of(spec: Spec | None) -> int:
    """On how many capacity providers its task may be tried."""
    return len(spec.task.capacity_providers) if spec else 0


def scrubbed(spec: Spec | None) -> tuple[str, ...]:
    """What the policy hands to the task and nobody may be shown, should its log repeat it."""
    return tuple(value for _, value in spec.task.environment) if spec else ()
