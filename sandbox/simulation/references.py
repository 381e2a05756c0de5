"""Whether the names in a scenario file name something in it. Everything is looked at; each problem has its path."""

import json
from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from sandbox.simulation import actions, mishaps
from sandbox.simulation.account import Attachment, LoadBalancer
from sandbox.simulation.expectations import (
    Downtime,
    InOrder,
    Reaches,
    ReleaseIs,
    Requests,
    RowIs,
    RunIs,
    ServiceIs,
    SurgesKept,
    Weights,
)
from sandbox.simulation.parts import written

if TYPE_CHECKING:
    from sandbox.simulation.scenario import Scenario

LONGEST = timedelta(days=31)
"""A recording is as long at most; the sweeps alone are nine thousand runs in that time."""
Where = tuple[str | int, ...]
Problem = tuple[Where, str]


def problems(scenario: "Scenario") -> Iterator[Problem]:
    """All that does not fit together."""
    if not scenario.expect and not scenario.troubles:
        yield ("expect",), "a scenario expects something"
    if scenario.lasts > LONGEST:
        yield ("timeline",), f"it lasts {written(scenario.lasts)} in all, and {written(LONGEST)} is the most"
    for image in scenario.answers:
        yield from _known(("answers", image), "image", image, scenario.images)
    yield from _group_names(scenario)
    for name, balancer in scenario.account.load_balancers.items():
        yield from _forwards(("account", "load_balancers", name), balancer)
    yield from _services(scenario)
    yield from _images(scenario)
    yield from _timeline(scenario)
    yield from _normal(scenario)
    yield from _hidden(scenario)
    yield from _expectations(scenario)


def rules(scenario: "Scenario", balancer: str) -> dict[str, dict[str, int]]:
    """The weights of a load balancer's rules by their name: listener and path, or the listener alone."""
    found: dict[str, dict[str, int]] = {}
    for name, listener in scenario.account.load_balancers[balancer].listeners.items():
        found |= {f"{name}{rule.path}": dict(rule.forward) for rule in listener.rules}
        found[name] = dict(listener.default)
    return found


def _known(where: Where, what: str, name: str | None, there: Collection[str]) -> Iterator[Problem]:
    if name is not None and name not in there:
        known = f"there is {', '.join(sorted(there))}" if there else "there is none"
        yield where, f'no {what} is called "{name}"; {known}'


# ── the account and its services ────────────────────────────────────────────────────────────────────────────────────


def _group_names(scenario: "Scenario") -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for name, balancer in scenario.account.load_balancers.items():
        for group in balancer.target_groups:
            if owners.setdefault(group, name) != name:
                where = ("account", "load_balancers", name, "target_groups", group)
                yield where, f"an account has a name of a target group once, and {owners[group]} has this one"


def _forwards(here: Where, balancer: LoadBalancer) -> Iterator[Problem]:
    for port, listener in balancer.listeners.items():
        where = (*here, "listeners", port)
        for group in listener.default:
            yield from _known((*where, "default", group), "target group", group, balancer.target_groups)
        for number, rule in enumerate(listener.rules):
            for group in rule.forward:
                there = (*where, "rules", number, "forward", group)
                yield from _known(there, "target group", group, balancer.target_groups)


def _services(scenario: "Scenario") -> Iterator[Problem]:
    for name, service in scenario.services.items():
        here = ("services", name)
        yield from _known((*here, "task"), "task definition", service.task, scenario.task_definitions)
        yield from _known((*here, "cluster"), "cluster", service.cluster, scenario.account.clusters)
        definition = scenario.task_definitions.get(service.task)
        if definition is not None and service.on_fargate and definition.network_mode != "awsvpc":
            yield here, f"Fargate needs network_mode awsvpc, and {service.task} has {definition.network_mode}"
        for number, attached in enumerate(service.load_balancers):
            yield from _attachment(scenario, (*here, "load_balancers", number), attached)


def _attachment(scenario: "Scenario", here: Where, attached: Attachment) -> Iterator[Problem]:
    balancers, name = scenario.account.load_balancers, attached.load_balancer
    yield from _known((*here, "load_balancer"), "load balancer", name, balancers)
    if name in balancers:
        groups, there = balancers[name].target_groups, rules(scenario, name)
        yield from _known((*here, "target_group"), "target group", attached.target_group, groups)
        yield from _known((*here, "alternate"), "target group", attached.alternate, groups)
        yield from _known((*here, "production_rule"), "rule", attached.production_rule, there)
        yield from _known((*here, "test_rule"), "rule", attached.test_rule, there)
        if (attached.alternate is None) != (attached.production_rule is None):
            yield here, "alternate and production_rule go together"


def _images(scenario: "Scenario") -> Iterator[Problem]:
    there: dict[Where, str | None] = {
        ("task_definitions", family, "containers", name, "image"): container.image
        for family, definition in scenario.task_definitions.items()
        for name, container in definition.containers.items()
    }
    for _, where, step in scenario.planned():
        there[(*where, step.name, "image")] = getattr(step.action, "image", None)
    for place, image in there.items():
        yield from _known(place, "image", image, scenario.images)
    for image in scenario.images:
        if image not in there.values():
            yield ("images", image), "nothing uses this image"


# ── the timeline ────────────────────────────────────────────────────────────────────────────────────────────────────


def _timeline(scenario: "Scenario") -> Iterator[Problem]:
    latest: dict[Where, timedelta] = {}
    for _, where, step in scenario.planned():
        before = latest.get(where[:-1], timedelta(0))
        if step.at < before:
            yield (*where, "at"), "earlier than the step before it"
        latest[where[:-1]] = max(before, step.at)
        yield from _step(scenario, (*where, step.name), step.action)


