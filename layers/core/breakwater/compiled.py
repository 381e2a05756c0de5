"""The compiled policy: one value with everything in it, resolved, as it lies in the table and as functions ask it.

A document is compiled once, by `policy_sync`; who decides needs neither YAML nor pydantic. A service's rules are those
of the first entry whose glob matches its cluster and name, and the defaults where none does: entries do not add up, so
that one place in the document says all about a service.
"""

from dataclasses import dataclass

from breakwater.model import Mode, Subject, SubjectKind
from breakwater.policies import (
    AlertPolicy,
    BatchPolicy,
    ChannelPolicy,
    CheckPolicy,
    GuardPolicy,
    JobSpec,
    QuietPolicy,
    ReleasePolicy,
    ScalingPolicy,
    UploadSpec,
    matches,
)
from breakwater.wire import dump, load

_ALERT, _GUARD, _RELEASE = AlertPolicy(), GuardPolicy(), ReleasePolicy()
_BATCH, _SCALING = BatchPolicy(), ScalingPolicy()
_ANSWERED_BY = {
    "POST_TEST_TRAFFIC_SHIFT": ("http", "task"),
    "PRE_PRODUCTION_TRAFFIC_SHIFT": ("metrics",),
    "POST_PRODUCTION_TRAFFIC_SHIFT": ("metrics",),
}
"""Which kinds of checks answer a hook at each stage: those of `release_policy`, which fast lanes do not import."""


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """What holds for the services that `match` (`cluster/service`, with `*` and `?` within each) names."""

    match: str
    guard: GuardPolicy = _GUARD
    release: ReleasePolicy = _RELEASE
    checks: tuple[CheckPolicy, ...] = ()
    quiet: tuple[QuietPolicy, ...] = ()


@dataclass(frozen=True, slots=True)
class Compiled:
    """The whole policy. Without any argument it is what holds without a document."""

    alert: AlertPolicy = _ALERT
    channels: tuple[ChannelPolicy, ...] = ()
    others: ServiceRules = ServiceRules("*/*")
    services: tuple[ServiceRules, ...] = ()
    batch: BatchPolicy = _BATCH
    scaling: ScalingPolicy = _SCALING

    def alerts(self) -> AlertPolicy:
        """How loud incidents are."""
        return self.alert

    def channel(self, name: str) -> ChannelPolicy:
        """What a channel is told; everything if the policy does not name it."""
        return next((channel for channel in self.channels if channel.name == name), ChannelPolicy(name))

    def rules_for(self, cluster: str | None, service: str) -> ServiceRules:
        """The first entry that matches a service, or what holds for the others."""
        place = f"{cluster or 'default'}/{service}"
        return next((rules for rules in self.services if matches(rules.match, place)), self.others)

    def guard_for(self, cluster: str | None, service: str) -> GuardPolicy:
        """How far the rollback guard may go for a service."""
        return self.rules_for(cluster, service).guard

    def quiet_for(self, subject: Subject) -> tuple[QuietPolicy, ...]:
        """The quiet hours of what an incident is about: those of a service's entry, of `defaults` for all else."""
        rules = self.rules_for(subject.cluster, subject.name) if subject.kind is SubjectKind.SERVICE else self.others
        return rules.quiet

    def attends(self, cluster: str | None, service: str, stage: str | None) -> bool:
        """Whether a release answers a hook of this service that waits at this stage, whoever deployed."""
        rules = self.rules_for(cluster, service)
        kinds = _ANSWERED_BY.get(stage or "", ())
        return rules.release.mode is Mode.ACT and any(check.kind in kinds for check in rules.checks)

    @property
    def jobs(self) -> tuple[JobSpec, ...]:
        """The scheduled jobs."""
        return self.batch.jobs

    @property
    def uploads(self) -> tuple[UploadSpec, ...]:
        """The routes from objects to runs."""
        return self.batch.uploads

    def dumped(self) -> str:
        """The policy as one line of JSON."""
        return dump(self)


def loaded(text: str) -> Compiled:
    """Read a compiled policy. `BreakwaterError` names what is wrong with the text.

    What a newer version wrote is read as far as it is known here, and what an older one left out has its default.
    """
    return load(Compiled, text)
