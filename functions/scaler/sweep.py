"""Every five minutes: what is over and was not given back, what is due and was not begun, and the headroom of clusters.

The same decision as for every other wake-up, so that a lost schedule delays a change and no more. A service that fails
does not keep the next one from its turn; what failed is raised at the end.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from breakwater.errors import BreakwaterError
from breakwater.journal import Entry
from breakwater.model import Mode, Subject, SubjectKind
from breakwater.policies import HeadroomPolicy, WindowPolicy, lower, matches
from breakwater.store import Key, Value

from .clusters import is_current, names_for
from .headroom import Advise, Nothing, TooBig, Watch, decide_headroom
from .reconcile import AUTOMATION
from .windows import open_claim
from .wiring import Work, wiring

ENOUGH_TIME_MS = 20_000
HEADROOM: Key = ("SCALER", "HEADROOM")
HEADROOM_EVERY = timedelta(minutes=55)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Look after every service of which something is kept or wanted."""
    return respond(wiring(), lambda: context.get_remaining_time_in_millis() > ENOUGH_TIME_MS)


def respond(work: Work, time_left: Callable[[], bool] = lambda: True) -> dict[str, Any]:
    """Sweep once. Raises `BreakwaterError` at the end if something could not be done."""
    if work.settings.mode is Mode.OFF:
        return {"services": 0, "clusters": 0}
    problems: list[str] = []
    now = work.now()
    places = set(work.records.all())
    try:
        places |= set(services_of([window for window in work.policy(now).windows if _is_open(window, now)], work))
    except BreakwaterError as error:
        problems.append(str(error))
    done = 0
    for cluster, service in _in_turn(places, now):
        if not time_left():
            problems.append("there was no time for every service; the next sweep goes on")
            break
        try:
            work.reconcile(cluster, service)
            done += 1
        except BreakwaterError as error:
            problems.append(f"{cluster}/{service}: {error}")
    clusters = _headroom(work, problems) if time_left() else 0
    for problem in problems:
        work.logger.error("the sweep could not do all", problem=problem)
    if problems:
        raise BreakwaterError("; ".join(problems))
    return {"services": done, "clusters": clusters}


def _in_turn(places: Iterable[tuple[str, str]], now: datetime) -> list[tuple[str, str]]:
    """In another order at each sweep: one that runs out of time must not leave out the same services every time."""
    return sorted(places, key=lambda place: sha256(f"{now:%Y-%m-%dT%H:%M} {place}".encode()).digest())


def services_of(windows: Iterable[WindowPolicy], work: Work) -> list[tuple[str, str]]:
    """The services that windows are for. Only a pattern costs calls: an exact name is taken as it is."""
    found: list[tuple[str, str]] = []
    listed: dict[str, list[str]] = {}
    clusters: list[str] | None = None
    for window in windows:
        cluster, _, service = window.match.partition("/")
        if not _is_pattern(window.match):
            found.append((cluster, service))
            continue
        if _is_pattern(cluster):
            clusters = work.clusters.names() if clusters is None else clusters
        for name in (clusters or []) if _is_pattern(cluster) else [cluster]:
            if not matches(cluster, name):
                continue
            if name not in listed:
                listed[name] = work.clusters.services(name)
            found += [(name, each) for each in listed[name] if matches(window.match, f"{name}/{each}")]
    return list(dict.fromkeys(found))


def _is_pattern(text: str) -> bool:
    return "*" in text or "?" in text


def _is_open(window: WindowPolicy, now: datetime) -> bool:
    return window.mode is not Mode.OFF and open_claim(window, now) is not None


def _headroom(work: Work, problems: list[str]) -> int:
    """Once an hour, each cluster that the policy names. One that fails keeps none of the others from its turn."""
    now = work.now()
    policies = [policy for policy in work.policy(now).headroom if policy.mode is not Mode.OFF]
    said = ",".join(f"{policy.match}={policy.mode}" for policy in policies)
    kept = work.table.get_many([HEADROOM]).get(HEADROOM, {})
    before = set(filter(None, str(kept.get("clusters", "")).split(",")))
    if not policies and not before:
        return 0
    if kept.get("policy") == said and int(now.timestamp()) - int(kept["at"]) < HEADROOM_EVERY.total_seconds():
        return 0
    watched: dict[str, HeadroomPolicy] = {}
    failed: list[str] = []
    try:
        for name in work.clusters.names() if policies else ():
            fits = [policy for policy in policies if matches(policy.match, name)]
            watched |= {name: fits[0]} if fits else {}
        for name in sorted(before - watched.keys()):
            _forget(name, work, now)
    except BreakwaterError as error:
        failed.append(f"headroom: {error}")
    for name, policy in watched.items():
        try:
            _watch(name, policy, work, now)
        except BreakwaterError as error:
            failed.append(f"headroom of {name}: {error}")
    problems += failed
    if not failed:
        item: dict[str, Value] = {"at": int(now.timestamp()), "policy": said, "clusters": ",".join(sorted(watched))}
        work.table.put_many([{"pk": HEADROOM[0], "sk": HEADROOM[1], **item}])
    return len(watched)


def _forget(cluster: str, work: Work, now: datetime) -> None:
    """Delete the alarms of a cluster that is gone, or that the policy does not name any more."""
    ours = work.alarms.of(cluster).keys() & set(names_for(cluster))
    if not ours or work.settings.mode is not Mode.ACT:
        return
    work.alarms.delete(ours)
    reason = f"the policy does not name {cluster} any more, or it is gone"
    subject = Subject(SubjectKind.ALARM, f"headroom of {cluster}")
    outcome = f"{len(ours)} alarms deleted"
    work.records.note(Entry(f"headroom-{cluster}", now, AUTOMATION, subject, "nothing", reason, {}, outcome))


def _watch(cluster: str, policy: HeadroomPolicy, work: Work, now: datetime) -> None:
    """Keep the alarms of one cluster as they should be; only a change is written down."""
    decision = decide_headroom(work.clusters.look(cluster))
    found = work.alarms.of(cluster)
    act = lower(work.settings.mode, policy.mode) is Mode.ACT
    outcome, advice = "nothing to change", ""
    match decision:
        case Watch(alarms=alarms, advice=advice):
            stale = [alarm for alarm in alarms if not is_current(alarm, found.get(alarm.name))]
            outcome = f"{len(stale)} alarms set" if act else f"{len(stale)} alarms would be set in mode act"
            for alarm in stale if act else ():
                work.alarms.put(alarm)
            changed = bool(stale)
        case Advise() | TooBig() | Nothing():
            ours = found.keys() & set(names_for(cluster))
            changed = bool(ours)
            if ours and act:
                work.alarms.delete(ours)
                outcome = f"{len(ours)} alarms deleted"
    work.logger.info("headroom", cluster=cluster, reason=decision.reason, advice=advice, outcome=outcome)
    if changed:
        subject = Subject(SubjectKind.ALARM, f"headroom of {cluster}")
        text = f"{decision.reason}. {advice}".strip()
        entry = Entry(
            f"headroom-{cluster}", now, AUTOMATION, subject, type(decision).__name__.lower(), text, {}, outcome
        )
        work.records.note(entry)
