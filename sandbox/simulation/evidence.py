"""What a run left, for the judge: plain values, gathered while it went on and at its end."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from breakwater.model import Incident
from sandbox.ecs.log import Change
from sandbox.ecs.names import moment
from sandbox.ecs.traffic import Weights
from sandbox.simulation.build import Stage
from sandbox.simulation.releasing import Released, released


@dataclass(frozen=True, slots=True)
class ServiceState:
    """A service as AWS shows it at the end."""

    status: str
    desired: int
    running: int
    revision: int
    image: str
    rollout: str
    deployment: str
    healthy_targets: int


@dataclass(frozen=True, slots=True)
class Noted:
    """One entry of Breakwater's journal."""

    automation: str
    subject: str
    decision: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Told:
    """What Breakwater left: its incidents and its journal, how many messages people got, what went wrong in itself."""

    incidents: tuple[Incident, ...] = ()
    messages: int = 0
    dead_letters: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    journal: tuple[Noted, ...] = ()
    leaks: tuple[str, ...] = ()
    """Where the scenario's canaries came out."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of a job or an upload."""

    name: str
    outcome: str
    attempts: int
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of requests to one place."""

    sent: int
    failed: int
    answered_by: tuple[str, ...]
    """The services that answered what did not fail."""
    revisions: Mapping[str, int] = field(default_factory=dict)
    """How many went to each revision, as `family:number`."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that expectations are about."""

    services: Mapping[str, ServiceState]
    events: tuple[Mapping[str, Any], ...]
    weights: Mapping[tuple[str, str], Mapping[str, int]]
    """By load balancer and rule: the weights of target groups, by name."""
    routes: Mapping[tuple[str, str, str, str], str]
    """By load balancer, listener, path and host: the rule that takes a request, as scenario files name it."""
    requests: Mapping[tuple[str, str, str, str], Sent]
    healthy: Mapping[str, tuple[str, ...]]
    """By target group: the services of its healthy targets, one entry for each."""
    downtime: Mapping[str, timedelta]
    statuses: Mapping[str, tuple[str, ...]]
    """By service: what its service deployments went through, the oldest first."""
    told: Told
    runs: tuple[Ran, ...] = ()
    rows: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)
    """By table: its rows, each attribute as text."""
    surges: tuple[str, ...] = ()
    """The services of the surges that last, as `cluster/name`; nobody looks unless it is asked."""
    releases: tuple[Released, ...] = ()


@dataclass(slots=True)
class Recorder:
    """Listens to a run: events on the bus, what serves of each service, and the statuses of deployments."""

    stage: Stage
    events: list[Mapping[str, Any]] = field(default_factory=list)
    statuses: dict[str, list[str]] = field(default_factory=dict)
    began: datetime | None = None
    downtime: dict[str, timedelta] = field(default_factory=dict)
    _owner: dict[str, str] = field(default_factory=dict)
    _serving: dict[str, set[str]] = field(default_factory=dict)
    _down_since: dict[str, datetime] = field(default_factory=dict)

    def heard(self, event: Mapping[str, Any]) -> None:
        """An event is on the bus."""
        self.events.append(event)

    def changed(self, change: Change, event: Mapping[str, Any] | None) -> None:
        """Something changed in ECS."""
        if change.kind == "task" and event is not None:
            group = str(event["detail"].get("group", ""))
            if group.startswith("service:"):
                task, name = change.subject.rpartition("/")[2], group.removeprefix("service:")
                self._owner[task] = name
                if not self._balanced(name):
                    self._serves(name, task, moment(change.at), serving=change.status == "RUNNING")
        elif change.kind == "target":
            task = change.subject.rpartition("/")[2]
            name = self._owner.get(task, "")
            self._serves(name, task, moment(change.at), serving=change.status == "healthy")
        elif change.kind == "service_deployment":
            self.statuses.setdefault(change.subject.split("/")[-2], []).append(change.status)

    def begin(self, at: datetime) -> None:
        """The timeline begins: what was before does not count."""
        self.began = at
        self.events.clear()
        self.statuses.clear()
        self.downtime = dict.fromkeys(self.stage.scenario.services, timedelta(0))
        self._down_since = {
            name: at
            for name, service in self.stage.scenario.services.items()
            if not self._serving.get(name) and service.desired
        }

    def end(self, at: datetime) -> None:
        """Nothing is counted any more."""
        for name in list(self._down_since):
            self._up(name, at)

    def _balanced(self, name: str) -> bool:
        service = self.stage.scenario.services.get(name)
        return service is not None and bool(service.load_balancers)

    def _serves(self, name: str, task: str, at: datetime, *, serving: bool) -> None:
        there = self._serving.setdefault(name, set())
        (there.add if serving else there.discard)(task)
        if self.began is None or name not in self.downtime:
            return
        if not there:
            self._down_since.setdefault(name, at)
        else:
            self._up(name, at)

    def _up(self, name: str, at: datetime) -> None:
        since = self._down_since.pop(name, None)
        if since is not None:
            self.downtime[name] += at - since


