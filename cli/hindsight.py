"""Reading all events of a run once more, those too that no rule let through: why is each silent, and rightly so?

Pure. The rules of `breakwater.diagnosis` judge every event in order of arrival with one memory; a pattern that dropped
something of which a person should have heard shows here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from breakwater.causes_guard import GUARD
from breakwater.diagnosis import Facts, Memory, diagnose
from breakwater.events import Event, HookStateChange, ServiceEvent, TaskStateChange, Unreadable, read
from breakwater.findings import finding_of
from breakwater.incidents import fingerprint
from breakwater.model import Category, Cause, Diagnosis, Finding, Incident
from breakwater.runs import STARTED_BY
from cli.run import JournalLine, Run
from cli.stretch import Canary, Delivery, ServiceAt, Stretch


@dataclass(frozen=True, slots=True)
class Reading:
    """One delivery, judged: `admitted` says whether a rule let it through, `finding` what a person should hear."""

    delivery: Delivery
    admitted: bool
    diagnosis: Diagnosis
    finding: Finding | None
    final: bool


@dataclass(frozen=True, slots=True)
class Silence:
    """Events of one kind that nobody heard of: how many were dropped by a pattern, how many by the code, and why."""

    cause: Cause
    why: str
    dropped: int
    read: int
    stops: int
    example: str


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret of a scenario that came out. Only where; it is not repeated."""

    hidden: str
    found: str


def read_again(stretch: Stretch, run: Run) -> list[Reading]:
    """Judge every delivery of a stretch as the functions would, with all that the account knows."""
    essential = {
        definition["taskDefinitionArn"]: {
            container["name"]: bool(container.get("essential", True))
            for container in definition["containerDefinitions"]
        }
        for definition in stretch.task_definitions
    }
    memory = Memory()
    readings = []
    for position, delivery in enumerate(stretch.deliveries):
        event = read(delivery.event)
        facts = Facts(now=delivery.at, account=stretch.account, region=stretch.region)
        if isinstance(event, TaskStateChange):
            facts = Facts(
                now=delivery.at,
                account=stretch.account,
                region=stretch.region,
                essential=essential.get(event.detail.task_definition_arn or ""),
            )
        elif isinstance(event, ServiceEvent):
            facts = _service_facts(stretch, delivery, event.detail.deployment_id)
        elif isinstance(event, HookStateChange) and stretch.policy is not None:
            attended = stretch.policy.attends(event.cluster, event.service or "", event.detail.lifecycle_stage)
            facts = replace(facts, smoke_test=attended)
        diagnosis = diagnose(event, facts, memory)
        finding = None
        if _of_the_guard(event, diagnosis, delivery, run) or _of_a_release(event, diagnosis, delivery, run):
            diagnosis = replace(diagnosis, category=Category.NONE, cause=Cause.ROUTINE)
        elif diagnosis.any_alert and not isinstance(event, Unreadable) and not _of_a_run(event):
            finding = finding_of(event, diagnosis, delivery.at)
        final = isinstance(event, TaskStateChange) and event.final
        readings.append(Reading(delivery, position in run.admitted, diagnosis, finding, final))
    return readings


def _of_a_run(event: Event) -> bool:
    """Whether it tells of a task of a run: what comes of its attempts is the runner's to tell."""
    return isinstance(event, TaskStateChange) and (event.detail.started_by or "").startswith(STARTED_BY)


def _of_the_guard(event: Event | Unreadable, diagnosis: Diagnosis, delivery: Delivery, run: Run) -> bool:
    """Whether ECS tells of what the rollback guard asked for, by the journal: that is the guard's to tell."""
    if not isinstance(event, ServiceEvent) or diagnosis.cause is not Cause.UNKNOWN:
        return False
    asked = [line.evidence for line in _journalled(event, "roll back", delivery, run)]
    if diagnosis.category is Category.DEPLOYMENT_FAILED:
        return any(evidence.get("fence") == event.detail.deployment_id for evidence in asked)
    way_back = diagnosis.category is Category.DEPLOYMENT_ROLLED_BACK
    return way_back and any(evidence.get("call") == "StopServiceDeployment" for evidence in asked)


def _of_a_release(event: Event | Unreadable, diagnosis: Diagnosis, delivery: Delivery, run: Run) -> bool:
    """Whether ECS tells of a deployment that a release sent back, by the journal: that is the release's to tell."""
    if isinstance(event, HookStateChange):
        named = event.detail.service_deployment_arn or event.resource
        sent = _journalled(event, "go back", delivery, run) if diagnosis.cause is Cause.HOOK_FAILED else []
        return any(line.evidence.get("service_deployment") == named for line in sent)
    if not isinstance(event, ServiceEvent) or diagnosis.cause is not Cause.UNKNOWN:
        return False
    sent = _journalled(event, "go back", delivery, run)
    if diagnosis.category is Category.DEPLOYMENT_FAILED:
        return any(line.evidence.get("deployment") == event.detail.deployment_id for line in sent)
    way_back = diagnosis.category is Category.DEPLOYMENT_ROLLED_BACK
    return way_back and any(delivery.at - line.at < timedelta(minutes=10) for line in sent)


