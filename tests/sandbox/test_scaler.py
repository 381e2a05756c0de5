"""Surges and windows over the real stack: schedules, sweeps, people, autoscaling, deployments, and what gets lost.

One account lives through one night, the one in which Berlin goes to summer time, with one service for each history;
the tests then look at what became of it.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from breakwater.compiled import loaded
from sandbox import Sandbox
from sandbox.aws import client_error
from tests.sandbox.policy_stack import put_in_force

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
START = datetime(2026, 3, 28, 19, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NIGHT: dict[str, Any] = {
    "name": "night",
    "match": "prod/night*",
    "days": [0, 1, 2, 3, 4, 5, 6],
    "opens": 22 * 60,
    "closes": 4 * 60,
    "time_zone": "Europe/Berlin",
    "mode": "act",
    "desired": 0,
}
HISTORIES = (
    "plain", "lost", "overlap", "human", "attached", "moved", "deploying", "cut0", "cut1", "cut2", "night",
    "night-surge", "night-protected", "tagged", "refused", "twice",
)  # fmt: skip


class Account:
    """The stack in mode act, services of four tasks each, and how their counts went."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.counts: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        self.plans: defaultdict[int, list[Callable[[], object]]] = defaultdict(list)
        self.minute = 0
        self.answers: dict[str, dict[str, Any]] = {}
        ecs = sandbox.client("ecs")
        ecs.create_cluster(clusterName="prod")
        ecs.register_task_definition(
            family="app",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=[{"name": "app", "image": "app:1"}],
        )
        for name in HISTORIES:
            ecs.create_service(
                cluster="prod",
                serviceName=name,
                taskDefinition="app",
                desiredCount=4,
                launchType="FARGATE",
                networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
            )
        scaling = {"surge": {"mode": "act"}, "windows": [NIGHT]}
        put_in_force(sandbox, loaded(json.dumps({"scaling": scaling})))

    def at(self, minute: int, action: Callable[[], object]) -> None:
        self.plans[minute].append(action)

    def live(self, minutes: int) -> None:
        for minute in range(self.minute, minutes):
            for action in self.plans[minute]:
                action()
            for name in HISTORIES:
                now = self.desired(name)
                if not self.counts[name] or self.counts[name][-1][1] != now:
                    self.counts[name].append((minute, now))
            self.sandbox.advance(MINUTE)
        self.minute = minutes

    def ask(self, **request: Any) -> dict[str, Any]:
        outcome = self.sandbox.invoke("ScalerFunction", request)
        assert outcome.error is None, outcome.error
        answer: dict[str, Any] = json.loads(outcome.payload)
        return answer

    def surge(self, service: str, desired: int, minutes: int, **more: Any) -> None:
        self.answers[service] = self.ask(
            action="start", cluster="prod", service=service, desired=desired, minutes=minutes, **more
        )

    def desired(self, service: str) -> int:
        return self.sandbox.ecs.active_service("prod", service).desired

    def human(self, service: str, desired: int) -> None:
        self.sandbox.client("ecs").update_service(cluster="prod", service=service, desiredCount=desired)

    def deploy(self, service: str) -> None:
        self.sandbox.client("ecs").update_service(cluster="prod", service=service, forceNewDeployment=True)

    def attach(self, service: str, low: int, high: int) -> None:
        self.sandbox.client("application-autoscaling").register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId=f"service/prod/{service}",
            ScalableDimension="ecs:service:DesiredCount",
            MinCapacity=low,
            MaxCapacity=high,
        )

    def bounds(self, service: str) -> tuple[int, int]:
        target = self.sandbox.account.autoscaling.targets[f"service/prod/{service}"]
        return target.low, target.high

    def protect(self, service: str, minutes: int) -> None:
        ecs = self.sandbox.client("ecs")
        task = ecs.list_tasks(cluster="prod", serviceName=service)["taskArns"][:1]
        ecs.update_task_protection(cluster="prod", tasks=task, protectionEnabled=True, expiresInMinutes=minutes)

    def lose_schedules(self) -> None:
        for group, name in list(self.sandbox.account.scheduler.kept):
            self.sandbox.client("scheduler").delete_schedule(GroupName=group, Name=name)

    def cut_off(self, service: str, call: int) -> None:
        """Start a surge in a function that is killed right after its n-th write to the table."""
        gate: Any = self.sandbox._gate  # the one choke point of all calls
        calls = 0
        before = gate._answer

        def dying(client: Any, of: str, operation: str, params: Any) -> Any:
            nonlocal calls
            answer = before(client, of, operation, params)
            if operation in ("TransactWriteItems", "UpdateService"):
                calls += 1
                if calls == call:
                    raise SystemExit("killed after the call was made")
            return answer

        gate._answer = dying
        request = {"action": "start", "cluster": "prod", "service": service, "desired": 12, "minutes": 30}
        assert self.sandbox.invoke("ScalerFunction", request).error is not None
        gate._answer = before

    def refuse(self, service: str) -> None:
        """From now on no handler may update this one service."""
        gate: Any = self.sandbox._gate
        before = gate._answer

        def refusing(client: Any, of: str, operation: str, params: Any) -> Any:
            if operation == "UpdateService" and params["service"] == service:
                raise client_error(client, operation, "AccessDeniedException", "not authorized", 403)
            return before(client, of, operation, params)

        gate._answer = refusing

    def journal(self, service: str) -> list[str]:
        return [item["decision"] for item in self.sandbox.table_items() if item["pk"] == f"JOURNAL#prod/{service}"]

    def mails(self, service: str) -> list[str]:
        return [mail.subject for mail in self.sandbox.messages if f"prod/{service}:" in mail.subject]


