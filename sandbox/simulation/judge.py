"""Is it as expected? Each expectation becomes one line: what was wanted, whether it is so, and what was found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import singledispatch
from typing import Any

from breakwater.model import Incident, IncidentStatus
from sandbox.patterns import compile_pattern
from sandbox.simulation import expectations
from sandbox.simulation.evidence import Evidence
from sandbox.simulation.expectations import DeadLetters, FunctionErrors
from sandbox.simulation.parts import written
from sandbox.simulation.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Verdict:
    """One expectation, judged."""

    name: str
    ok: bool
    found: str


@dataclass(frozen=True, slots=True)
class Case:
    """What a judge has before him."""

    scenario: Scenario
    evidence: Evidence


def judge(scenario: Scenario, evidence: Evidence) -> list[Verdict]:
    """Judge what a scenario says: its troubles, and every expectation in its order."""
    case = Case(scenario, evidence)
    return [*(_troubles(case) if scenario.troubles else ()), *_expected(case)]


def _expected(case: Case) -> Iterator[Verdict]:
    for trouble, _, expectation in case.scenario.expected():
        judged = verdict(expectation.claim, case)
        yield Verdict(f"{trouble}: {judged.name}", judged.ok, judged.found) if trouble else judged


def usual(scenario: Scenario, evidence: Evidence) -> list[Verdict]:
    """Judge what holds for each scenario that does not say otherwise."""
    case, claims = Case(scenario, evidence), [one.claim for _, _, one in scenario.expected()]
    wanted = (FunctionErrors(exactly=0), DeadLetters(exactly=0))
    found = [verdict(each, case) for each in wanted if not any(isinstance(claim, type(each)) for claim in claims)]
    if scenario.canaries:
        leaks = evidence.told.leaks
        found.append(Verdict("no canary came out", not leaks, f"{len(leaks)} leaks{_listed(leaks)}"))
    return found


def _troubles(case: Case) -> Iterator[Verdict]:
    """All of a scenario's troubles together: each line counts, and names what is wrong."""
    troubles, incidents = case.scenario.troubles, case.evidence.told.incidents
    wanted = {str(tells): tells for trouble in troubles.values() for tells in trouble.incidents}
    untold = [name for name, tells in wanted.items() if not any(map(tells.is_told_by, incidents))]
    yield Verdict(
        "every trouble was told", not untold, f"{len(wanted) - len(untold)} of {len(wanted)}{_listed(untold)}"
    )
    claimed = _claimed(case)
    invented = [
        f"{one.subject} {one.category}/{one.cause}"
        for one in incidents
        if not any(tells.is_told_by(one) for tells in wanted.values())
        and not any(_fitting(claim, (one,)) for claim in claimed)
    ]
    yield Verdict("nothing normal was told", not invented, f"{len(invented)} false alerts{_listed(invented)}")
    going = [str(one.subject) for one in incidents if one.status is IncidentStatus.OPEN]
    yield Verdict("everything was resolved in the end", not going, f"{len(going)} still open{_listed(going)}")
    yield from _in_time(case)


def _claimed(case: Case) -> list[expectations.IncidentIs]:
    """The incidents that expectations name, but those that they rule out."""
    named = [one.incident for _, _, one in case.scenario.expected() if one.incident is not None]
    return [each for each in named if each.exactly != 0]


def _in_time(case: Case) -> Iterator[Verdict]:
    timed = {name: trouble for name, trouble in case.scenario.troubles.items() if trouble.over is not None}
    late = []
    for name, trouble in timed.items():
        due = case.scenario.start + trouble.at + (trouble.over or timedelta(0))
        mine = [one for one in case.evidence.told.incidents if any(each.is_told_by(one) for each in trouble.incidents)]
        if any(one.resolved_at is None or one.resolved_at > due for one in mine):
            late.append(f"{name} was not over at {due:%H:%M}")
    if timed:
        found = f"{len(timed) - len(late)} of {len(timed)}{_listed(late)}"
        yield Verdict("every trouble was over when its story says", not late, found)


@singledispatch
def verdict(claim: expectations.Claim, case: Case) -> Verdict:
    """Judge one expectation. Raises `TypeError` for what is none."""
    raise TypeError(f"{type(claim).__name__} is no expectation: nothing judges it")


@verdict.register
def _(claim: expectations.ServiceIs, case: Case) -> Verdict:
    state = case.evidence.services[claim.name]
    wanted = {key: getattr(claim, key) for key in claim.model_fields_set - {"name"}}
    found = {key: getattr(state, key) for key in wanted}
    order = [key for key in type(claim).model_fields if key in wanted]
    return Verdict(
        f"{claim.name}: {_pairs((key, wanted[key]) for key in order)}",
        wanted == found,
        _pairs((key, found[key]) for key in order),
    )