def _journalled(
    event: ServiceEvent | HookStateChange, decision: str, delivery: Delivery, run: Run
) -> list[JournalLine]:
    """What the journal has by then of a decision about the service of an event."""
    about = (f"{event.cluster}/{event.service}", decision)
    return [line for line in run.journal if (line.subject, line.decision) == about and line.at <= delivery.at]


def _service_facts(stretch: Stretch, delivery: Delivery, deployment: str | None) -> Facts:
    """A failed deployment is judged by what DescribeServices answers when the event arrives."""
    resources = delivery.event.get("resources") or [""]
    state = _latest(stretch.services, str(resources[0]), delivery.at)
    primary: Mapping[str, Any] = next(iter(state.get("deployments", [])), {})
    rolling = primary.get("id") if primary.get("rolloutState") != "COMPLETED" else None
    return Facts(
        now=delivery.at,
        account=stretch.account,
        region=stretch.region,
        deployment_in_progress=rolling if rolling == deployment else None,
    )


def _latest(services: Iterable[ServiceAt], arn: str, at: datetime) -> Mapping[str, Any]:
    states = [state.service for state in services if state.service.get("serviceArn") == arn and state.at <= at]
    return states[-1] if states else {}


def missed(readings: Iterable[Reading]) -> list[Reading]:
    """Deliveries that a person should have heard of and that no rule let through."""
    return [reading for reading in readings if reading.finding and not reading.admitted]


_OWN = frozenset({Category.POLICY_REJECTED, Category.RUN_FAILED, Category.UPLOAD_FAILED, Category.SCALE_ATTENTION})
_OF_RELEASES = frozenset({Cause.RELEASE_ASKS, Cause.RELEASE_RETURNED, Cause.RELEASE_UNSETTLED, Cause.RELEASED})


def of_events(incident: Incident) -> bool:
    """Whether events make this incident by the rules alone (task_alerts).

    Others tell what Breakwater did, found or decided: those of the guard and of releases by their causes, those of the
    policy, of runs and of the scaler by their categories. No event says them, so they are in no count of events; what a
    scenario expects of them it says itself.
    """
    return incident.category not in _OWN and incident.cause not in {*GUARD, *_OF_RELEASES}


def failures(readings: Iterable[Reading]) -> int:
    """How many distinct facts there are that a person should hear of, counted into some incident."""
    return len({reading.finding.identity for reading in readings if reading.finding})


def fingerprints(readings: Iterable[Reading]) -> set[str]:
    """The incidents that these events make, by the rules alone."""
    return {fingerprint(reading.finding) for reading in readings if reading.finding}


_WHY = {
    Cause.NOT_FINAL: "A task on its way up or down. It has not ended, so there is nothing to judge yet.",
    Cause.ROUTINE: "Everyday news of services, deployments and container instances.",
    Cause.SCALE_IN: "The scheduler wanted the stop: a replacement or a scale-in. Its exit codes mean nothing.",
    Cause.USER_STOP: "Somebody stopped the task. What they wrote as the reason is no evidence.",
    Cause.SUCCESS: "Work that was done: batch tasks that ended with 0, deployments that completed.",
    Cause.SPOT_INTERRUPTION: "Spot took a task that a service replaces by itself.",
    Cause.MAINTENANCE: "AWS retired a host; the service started another task before.",
    Cause.HOST_TERMINATED: "A host was terminated; the service replaces its tasks.",
    Cause.INFRASTRUCTURE: "The infrastructure lost a task that a service replaces by itself.",
    Cause.RECOVERED: "An alarm that is over.",
    Cause.DRAIN: "A container instance that is emptied on purpose.",
    Cause.DUPLICATE: "The same fact again, under another id. It was counted once.",
    Cause.STALE: "Older news of a task that has ended, delivered after its end.",
    Cause.FOREIGN: "An event of another account or Region.",
    Cause.MALFORMED: "Not an event of ECS as AWS documents it.",
    Cause.UNKNOWN: "A kind of event that Breakwater does not know.",
    Cause.EXITED_ZERO: "A service's container that ended with 0.",
}


def silences(readings: Sequence[Reading]) -> list[Silence]:
    """What nobody heard of, by cause, the most frequent first."""
    groups: dict[Cause, list[Reading]] = {}
    for reading in readings:
        if not reading.finding:
            groups.setdefault(reading.diagnosis.cause, []).append(reading)
    table = [
        Silence(
            cause=cause,
            why=_WHY.get(cause, group[0].diagnosis.reason),
            dropped=sum(not reading.admitted for reading in group),
            read=sum(reading.admitted for reading in group),
            stops=sum(reading.final for reading in group),
            example=group[len(group) // 2].diagnosis.reason,
        )
        for cause, group in groups.items()
    ]
    return sorted(table, key=lambda silence: (-(silence.dropped + silence.read), silence.cause))


def leaks(run: Run, canaries: Iterable[Canary], also: Iterable[tuple[str, str]] = ()) -> list[Leak]:
    """Where a canary came out: messages, log lines, items of the table, and what else is given as (name, text)."""
    texts = [(written.where, written.text) for written in run.written]
    texts += [*also]
    return [Leak(canary.where, where) for canary in canaries for where, text in texts if canary.value in text]
