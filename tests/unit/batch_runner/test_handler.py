"""Both functions through their front door, over fakes: what is handed back, what is dropped, what goes wrong."""

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from batch_runner import handler, sweep
from batch_runner.intake import wake_body
from batch_runner.wiring import Settings, Work, wake_ups
from breakwater import log
from breakwater.compiled import Compiled
from breakwater.desk import IncidentDesk
from breakwater.errors import BreakwaterError, ThrottledError
from breakwater.incident_store import IncidentStore
from breakwater.model import Mode
from breakwater.policies import BatchPolicy
from breakwater.runs import Outcome
from tests.fakes.alerts import Context, a_batch
from tests.fakes.batch import ACCOUNT, NOON, REGION, BatchHouse, a_job, an_object, an_upload

CONTEXT = Context(invoked_function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:x")


class Front:
    """The functions over a house of fakes."""

    def __init__(self, policy: BatchPolicy, mode: Mode = Mode.ACT) -> None:
        self.house = BatchHouse(policy, mode)
        self.lines = io.StringIO()
        logger = log.logger("batch_runner")
        logger.handlers[0].setStream(self.lines)  # type: ignore[attr-defined]  # Powertools hides its stream handler
        house = self.house
        self.work = Work(
            settings=Settings("table", "topic", "queue", mode),
            policy=lambda: Compiled(batch=house.policy),
            logger=logger,
            metrics=log.metrics("batch_runner"),
            store=house.store,
            tasks=house.platform,  # type: ignore[arg-type]  # a fake of the same shape
            desk=IncidentDesk(IncidentStore(house.table), house.topic, "batch_runner", lambda: None),
            wake=lambda name, delay: house.wakes.append((house.now + delay, name)),
            now=lambda: house.now,
        )

    def hear(self, *bodies: object, left_ms: int = 100_000) -> list[str]:
        answer = handler.respond(a_batch(*bodies), replace(CONTEXT, left_ms=left_ms), self.work)
        return [each["itemIdentifier"] for each in answer["batchItemFailures"]]

    def sweep(self) -> Mapping[str, int]:
        return sweep.respond(self.work, CONTEXT)


def due(**changes: object) -> dict[str, object]:
    return {
        "schema": "breakwater/1",
        "action": "batch.run",
        "job": "nightly",
        "scheduleArn": a_job().schedule_arn,
        "scheduledTime": "2026-04-14T12:00:00Z",
        "executionId": "e1",
        "attempt": "1",
        **changes,
    }


def test_the_payload_of_a_schedule_begins_its_job_once() -> None:
    front = Front(BatchPolicy(jobs=(a_job(),)))
    assert front.hear(due(), due(executionId="e2", attempt="2")) == []
    assert front.hear(due(executionId="e3")) == []
    assert len(front.house.platform.tasks) == 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(due(job="another"), id="another job"),
        pytest.param(due(scheduleArn="arn:aws:scheduler:eu-central-1:111122223333:schedule/x/y"), id="a foreign one"),
        pytest.param(due(scheduledTime="<aws.scheduler.scheduled-time>"), id="a placeholder"),
        pytest.param(due(action="batch.erase"), id="an unknown action"),
        pytest.param([1, 2], id="a list"),
        pytest.param(wake_body("nobody", NOON), id="a wake-up for what is not there"),
    ],
)
def test_what_asks_for_nothing_is_done_with(body: object) -> None:
    front = Front(BatchPolicy(jobs=(a_job(),)))
    assert front.hear(body) == []
    assert front.house.platform.calls == []


def test_what_is_not_json_comes_again_and_does_not_hold_up_its_neighbours() -> None:
    front = Front(BatchPolicy(jobs=(a_job(),)))
    assert front.hear("{", due(), "\x00") == ["m0", "m2"]
    assert len(front.house.platform.running) == 1


def test_what_there_is_no_time_for_comes_again() -> None:
    front = Front(BatchPolicy(jobs=(a_job(),)))
    assert front.hear(due(), left_ms=10_000) == ["m0"]
    assert front.house.platform.calls == []


def test_while_the_table_does_not_answer_messages_come_again() -> None:
    front = Front(BatchPolicy(uploads=(an_upload(),)))

    def down(keys: object) -> Any:
        raise ThrottledError("read items: the table is down")

    front.house.table.get_many = down  # type: ignore[method-assign]  # an outage
    assert front.hear(an_object()) == ["m0"]
    assert "the table is down" in front.lines.getvalue()