def gather(stage: Stage, recorder: Recorder, told: Told) -> Evidence:
    """Look at everything once, at the end."""
    names = {arn: name for name, arn in stage.groups.items()}
    traffic = stage.sandbox.account.ecs.native.traffic
    return Evidence(
        services={name: _state(stage, name) for name in stage.scenario.services},
        events=tuple(recorder.events),
        weights={key: _named(traffic.rule(arn).weights, names) for key, arn in stage.rules.items()},
        routes=_routes(stage),
        requests=_requests(stage),
        healthy={
            name: tuple(
                target.task.service.name
                for target in stage.sandbox.ecs.world.target_groups[arn].targets.values()
                if target.state == "healthy" and target.task.service is not None
            )
            for name, arn in stage.groups.items()
        },
        downtime=dict(recorder.downtime),
        statuses={name: tuple(found) for name, found in recorder.statuses.items()},
        told=told,
        runs=tuple(_runs(stage)),
        rows={table: tuple(_rows(stage, table)) for table in stage.scenario.account.tables},
        surges=tuple(_surges(stage)),
        releases=tuple(released(stage)),
    )


def _runs(stage: Stage) -> Iterator[Ran]:
    for item in stage.sandbox.table_items():
        if str(item["pk"]).startswith("RUNS#"):
            run = json.loads(str(item["doc"]))
            yield Ran(run["name"], run.get("outcome") or run["phase"], run["attempt"], run.get("exit_code"))


def _rows(stage: Stage, table: str) -> Iterator[Mapping[str, str]]:
    for item in stage.aws("dynamodb").scan(TableName=table)["Items"]:
        yield {name: str(next(iter(value.values()))) for name, value in item.items()}


def _surges(stage: Stage) -> Iterator[str]:
    if any(one.surges is not None for _, _, one in stage.scenario.expected()):
        answer = stage.sandbox.invoke("ScalerFunction", {"action": "list"})
        for service in json.loads(answer.payload)["services"]:
            yield from (str(service["service"]) for _ in service["claims"])


def _routes(stage: Stage) -> dict[tuple[str, str, str, str], str]:
    names = {arn: rule for (_, rule), arn in stage.rules.items()}
    balancers = stage.sandbox.account.ecs.native.balancers
    asked = [one.reaches for _, _, one in stage.scenario.expected() if one.reaches is not None]
    return {
        one.where: names[balancers.route(stage.listeners[one.load_balancer, one.listener], one.path, one.host).rule.arn]
        for one in asked
    }


def _requests(stage: Stage) -> dict[tuple[str, str, str, str], Sent]:
    found: dict[tuple[str, str, str, str], Sent] = {}
    for action, flow in stage.flows:
        before = found.get(action.where, Sent(0, 0, ()))
        services = {str(outcome.service) for outcome, count in flow.counts.items() if count and not outcome.failed}
        answered = tuple(sorted({*before.answered_by, *services}))
        revisions = Counter(before.revisions)
        revisions.update({str(revision): count for revision, count in flow.by("revision").items()})
        found[action.where] = Sent(before.sent + flow.sent, before.failed + flow.failed, answered, revisions)
    return found


def _named(weights: Weights, names: Mapping[str, str]) -> dict[str, int]:
    return {names[group]: weight for group, weight in weights.items()}


def _state(stage: Stage, name: str) -> ServiceState:
    ecs, cluster = stage.aws("ecs"), stage.scenario.services[name].cluster
    [service] = ecs.describe_services(cluster=cluster, services=[name])["services"]
    primary: Mapping[str, Any] = next(iter(service["deployments"]), {})
    definition = str(primary.get("taskDefinition", service["taskDefinition"]))
    shown = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]
    rollouts = ecs.list_service_deployments(cluster=cluster, service=name)["serviceDeployments"]
    groups = stage.sandbox.ecs.world.target_groups.values()
    return ServiceState(
        status=service["status"],
        desired=service["desiredCount"],
        running=service["runningCount"],
        revision=shown["revision"],
        image=shown["containerDefinitions"][0]["image"],
        rollout=str(primary.get("rolloutState", "")),
        deployment=str(rollouts[0]["status"]) if rollouts else "",
        healthy_targets=sum(
            target.state == "healthy" and target.task.service is not None and target.task.service.name == name
            for group in groups
            for target in group.targets.values()
        ),
    )