@verdict.register
def _(claim: expectations.IncidentIs, case: Case) -> Verdict:
    found = _fitting(claim, case.evidence.told.incidents)
    counted = f", failures {claim.failures.wanted()}" if claim.failures else ""
    return Verdict(
        f"incident {_about(claim)}{counted}: {claim.wanted()}", claim.hold(len(found)), _shown(found) or "none"
    )


@verdict.register
def _(claim: expectations.JournalIs, case: Case) -> Verdict:
    found = [
        f"{one.automation}: {one.decision} ({one.subject}, {one.outcome})"
        for one in case.evidence.told.journal
        if claim.automation in (None, one.automation)
        and claim.subject in (None, one.subject)
        and (claim.decision is None or one.decision.startswith(claim.decision))
        and claim.outcome in (None, one.outcome)
    ]
    parts = (claim.automation, claim.subject, claim.decision, claim.outcome)
    about = " ".join(part for part in parts if part is not None) or "of any kind"
    return _counted(f"journal {about}", claim, found)


@verdict.register
def _(claim: expectations.RunIs, case: Case) -> Verdict:
    wanted = {key: getattr(claim, key) for key in ("outcome", "attempts", "exit_code")}
    wanted = {key: value for key, value in wanted.items() if value is not None}
    mine = [one for one in case.evidence.runs if one.name == claim.name]
    found = [one for one in mine if all(getattr(one, key) == value for key, value in wanted.items())]
    shown = [f"{one.outcome}, attempts {one.attempts}, exit code {one.exit_code}" for one in found or mine]
    about = f" with {_pairs(wanted.items())}" if wanted else ""
    return Verdict(
        f"runs of {claim.name}{about}: {claim.wanted()}", claim.hold(len(found)), f"{len(found)}{_listed(shown)}"
    )


@verdict.register
def _(claim: expectations.RowIs, case: Case) -> Verdict:
    rows = case.evidence.rows[claim.table]
    found = [row for row in rows if claim.item.items() <= row.items()]
    about = f" with {_pairs(claim.item.items())}" if claim.item else ""
    shown = [_pairs(row.items()) for row in found or rows]
    return Verdict(
        f"rows of {claim.table}{about}: {claim.wanted()}", claim.hold(len(found)), f"{len(found)}{_listed(shown)}"
    )


@verdict.register
def _(claim: expectations.SurgesKept, case: Case) -> Verdict:
    cluster = case.scenario.services[claim.service].cluster if claim.service else ""
    found = [one for one in case.evidence.surges if claim.service is None or one == f"{cluster}/{claim.service}"]
    return _counted(f"surges that last{f' of {claim.service}' if claim.service else ''}", claim, found)


@verdict.register
def _(claim: expectations.ReleaseIs, case: Case) -> Verdict:
    subject = f"{case.scenario.services[claim.service].cluster}/{claim.service}"
    mine = [one for one in case.evidence.releases if one.service == subject]
    found = [
        one
        for one in mine
        if claim.result in (None, one.result)
        and (claim.revision is None or one.revision.endswith(f":{claim.revision}"))
        and (claim.reason is None or claim.reason in one.reason)
    ]
    wanted = {"result": claim.result, "revision": claim.revision, "reason": claim.reason}
    given = {key: value for key, value in wanted.items() if value is not None}
    about = f" with {_pairs(given.items())}" if given else ""
    shown = [f"{one.revision} {one.result or 'goes on'}: {one.reason}" for one in found or mine]
    return Verdict(
        f"releases of {claim.service}{about}: {claim.wanted()}", claim.hold(len(found)), f"{len(found)}{_listed(shown)}"
    )


@verdict.register
def _(claim: expectations.NothingElse, case: Case) -> Verdict:
    claimed = _claimed(case)
    tells = [each for trouble in case.scenario.troubles.values() for each in trouble.incidents]
    others = [
        incident
        for incident in case.evidence.told.incidents
        if not any(_fitting(each, (incident,)) for each in claimed)
        and not any(each.is_told_by(incident) for each in tells)
    ]
    return Verdict("no other incident" if claimed or tells else "no incident", not others, _shown(others) or "none")


@verdict.register
def _(claim: expectations.Notices, case: Case) -> Verdict:
    number = case.evidence.told.messages
    return Verdict(f"messages: {claim.wanted()}", claim.hold(number), str(number))


@verdict.register
def _(claim: expectations.DeadLetters, case: Case) -> Verdict:
    return _counted("dead letters", claim, case.evidence.told.dead_letters)


@verdict.register
def _(claim: expectations.FunctionErrors, case: Case) -> Verdict:
    return _counted("failed runs of functions", claim, case.evidence.told.errors)