def _plan(account: Account) -> None:
    """What happens in the night, minute by minute."""
    at = account.at
    at(10, lambda: account.surge("plain", 12, minutes=30))
    at(10, lambda: account.surge("overlap", 8, minutes=60))
    at(12, lambda: account.surge("overlap", 12, minutes=20))
    at(10, lambda: account.surge("human", 12, minutes=30))
    at(20, lambda: account.human("human", 7))
    at(9, lambda: account.attach("attached", 2, 10))
    at(10, lambda: account.surge("attached", 12, minutes=30))
    at(9, lambda: account.attach("moved", 2, 20))
    at(10, lambda: account.surge("moved", 8, minutes=30))
    at(20, lambda: account.human("moved", 13))  # as target tracking would
    at(10, lambda: account.surge("deploying", 12, minutes=30))
    at(39, lambda: account.deploy("deploying"))
    at(10, lambda: account.surge("twice", 12, minutes=30))
    at(11, lambda: account.surge("twice", 12, minutes=30))
    at(10, lambda: account.surge("tagged", 12, minutes=30))
    for number in range(3):
        at(50, lambda number=number: account.cut_off(f"cut{number}", number + 1))  # type: ignore[misc]  # bound now
    at(90, lambda: account.surge("lost", 12, minutes=18))
    at(91, account.lose_schedules)
    at(112, lambda: account.protect("night-protected", minutes=60))
    at(150, lambda: account.surge("night-surge", 6, minutes=30))
    at(200, lambda: account.surge("refused", 12, minutes=10))
    at(201, lambda: account.refuse("refused"))


@pytest.fixture(scope="module")
def night() -> Iterator[Account]:
    parameters = {"AlertEmail": "oncall@example.com", "Mode": "act"}
    with Sandbox.deploy(TEMPLATE, parameters, start=START) as sandbox:
        account = Account(sandbox)
        arn = sandbox.ecs.active_service("prod", "tagged").arn
        tags = [{"key": "breakwater:scaler", "value": "observe"}]
        sandbox.client("ecs").tag_resource(resourceArn=arn, tags=tags)
        _plan(account)
        account.live(430)
        yield account


def test_a_surge_is_given_back_when_its_schedule_fires(night: Account) -> None:
    assert night.counts["plain"] == [(0, 4), (10, 12), (40, 4)]
    assert night.answers["plain"]["now"] == {"desired": 12}
    assert night.journal("plain") == ["scaled", "given back"]
    assert night.mails("plain") == []


def test_a_surge_whose_schedules_are_lost_is_given_back_by_the_sweep(night: Account) -> None:
    begun, given_back = night.counts["lost"][1:]
    assert begun == (90, 12)
    assert (given_back[1], 108 < given_back[0] <= 113) == (4, True)


def test_overlapping_surges_compose_by_the_maximum_and_the_last_gives_back_what_the_first_found(night: Account) -> None:
    assert night.counts["overlap"] == [(0, 4), (10, 8), (12, 12), (32, 8), (70, 4)]


def test_a_change_by_hand_is_kept_and_told_once(night: Account) -> None:
    assert night.counts["human"] == [(0, 4), (10, 12), (20, 7)]
    assert night.mails("human") == [
        "[LOW] prod/human: somebody's change of scale is kept",
        "[QUIET] prod/human: somebody's change of scale is kept",
    ]


def test_autoscaling_has_its_minimum_raised_its_maximum_respected_and_both_back(night: Account) -> None:
    assert night.counts["attached"] == [(0, 4), (10, 10), (40, 4)]
    assert night.bounds("attached") == (2, 10)
    assert any("12 is more than autoscaling's maximum of 10" in step for step in night.answers["attached"]["steps"])


def test_a_count_that_autoscaling_moved_stays_autoscalings(night: Account) -> None:
    assert (night.bounds("moved"), night.counts["moved"][-1]) == ((2, 20), (20, 13))
    assert night.mails("moved") == []