def test_a_wake_up_that_comes_before_its_time_is_sent_on_and_nothing_is_read() -> None:
    front = Front(BatchPolicy(jobs=(a_job(),)))
    front.house.table.get_many = None  # type: ignore[method-assign,assignment]  # whoever reads fails
    at = NOON + timedelta(minutes=11)
    assert front.hear(wake_body("nightly", at)) == []
    assert front.house.wakes == [(at, "nightly")]


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        pytest.param(timedelta(seconds=-3), 0, id="it is late"),
        pytest.param(timedelta(seconds=30.2), 31, id="never before its time"),
        pytest.param(timedelta(minutes=15), 240, id="further away than the alarm on the age of messages allows"),
    ],
)
def test_a_wake_up_is_delayed_by_less_than_what_the_backlog_alarm_calls_late(delay: timedelta, seconds: int) -> None:
    sent: list[dict[str, Any]] = []

    class Client:
        def send_message(self, **call: Any) -> None:
            sent.append(call)

    wake_ups(Client, "queue", log.logger("batch_runner"), lambda: NOON)("nightly", delay)
    (call,) = sent
    assert call["DelaySeconds"] == seconds
    assert json.loads(call["MessageBody"]) == wake_body("nightly", NOON + delay)


def test_uploads_wait_in_the_order_in_which_they_came_to_the_queue_whoever_takes_them_out_first() -> None:
    """Two invocations at a time take messages out of one queue, each ten."""
    front = Front(BatchPolicy(uploads=(an_upload(concurrency=1),)))
    keys = [f"incoming/{number:02d}.csv" for number in range(30)]
    for batch in ((0, 1), (21, 30), (11, 21), (1, 11)):
        event = a_batch(*(an_object(keys[number]) for number in range(*batch)))
        for record, number in zip(event["Records"], range(*batch), strict=True):
            sent = NOON + timedelta(milliseconds=7 * number)
            record["attributes"] = {"SentTimestamp": str(int(sent.timestamp() * 1000))}
        front.house.at(timedelta(seconds=1))
        handler.respond(event, CONTEXT, front.work)
    begun: list[str] = []
    while front.house.platform.running:
        (task,) = front.house.platform.running
        begun.append(task.request["overrides"]["containerOverrides"][0]["environment"][0]["value"])
        front.hear(front.house.platform.end(task))
    assert begun == keys


def test_off_does_nothing_and_keeps_nothing() -> None:
    front = Front(BatchPolicy(jobs=(a_job(),)), Mode.OFF)
    assert front.hear(due()) == []
    assert front.sweep() == {"jobs": 0}
    assert front.house.table.items == {}


def test_the_stack_in_observe_bounds_a_job_in_act() -> None:
    front = Front(BatchPolicy(jobs=(a_job(),)), Mode.OBSERVE)
    front.hear(due())
    assert front.house.outcomes("nightly") == [Outcome.OBSERVED]
    assert front.house.platform.calls == []


def test_something_else_than_a_queue_is_an_error() -> None:
    with pytest.raises(ValueError, match="no list of Records"):
        handler.respond({"detail": {}}, CONTEXT, Front(BatchPolicy()).work)


def test_a_sweep_that_fails_for_one_job_looks_at_the_others_and_then_raises() -> None:
    front = Front(BatchPolicy(jobs=(a_job("lost", timezone="Mars/Olympus"), a_job())))
    front.house.at(NOON.replace(hour=13))
    with pytest.raises(BreakwaterError, match="missed runs of lost: nobody can say when it is due"):
        front.sweep()
    assert front.house.outcomes("nightly") == [Outcome.MISSED]


def test_no_environment_value_of_the_policy_is_written_logged_or_told() -> None:
    canary = "canary-hunter2-0123456789"
    task = replace(a_job().task, environment=(("TOKEN", canary),), command=("run", canary))
    front = Front(BatchPolicy(jobs=(a_job(task=task),)))
    front.hear(due())
    (begun,) = front.house.platform.running
    assert canary in json.dumps(begun.request)
    front.hear(front.house.platform.end(begun, 1))
    front.sweep()
    assert canary not in front.lines.getvalue()
    assert canary not in json.dumps(list(front.house.table.items.values()))
    assert canary not in repr(front.house.topic.published)
