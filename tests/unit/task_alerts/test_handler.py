"""Batches of abnormal events become incidents; repeats, noise and poison do not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from breakwater.ecs import ServiceState
from breakwater.errors import ThrottledError
from breakwater.model import LogTail, Mode, NoticeKind, Severity
from task_alerts import sweep
from task_alerts.handler import respond
from tests.fakes.alerts import CANARY, NOW, REGION, Context, House, a_batch, a_failed_deployment, a_stop
from tests.support import load_event

Answer = Callable[..., list[str]]


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def answer(house: House) -> Answer:
    """Hand a batch to the handler and learn which messages come again."""
    work = house.work()

    def hand_over(*bodies: object, context: Context | None = None) -> list[str]:
        response = respond(a_batch(*bodies), context or Context(), work)
        return [item["itemIdentifier"] for item in response["batchItemFailures"]]

    return hand_over


def test_a_crash_is_told_once_with_its_evidence(house: House, answer: Answer) -> None:
    assert answer(a_stop()) == []
    (notice,) = house.told
    incident = notice.incident
    assert (str(incident.subject), incident.subject.revision, incident.cause) == ("prod/web", "web:7", "app_error")
    assert (incident.container, incident.severity) == ("app", Severity.HIGH)
    assert [(c.name, c.exit_code) for c in incident.evidence.containers] == [("app", 1), ("agent", 143)]
    assert incident.evidence.log == LogTail(lines=("log of app",))


def test_the_same_event_again_is_not_told_again(house: House, answer: Answer) -> None:
    for _ in range(3):
        assert answer(a_stop(), a_stop()) == []
    assert [notice.incident.count for notice in house.told] == [1]


def test_a_storm_of_one_cause_asks_ecs_once_and_is_one_incident(house: House, answer: Answer) -> None:
    for batch in range(10):
        assert answer(*(a_stop(f"t{batch}-{number}") for number in range(40))) == []
    assert house.ecs.asked == 1
    assert [(notice.kind, notice.incident.count) for notice in house.told] == [("opened", 40), ("updated", 400)]
    assert {item["pk"] for item in house.table.items.values() if str(item["pk"]).startswith("INCIDENT#")} == {
        f"INCIDENT#{house.told[0].incident.id}"
    }


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(a_stop(stopCode="UserInitiated"), id="somebody stopped it"),
        pytest.param(a_stop(lastStatus="DEPROVISIONING"), id="not its last state"),
        pytest.param(a_stop() | {"account": "999988887777"}, id="another account"),
        pytest.param(a_stop() | {"source": "my.app"}, id="another source"),
        pytest.param(a_stop() | {"detail": None}, id="no detail"),
        pytest.param([1, 2], id="no object"),
    ],
)
def test_what_nobody_needs_to_hear_of_costs_nothing(house: House, answer: Answer, event: object) -> None:
    assert answer(event) == []
    assert (house.told, house.table.calls, house.ecs.asked) == ([], 0, 0)
    assert house.lines.getvalue().count("event ignored") == 1


@pytest.mark.parametrize(
    ("attended", "notices"), [pytest.param(True, 0, id="by a release"), pytest.param(False, 1, id="by nobody")]
)
def test_a_hook_that_waits_is_told_unless_a_release_answers_it(house: House, attended: bool, notices: int) -> None:
    asked: list[tuple[str | None, str, str]] = []

    def attends(*hook: Any) -> bool:
        asked.append(hook)
        return attended

    hook = load_event("hook_awaiting_action") | {"region": REGION, "time": "2026-03-02T10:05:59Z"}
    work = replace(house.work(), attends=attends)
    assert respond(a_batch(hook, a_stop(stopCode="UserInitiated")), Context(), work) == {"batchItemFailures": []}
    assert len(house.told) == notices
    assert asked == [("shop", "checkout", "POST_TEST_TRAFFIC_SHIFT")]


def test_poison_goes_back_alone(house: House, answer: Answer) -> None:
    assert answer(a_stop("t1"), "{not json", a_stop("t2"), "") == ["m1", "m3"]
    assert [notice.incident.count for notice in house.told] == [2]


def test_what_there_is_no_time_for_goes_back_and_is_counted_later(house: House, answer: Answer) -> None:
    assert answer(a_stop("t1"), a_stop("t2"), context=Context(left_ms=5_000)) == ["m0", "m1"]
    assert house.told == []
    assert answer(a_stop("t1"), a_stop("t2")) == []
    assert [notice.incident.count for notice in house.told] == [2]


def test_off_means_off() -> None:
    house = House(mode=Mode.OFF)
    response = respond(a_batch(a_stop()), Context(), house.work())
    assert (response, house.told, house.table.calls) == ({"batchItemFailures": []}, [], 0)


def test_a_sidecar_is_told_apart_by_the_task_definition(house: House, answer: Answer) -> None:
    stop = a_stop(containers=[{"name": "app", "exitCode": 0}, {"name": "agent", "exitCode": 2}])
    answer(stop)
    assert [(n.incident.category, n.incident.severity) for n in house.told] == [("sidecar_failed", Severity.LOW)]


def test_without_its_task_definition_every_container_counts(house: House, answer: Answer) -> None:
    house.ecs.containers = []
    stop = a_stop(containers=[{"name": "app", "exitCode": 0}, {"name": "agent", "exitCode": 2}])
    del stop["detail"]["taskDefinitionArn"]
    answer(stop)
    assert [(n.incident.category, n.incident.severity) for n in house.told] == [("task_failed", Severity.HIGH)]


@pytest.mark.parametrize(
    ("state", "severity"),
    [
        pytest.param(ServiceState("ecs-svc/1"), Severity.HIGH, id="the deployment in progress"),
        pytest.param(ServiceState(None), Severity.MEDIUM, id="a deployment of the past"),
    ],
)
def test_a_failed_deployment_is_judged_by_the_state_of_its_service(
    house: House, answer: Answer, state: ServiceState, severity: Severity
) -> None:
    house.services["prod", "web"] = state
    event = a_failed_deployment()
    twin = event | {"detail-type": "ECS Service Action"}
    answer(event, twin, event)
    assert house.asked_for == [[("prod", "web")]]
    assert [(n.incident.cause, n.incident.severity, n.incident.count) for n in house.told] == [
        ("circuit_breaker", severity, 1)
    ]


def test_the_sweep_resolves_after_the_quiet_time(house: House, answer: Answer) -> None:
    answer(a_stop())
    house.now = NOW + timedelta(minutes=10)
    assert sweep.respond(house.work()) == {"resolved": 0, "published": 0}
    house.now = NOW + timedelta(minutes=30)
    assert sweep.respond(house.work()) == {"resolved": 1, "published": 1}
    assert [notice.kind for notice in house.told] == [NoticeKind.OPENED, NoticeKind.RESOLVED]


def test_a_sweep_that_cannot_tell_what_is_due_fails_so_that_somebody_hears_of_it(house: House, answer: Answer) -> None:
    house.topic.down = True
    answer(a_stop())
    assert "the topic is down" in house.lines.getvalue()
    with pytest.raises(ThrottledError, match="1 notices could not be published: the topic is down"):
        sweep.respond(house.work())
    house.topic.down = False
    assert sweep.respond(house.work()) == {"resolved": 0, "published": 1}


def test_an_event_a_day_late_is_told_as_late_and_resolved_by_the_next_sweep(house: House, answer: Answer) -> None:
    house.now = NOW + timedelta(hours=25)
    answer(a_stop())
    sweep.respond(house.work())
    assert [(n.kind, n.incident.late) for n in house.told] == [(NoticeKind.OPENED, True), (NoticeKind.RESOLVED, True)]


def test_no_command_of_an_override_is_kept_told_or_logged(house: House, answer: Answer) -> None:
    answer(a_stop(stoppedReason=f"Essential container in task exited: run {CANARY}"), a_stop("t2", lastStatus=CANARY))
    everything = repr(house.table.items) + repr(house.told) + house.lines.getvalue()
    assert len(house.told) == 1
    assert CANARY not in everything


def test_something_that_is_no_batch_is_an_error_that_says_so(house: House) -> None:
    with pytest.raises(ValueError, match="not an SQS batch"):
        respond({"detail": {}}, Context(), house.work())