@verdict.register
def _(claim: expectations.Events, case: Case) -> Verdict:
    pattern = compile_pattern(claim.pattern)
    number = sum(pattern.matches(event) for event in case.evidence.events)
    kinds = claim.pattern.get("detail-type", ["events"])
    rest = {key: value for key, value in claim.pattern.items() if key not in ("detail-type", "source")}
    what = ", ".join(map(str, kinds)) + (f" with {rest.get('detail', rest)}" if rest else "")
    return Verdict(f"{what}: {claim.wanted()}", claim.hold(number), str(number))


@verdict.register
def _(claim: expectations.Weights, case: Case) -> Verdict:
    found = case.evidence.weights[claim.load_balancer, claim.rule]
    wanted = {group: weight for group, weight in claim.weights.items() if found.get(group, 0) != weight}
    return Verdict(
        f"weights of {claim.load_balancer}/{claim.rule}: {_pairs(claim.weights.items())}",
        not wanted,
        _pairs(found.items()),
    )


@verdict.register
def _(claim: expectations.Reaches, case: Case) -> Verdict:
    rule = case.evidence.routes[claim.where]
    groups = [group for group, weight in case.evidence.weights[claim.load_balancer, rule].items() if weight]
    behind = {group: case.evidence.healthy[group] for group in groups}
    ok = bool(groups) and all(found and set(found) == {claim.service} for found in behind.values())
    found = "; ".join(f"{rule} → {group}: {_names(behind[group])}" for group in groups)
    return Verdict(f"{claim.path} on {claim.load_balancer} reaches {claim.service}", ok, found or f"{rule} → nothing")


@verdict.register
def _(claim: expectations.Requests, case: Case) -> Verdict:
    found = case.evidence.requests[claim.where]
    by = f", answered by {claim.answered_by}" if claim.answered_by else ""
    answered = claim.answered_by is None or found.answered_by == (claim.answered_by,)
    shares = {name: found.revisions.get(name, 0) for name in claim.revisions}
    at = "".join(f", to {name}: {bounds.wanted()}" for name, bounds in claim.revisions.items())
    seen = "".join(f", {count} to {name}" for name, count in shares.items())
    return Verdict(
        f"requests for {claim.path} to {claim.load_balancer}/{claim.listener}{by}, failed: {claim.failed.wanted()}{at}",
        claim.failed.hold(found.failed)
        and answered
        and found.sent > 0
        and all(bounds.hold(shares[name]) for name, bounds in claim.revisions.items()),
        f"{found.failed} of {found.sent} failed, answered by {', '.join(found.answered_by) or 'nobody'}{seen}",
    )


@verdict.register
def _(claim: expectations.Downtime, case: Case) -> Verdict:
    found = case.evidence.downtime[claim.service]
    most = "" if claim.at_most is None else f" at most {written(claim.at_most)}"
    least = f" at least {written(claim.at_least)}" if claim.at_least else ""
    ok = claim.at_least <= found and (claim.at_most is None or found <= claim.at_most)
    return Verdict(f"{claim.service} without a healthy task:{least}{most}", ok, written(found))


@verdict.register
def _(claim: expectations.InOrder, case: Case) -> Verdict:
    found = case.evidence.statuses.get(claim.service, ())
    rest = iter(found)
    ok = all(status in rest for status in claim.statuses)
    return Verdict(f"deployments of {claim.service}: {' → '.join(claim.statuses)}", ok, " → ".join(found) or "none")


# ── in words ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _listed(names: Sequence[str]) -> str:
    return f": {'; '.join(names[:3])}{' …' if len(names) > 3 else ''}" if names else ""


def _counted(what: str, claim: expectations.Bounds, found: Sequence[str]) -> Verdict:
    first = f": {found[0]}" if found else ""
    return Verdict(f"{what}: {claim.wanted()}", claim.hold(len(found)), f"{len(found)}{first}")


def _fitting(claim: expectations.IncidentIs, incidents: Sequence[Incident]) -> list[Incident]:
    return [
        incident
        for incident in incidents
        if claim.subject in (None, str(incident.subject))
        and claim.category in (None, incident.category)
        and claim.cause in (None, incident.cause)
        and claim.severity in (None, incident.severity)
        and claim.status in (None, incident.status.value)
        and (claim.failures is None or claim.failures.hold(incident.count))
    ]


def _about(claim: expectations.IncidentIs) -> str:
    parts = (claim.subject, claim.severity, claim.category, claim.cause, claim.status)
    return " ".join(str(part) for part in parts if part is not None) or "of any kind"


def _shown(incidents: Sequence[Incident]) -> str:
    return "; ".join(
        f"{one.subject} {one.severity} {one.category} {one.cause} {one.status} ({one.count})" for one in incidents
    )


def _pairs(pairs: Iterator[tuple[str, object]] | Any) -> str:
    return ", ".join(f"{key} {value}" for key, value in pairs) or "nothing asked"


def _names(services: Sequence[str]) -> str:
    return ", ".join(f"{services.count(name)} of {name}" for name in sorted(set(services))) or "nothing healthy"