def test_a_deployment_goes_on_undisturbed_and_the_surge_is_given_back_after_it(night: Account) -> None:
    assert night.journal("deploying") == ["scaled", "withheld", "given back"]
    given_back = night.counts["deploying"][-1]
    assert (given_back[1], given_back[0] > 41) == (4, True)


@pytest.mark.parametrize("service", ["cut0", "cut1", "cut2"])
def test_a_surge_that_is_cut_off_between_two_calls_is_finished_and_given_back(night: Account, service: str) -> None:
    assert {count for _, count in night.counts[service]} == {4, 12}
    assert night.counts[service][-1][1] == 4
    assert night.mails(service) == []


def test_a_night_of_summer_time_goes_to_zero_and_back_an_hour_earlier_in_utc(night: Account) -> None:
    (_, begun, ended) = night.counts["night"]
    assert (begun[1], 118 <= begun[0] <= 124) == (0, True)
    assert (ended[1], 418 <= ended[0] <= 424) == (4, True)


def test_a_surge_wins_over_the_night_and_the_night_goes_on_after_it(night: Account) -> None:
    assert [count for _, count in night.counts["night-surge"]] == [4, 0, 6, 0, 4]


def test_off_hours_leave_a_protected_task_alone_until_it_is_done(night: Account) -> None:
    before, one, none, after = night.counts["night-protected"]
    assert (before[1], one[1], none[1], after[1]) == (4, 1, 0, 4)
    assert none[0] > 172


def test_a_tag_makes_it_observe_and_all_is_said_and_nothing_done(night: Account) -> None:
    assert night.counts["tagged"] == [(0, 4)]
    assert night.answers["tagged"]["reason"].startswith("would have been done in mode act: desired from 4 to 12")
    assert night.journal("tagged") == ["would have scaled"]


def test_the_same_request_twice_is_one_surge(night: Account) -> None:
    assert night.counts["twice"] == [(0, 4), (10, 12), (40, 4)]


def test_what_cannot_be_given_back_is_an_incident(night: Account) -> None:
    assert night.counts["refused"][-1] == (200, 12)
    assert night.mails("refused")[0] == "[MEDIUM] prod/refused: a change of scale is held up"


def test_nothing_is_left_of_it_but_what_could_not_be_given_back(night: Account) -> None:
    kept = [item["pk"] for item in night.sandbox.table_items() if item["sk"] == "SCALE" and "doc" in item]
    assert kept == ["SCALE#prod/refused"]
    assert night.sandbox.account.scheduler.kept == {}
    assert night.sandbox.lost == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param({"service": "none"}, "service: there is no active service prod/none", id="unknown service"),
        pytest.param({"desired": -3}, "desired: -3 is not a whole number", id="negative count"),
        pytest.param(
            {"minutes": None, "until": "2026-03-02T09:00:00Z"}, "is not after the start", id="end before start"
        ),
        pytest.param(
            {"minutes": None, "until": "2026-03-30T19:00", "zone": "Mars/Base"}, "zone: 'Mars/Base'", id="zone"
        ),
    ],
)
def test_a_wrong_request_is_one_clear_error_and_nothing_changes(
    night: Account, wrong: dict[str, Any], said: str
) -> None:
    before = (night.desired("plain"), night.sandbox.table_items())
    asked = {"action": "start", "cluster": "prod", "service": "plain", "desired": 12, "minutes": 60} | wrong
    request = {name: value for name, value in asked.items() if value is not None}
    assert said in str(night.sandbox.invoke("ScalerFunction", request).error)
    answer = night.ask(**request, answer_errors=True)
    assert (answer["kind"], said in answer["error"]) == ("InvalidRequestError", True)
    assert (night.desired("plain"), night.sandbox.table_items()) == before
    assert night.sandbox.account.scheduler.kept == {}


def test_a_surge_is_listed_while_it_lasts_and_can_be_ended_early(night: Account) -> None:
    night.surge("plain", 9, minutes=60, id="launch", by="ada")
    (entry,) = night.ask(action="list", cluster="prod", service="plain")["services"]
    assert (entry["found"], entry["set"]) == ({"desired": 4}, {"desired": 9})
    assert [(claim["id"], claim["by"]) for claim in entry["claims"]] == [("launch", "ada")]
    other = {"action": "start", "cluster": "prod", "service": "plain", "desired": 10, "minutes": 60, "id": "launch"}
    assert "launch is a surge to 9" in night.ask(**other, answer_errors=True)["error"]
    night.ask(action="end", cluster="prod", service="plain", id="launch")
    assert night.desired("plain") == 4
    assert night.ask(action="list", cluster="prod", service="plain")["services"] == []
    assert "has no surge" in night.ask(action="end", cluster="prod", service="plain", answer_errors=True)["error"]