def _normal(scenario: "Scenario") -> Iterator[Problem]:
    here, normal = ("normal",), scenario.normal
    for number, name in enumerate(normal.spared):
        yield from _known((*here, "spared", number), "service", name, scenario.services)
    for number, run in enumerate(normal.runs):
        yield from _step(scenario, (*here, "runs", number), run)
    for needs, what in (("runs", "jobs"), ("alarms", "calm_alarms")):
        if getattr(normal, what) and not getattr(normal, needs):
            yield (*here, what), f"{needs} says which, and is empty"


def _hidden(scenario: "Scenario") -> Iterator[Problem]:
    """A canary that is hidden nowhere would never be found."""
    if scenario.canaries:
        text = scenario.model_dump_json(exclude={"canaries"})
        for where, secret in scenario.canaries.items():
            if json.dumps(secret, ensure_ascii=False)[1:-1] not in text:
                yield ("canaries", where), "the scenario has this text nowhere"


def _step(scenario: "Scenario", here: Where, action: actions.Action) -> Iterator[Problem]:
    yield from _known((*here, "service"), "service", getattr(action, "service", None), scenario.services)
    yield from _known((*here, "task"), "task definition", getattr(action, "task", None), scenario.task_definitions)
    yield from _known((*here, "cluster"), "cluster", getattr(action, "cluster", None), scenario.account.clusters)
    yield from _named(scenario, here, action)
    if isinstance(action, mishaps.SpotInterruption) and action.service in scenario.services:
        provider = scenario.services[action.service].capacity_provider
        if provider != "FARGATE_SPOT":
            yield (*here, "service"), f"{action.service} is not on FARGATE_SPOT"
    if isinstance(action, actions.Deploy):
        yield from _deployable(here, action)


def _named(scenario: "Scenario", here: Where, action: actions.Action) -> Iterator[Problem]:
    match action:
        case mishaps.DependencyOutage():
            for place, name in enumerate(action.services):
                yield from _known((*here, "services", place), "service", name, scenario.services)
        case mishaps.SecretOutage():
            for place, name in enumerate(action.secrets):
                yield from _known((*here, "secrets", place), "secret", name, scenario.secrets)
        case actions.Upload():
            yield from _known((*here, "bucket"), "bucket", action.bucket, scenario.account.buckets)
        case actions.PutEvent():
            yield from _known(
                (*here, "file"), "event", action.file, [path.stem for path in actions.EVENTS.glob("*.json")]
            )
        case actions.SetWeights():
            yield from _rule(scenario, here, action)
        case actions.SendRequests():
            yield from _listener(scenario, here, action)


def _deployable(here: Where, action: actions.Deploy) -> Iterator[Problem]:
    given = [name for name in ("image", "revision", "force", "deployment") if getattr(action, name)]
    if not given:
        yield here, "nothing to deploy: give image, revision, force or deployment"
    elif len({*given} - {"deployment"}) > 1:
        yield here, "image, revision and force exclude each other"


# ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _expectations(scenario: "Scenario") -> Iterator[Problem]:
    for _, where, expectation in scenario.expected():
        here, claim = (*where, expectation.name), expectation.claim
        match claim:
            case ServiceIs():
                yield from _known((*here, "name"), "service", claim.name, scenario.services)
            case Downtime() | InOrder() | SurgesKept() | ReleaseIs():
                yield from _known((*here, "service"), "service", claim.service, scenario.services)
            case RunIs():
                yield from _known((*here, "name"), "job or upload", claim.name, [*_batch(scenario)])
            case RowIs():
                yield from _known((*here, "table"), "table", claim.table, scenario.account.tables)
            case Weights():
                yield from _rule(scenario, here, claim)
            case Reaches():
                yield from _known((*here, "service"), "service", claim.service, scenario.services)
                yield from _listener(scenario, here, claim)
            case Requests():
                yield from _requests(scenario, here, claim)


def _requests(scenario: "Scenario", here: Where, claim: Requests) -> Iterator[Problem]:
    yield from _known((*here, "answered_by"), "service", claim.answered_by, scenario.services)
    yield from _listener(scenario, here, claim)
    if claim.where not in [getattr(step.action, "where", None) for _, _, step in scenario.planned()]:
        yield here, "no step sends such requests"
    for name in claim.revisions:
        yield from _known((*here, "revisions", name), "family", name.rpartition(":")[0], scenario.task_definitions)


def _batch(scenario: "Scenario") -> Iterator[str]:
    """The names of the policy's jobs and uploads; what is wrong with it is policy_sync's to say."""
    for key in ("jobs", "uploads"):
        listed = (scenario.policy or {}).get(key)
        for one in listed if isinstance(listed, list) else ():
            if isinstance(one, dict):
                yield str(one.get("name"))


def _listener(scenario: "Scenario", here: Where, named: actions.SendRequests | Reaches | Requests) -> Iterator[Problem]:
    balancers = scenario.account.load_balancers
    yield from _known((*here, "load_balancer"), "load balancer", named.load_balancer, balancers)
    if named.load_balancer in balancers:
        listeners = balancers[named.load_balancer].listeners
        yield from _known((*here, "listener"), "listener", named.listener, listeners)


def _rule(scenario: "Scenario", here: Where, named: actions.SetWeights | Weights) -> Iterator[Problem]:
    balancers, name = scenario.account.load_balancers, named.load_balancer
    yield from _known((*here, "load_balancer"), "load balancer", name, balancers)
    if name in balancers:
        yield from _known((*here, "rule"), "rule", named.rule, rules(scenario, name))
        for group in named.weights:
            yield from _known((*here, "weights", group), "target group", group, balancers[name].target_groups)
