"""Releases on the real state machine, with the real functions under their own roles, in shops whose traffic is counted.

In every scenario production traffic flows: a release that passes costs no request, one that is returned at most the
share that its canary had.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from breakwater.approvals import Approvals
from breakwater.model import Mode
from breakwater.policies import ReleasePolicy
from breakwater.store import Table
from sandbox.ecs import workloads
from sandbox.ecs.requests import Flow
from sandbox.errors import TimedOutError
from sandbox.states.machines import Execution
from tests.sandbox.release_stage import (
    ANALYSED,
    BEFORE_STEPS,
    CANARY,
    CHECKED,
    LINEAR,
    MINUTE,
    ROLLING,
    Shop,
    Street,
    metrics,
    smoke,
)
from tests.thoroughness import EXHAUSTIVE

LOOKS = ("ReleaseWait", "ReleaseCheck", "Judged")
BEGINS = ["ReleaseBegin", "Admitted", "ReleaseMove"]
PASSES = ["ReleaseClose", "Closed", "Released"]
RETURNS = ["ReleaseReturn", "Returning"]
ENDS = ["ReleaseClose", "Closed", "NotReleased"]
BOTH = (("smoke", "http", smoke()), ("metrics", "metrics", metrics()))
SLOWLY = 0.35


@pytest.fixture(autouse=True)
def no_sockets(socket_enabled: None) -> None:
    """Checks reach servers on this machine's loopback; the sandbox refuses every other connection."""


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    with Street() as made:
        yield made


def passed(shop: Shop, execution: Execution, flow: Flow | None = None, revision: int = 2) -> None:
    """It is released, and no request failed because of it."""
    assert execution.status == "SUCCEEDED", (execution.error, execution.cause, execution.entered)
    assert execution.result["error"] == "Released"
    assert shop.revision == revision
    assert shop.ledger["bake"]["revision"].endswith(f":{revision}")
    assert shop.free
    if flow is not None:
        assert (flow.failed, flow.sent > 100) == (0, True)


def returned(shop: Shop, execution: Execution, flow: Flow | None = None, *, share: float = 0.0) -> None:
    """It is back where it was, verified, and at most the canary's share of the requests saw the new revision."""
    assert (execution.status, execution.error) == ("FAILED", "Returned"), (execution.error, execution.cause)
    assert (shop.revision, shop.weights) == (1, [100, 0])
    assert shop.free
    if flow is not None:
        seen = flow.by("revision").get(f"{shop.name}:2", 0)
        assert flow.failed <= seen <= share * flow.sent


def give(shop: Shop, word: str) -> None:
    """A person's word, as `breakwater release` gives it: kept, and told to who waits."""
    from breakwater.rendezvous import Word
    from breakwater.rendezvous_store import Rendezvous, send_by

    account = shop.account
    table = Table(lambda: account.client("dynamodb"), account.resource("Table").physical_id)
    arn = shop.deployment["serviceDeploymentArn"]
    Approvals(table).give(arn, word, "ann", account.now)
    meeting = Rendezvous(table, send_by(lambda: account.client("stepfunctions")))
    message = Word(word, "ann", account.now).message(arn)
    meeting.arrive(f"prod/{shop.name}", message, account.now)


@contextmanager
def server(answer: Callable[[int], tuple[int, float]]) -> Iterator[int]:
    """A real HTTP server on loopback. `answer` says by the request's number which status, after how many seconds."""
    count = 0

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal count
            count += 1
            status, seconds = answer(count)
            threading.Event().wait(seconds)  # time.sleep is the model's here
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args: Any) -> None:
            pass

    there = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=there.serve_forever, daemon=True)
    thread.start()
    try:
        yield there.server_address[1]
    finally:
        there.shutdown()
        there.server_close()
        thread.join()


# ── forward ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_revision_whose_checks_pass_is_released(street: Street) -> None:
    shop = Shop(street)
    flow = shop.traffic(hours=0.5)
    execution = shop.release(requested_by="pipeline/1")
    passed(shop, execution, flow)
    assert execution.entered == [*BEGINS, *LOOKS, "ReleaseMove", *LOOKS, *PASSES]
    assert shop.weights == [0, 100]
    assert shop.said(execution) == [
        "begun", "deploy", "check smoke", "go on", "CONTINUE at POST_TEST_TRAFFIC_SHIFT", "released",
    ]  # fmt: skip
    assert [mail for mail in shop.mails() if "breakwater release" in mail] == []
    report = street.account.client("s3").list_objects_v2(
        Bucket=street.account.resource("ReportBucket").physical_id, Prefix=f"releases/prod/{shop.name}/"
    )
    assert [one["Key"].rpartition("/")[2] for one in report["Contents"]] == [
        "release-report.html",
        "release-report.json",
    ]


def test_transitions_are_few_against_a_design_that_polls(street: Street) -> None:
    shop = Shop(street, LINEAR, pauses=(CHECKED, BEFORE_STEPS), checks=BOTH)
    flow = shop.traffic(per_second=3, hours=1.5)
    execution = shop.release()
    passed(shop, execution, flow)
    assert execution.stopped_at is not None
    seconds = (execution.stopped_at - execution.started_at).total_seconds()
    polling = 3 * seconds / 15  # wait, ask, choose
    assert execution.transitions <= 0.35 * polling, (execution.transitions, polling)


def test_a_canary_that_does_as_well_goes_on(street: Street) -> None:
    shop = Shop(street, CANARY, pauses=(CHECKED, BEFORE_STEPS), checks=BOTH)
    flow = shop.traffic(per_second=4, hours=1)
    passed(shop, shop.release(), flow)


def test_blue_and_green_are_compared_after_the_whole_shift(street: Street) -> None:
    shop = Shop(street, pauses=(CHECKED, ANALYSED), checks=BOTH)
    flow = shop.traffic(per_second=2, hours=1)
    execution = shop.release()
    passed(shop, execution, flow)
    assert [one for one in shop.said(execution) if one.startswith("look")] == ["look 1", "look 2"]


def test_a_rolling_service_is_checked_through_its_production_listener(street: Street) -> None:
    shop = Shop(street, ROLLING)
    flow = shop.traffic(hours=0.5)
    execution = shop.release()
    passed(shop, execution, flow)
    assert "check smoke" in shop.said(execution)


def test_two_services_behind_one_balancer_do_not_notice_each_other(street: Street) -> None:
    shop, neighbour = Shop(street), Shop(street)
    flow, other = shop.traffic(hours=0.5), neighbour.traffic(hours=0.5)
    passed(shop, shop.release(), flow)
    assert (other.failed, set(other.by("revision"))) == (0, {f"{neighbour.name}:1"})


# ── checks against real servers as blue and green ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("green", "more", "good"),
    [
        pytest.param(lambda number: (200, 0.0), {}, True, id="it answers well"),
        pytest.param(lambda number: (500, 0.0), {}, False, id="it answers with errors"),
        pytest.param(
            lambda number: (500 if number == 2 else 200, 0.0), {}, True, id="it flaps once, which n of m allows"
        ),
        pytest.param(lambda number: (200, SLOWLY), {"latency_ms": 100}, False, id="it is slow"),
    ],
)
def test_real_servers_are_blue_and_green(
    green: Callable[[int], tuple[int, float]], more: dict[str, Any], good: bool, street: Street
) -> None:
    shop = Shop(street, checks=(("smoke", "http", smoke(**more)),))
    flow = shop.traffic(hours=0.5)
    with server(lambda number: (200, 0.0)) as blue_port, server(green) as green_port:
        street.account.sites.servers |= {f"{shop.name}:1": blue_port, f"{shop.name}:2": green_port}
        execution = shop.release()
    assert {image for image, _ in street.account.sites.asked if image.startswith(f"{shop.name}:")} == {f"{shop.name}:2"}
    if good:
        passed(shop, execution, flow)
    else:
        returned(shop, execution, flow)


# ── back ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_revision_whose_checks_fail_never_gets_production_traffic(street: Street) -> None:
    shop = Shop(street)
    shop.site(2, 500)
    flow = shop.traffic(hours=0.5)
    execution = shop.release()
    returned(shop, execution, flow)
    assert execution.entered[:8] == [*BEGINS, *LOOKS, *RETURNS]
    assert execution.entered[-3:] == ENDS
    assert set(execution.entered[8:-3]) == set(LOOKS)
    assert "status 500" in str(execution.cause)
    assert "it is back, and verified" in str(execution.cause)
    assert [one["revision"].rpartition(":")[2] for one in shop.ledger["quarantined"]] == ["2"]


def test_what_came_back_is_not_tried_again(street: Street) -> None:
    shop = Shop(street)
    shop.site(2, 500)
    shop.release()
    again = shop.over(shop.start())
    assert (again.status, again.error) == ("FAILED", "Refused")
    assert "quarantined" in str(again.cause)
    assert again.entered == ["ReleaseBegin", "Admitted", *ENDS]
    third = shop.release(revision=3)  # the waits of the release before it are no longer anybody's
    passed(shop, third, revision=3)
    assert third.entered == [*BEGINS, *LOOKS, "ReleaseMove", *LOOKS, *PASSES]
    assert third.stopped_at is not None
    assert third.stopped_at - third.started_at < 30 * MINUTE, "its patience ended, no event reached it"


def test_a_canary_that_does_worse_costs_no_more_than_its_share(street: Street) -> None:
    shop = Shop(street, CANARY, pauses=(CHECKED, BEFORE_STEPS), checks=BOTH)
    shop.serves(2, error_rate=0.3)
    flow = shop.traffic(per_second=10, hours=0.5)
    execution = shop.release()
    returned(shop, execution, flow, share=0.1)
    assert flow.failed > 0
    assert "requests failed on the new side" in str(execution.cause)


def test_a_rolling_service_goes_back_by_a_deployment(street: Street) -> None:
    shop = Shop(street, ROLLING)
    shop.site(2, 500)
    flow = shop.traffic(hours=0.5)
    execution = shop.release()
    returned(shop, execution, flow, share=1.0)
    assert flow.failed == 0


def test_a_revision_that_crashes_in_its_bake_goes_back(street: Street) -> None:
    shop = Shop(street)
    flow = shop.traffic(hours=0.5)
    shop.register()
    execution = shop.start()
    shop.until(lambda: shop.weights == [0, 100])
    crashed = street.account.now
    street.account.ecs.faults.set_workload(f"{shop.name}:2", workloads.crash_on_start())
    for task in shop.ecs.list_tasks(cluster="prod", serviceName=shop.name, desiredStatus="RUNNING")["taskArns"]:
        [seen] = shop.ecs.describe_tasks(cluster="prod", tasks=[task])["tasks"]
        if seen["taskDefinitionArn"].endswith(":2"):
            shop.ecs.stop_task(cluster="prod", task=task)
    shop.over(execution)
    assert (execution.error, shop.revision) == ("Returned", 1), (execution.error, execution.cause)
    assert "the rollback guard says" in str(execution.cause)
    [noticed] = [one["at"] for one in shop.record(execution)["lines"] if one["what"] == "failed"]
    assert datetime.fromisoformat(noticed) - crashed < 2 * MINUTE
    assert [one["revision"].rpartition(":")[2] for one in shop.ledger["quarantined"]] == ["2"]
    assert (flow.sent > 0, shop.free) == (True, True)


# ── doubt ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def in_doubt(street: Street, **more: Any) -> tuple[Shop, Execution, Flow]:
    """A release that asks a person, because the checker itself is in trouble."""
    shop = Shop(street, policy=ReleasePolicy(mode=Mode.ACT, approval_minutes=10), **more)
    flow = shop.traffic(hours=0.5)
    street.account.sites.resolving = False
    shop.register()
    execution = shop.start()
    shop.until(lambda: shop.items(f"RELEASE#{execution.arn}") and shop.record(execution)["question"])
    street.account.sites.resolving = True
    return shop, execution, flow


def test_a_checker_in_trouble_asks_a_person_with_the_command_that_answers(street: Street) -> None:
    shop, execution, flow = in_doubt(street)
    street.account.advance(2 * MINUTE)
    assert any("breakwater release approve" in mail for mail in shop.mails())
    give(shop, "approved")
    passed(shop, shop.over(execution), flow)


def test_a_person_who_aborts_sends_it_back(street: Street) -> None:
    shop, execution, flow = in_doubt(street)
    give(shop, "aborted")
    returned(shop, shop.over(execution), flow)
    assert "aborted" in str(execution.cause)


def test_a_question_that_nobody_answers_sends_it_back(street: Street) -> None:
    shop, execution, flow = in_doubt(street)
    returned(shop, shop.over(execution), flow)
    assert "nobody answered" in str(execution.cause)


def test_too_little_traffic_is_no_pass(street: Street) -> None:
    hasty = ReleasePolicy(mode=Mode.ACT, approval_minutes=5)
    shop = Shop(street, CANARY, pauses=(CHECKED, BEFORE_STEPS), checks=BOTH, policy=hasty)
    flow = shop.traffic(per_second=0.2, hours=1)
    execution = shop.release()
    returned(shop, execution, flow, share=0.2)
    assert "nobody answered" in str(execution.cause)
    assert execution.entered.count("GatherMore") == 4


# ── other hands ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_release_that_is_aborted_in_its_shift_goes_back(street: Street) -> None:
    shop = Shop(street, CANARY, pauses=(CHECKED, BEFORE_STEPS), checks=BOTH)
    flow = shop.traffic(per_second=4, hours=1)
    shop.register()
    execution = shop.start()
    shop.until(lambda: shop.weights == [90, 10])
    give(shop, "aborted")
    returned(shop, shop.over(execution), flow, share=0.1)


def test_a_word_before_the_token_is_not_lost(street: Street) -> None:
    shop = Shop(street, CANARY, pauses=(CHECKED, BEFORE_STEPS), checks=BOTH)
    flow = shop.traffic(per_second=1, hours=1)
    shop.register()
    execution = shop.start()
    shop.waits_at(execution, "GatherMore")
    give(shop, "aborted")
    returned(shop, shop.over(execution), flow, share=0.1)


def test_a_second_release_of_a_service_is_refused_and_the_first_does_not_notice(street: Street) -> None:
    shop = Shop(street)
    flow = shop.traffic(hours=0.5)
    shop.register()
    first = shop.start()
    shop.waits_at(first, "ReleaseWait")
    shop.register()
    second = shop.start(revision=3)
    passed(shop, shop.over(first), flow)
    assert (second.status, second.error) == ("FAILED", "Refused")
    assert "another change" in str(second.cause)


def test_a_deployment_of_somebody_else_is_attended(street: Street) -> None:
    shop = Shop(street)
    flow = shop.traffic(hours=0.5)
    shop.update(taskDefinition=shop.register())
    shop.until(lambda: street.account.executions[-1].name.startswith("attend-"))
    execution = street.account.executions[-1]
    passed(shop, shop.over(execution), flow)
    assert execution.entered[:4] == ["ReleaseBegin", "Admitted", "ReleaseCheck", "Judged"]


def test_a_bad_deployment_of_somebody_else_is_sent_back_although_no_event_tells_of_it(street: Street) -> None:
    shop = Shop(street)
    shop.site(2, 500)
    flow = shop.traffic(hours=0.5)
    before = len(street.account.executions)
    with chaos(street, drop=1.0):
        shop.update(taskDefinition=shop.register())
        shop.until(lambda: len(street.account.executions) > before)
        returned(shop, shop.over(street.account.executions[-1]), flow)


def test_a_deployment_that_waits_while_its_release_is_refused_is_told_to_a_person(street: Street) -> None:
    shop = Shop(street)
    lease = {"pk": f"LEASE#prod/{shop.name}", "sk": "LEASE", "holder": "rollback_guard", "reason": "a rollback"}
    street.account.client("dynamodb").put_item(
        TableName=street.account.resource("Table").physical_id,
        Item={
            **{name: {"S": value} for name, value in lease.items()},
            "token": {"N": "7"},
            "until": {"N": "99999999999"},
        },
    )
    before = len(street.account.executions)
    shop.update(taskDefinition=shop.register())
    shop.until(lambda: len(street.account.executions) > before)
    refused = shop.over(street.account.executions[-1])
    street.account.advance(MINUTE)
    assert (refused.error, shop.revision) == ("Refused", 2)
    assert any("waits at a hook that no release answers" in mail for mail in shop.mails())


def test_a_deployment_that_waits_while_a_tag_of_its_service_only_observes_is_told_to_a_person(street: Street) -> None:
    shop = Shop(street)
    [service] = shop.ecs.describe_services(cluster="prod", services=[shop.name])["services"]
    shop.ecs.tag_resource(resourceArn=service["serviceArn"], tags=[{"key": "breakwater:release", "value": "observe"}])
    before = len(street.account.executions)
    shop.update(taskDefinition=shop.register())
    shop.until(lambda: len(street.account.executions) > before)
    rehearsed = shop.over(street.account.executions[-1])
    street.account.advance(MINUTE)
    assert (rehearsed.result["error"], shop.deployment["lifecycleStage"]) == ("Rehearsed", CHECKED)
    assert any("waits at a hook that no release answers" in mail for mail in shop.mails())


def test_a_service_that_is_only_observed_is_rehearsed_and_left_alone(street: Street) -> None:
    shop = Shop(street, policy=ReleasePolicy(mode=Mode.OBSERVE))
    flow = shop.traffic(hours=0.2)
    execution = shop.release()
    assert (execution.status, execution.result["error"]) == ("SUCCEEDED", "Rehearsed")
    assert (shop.revision, flow.failed) == (1, 0)
    assert len(shop.ecs.list_service_deployments(cluster="prod", service=shop.name)["serviceDeployments"]) == 1


@pytest.mark.parametrize("by_tag", [False, True], ids=["by the policy", "by a tag of its own"])
def test_a_service_whose_releases_are_off_is_refused(by_tag: bool, street: Street) -> None:
    shop = Shop(street, policy=ReleasePolicy(mode=Mode.ACT if by_tag else Mode.OFF))
    if by_tag:
        [service] = shop.ecs.describe_services(cluster="prod", services=[shop.name])["services"]
        shop.ecs.tag_resource(resourceArn=service["serviceArn"], tags=[{"key": "breakwater:release", "value": "off"}])
    execution = shop.release()
    assert (execution.error, shop.revision) == ("Refused", 1)


def test_wrong_input_is_refused_and_names_what_is_wrong(street: Street) -> None:
    shop = Shop(street)
    execution = shop.over(shop.start(surprise=1))
    assert execution.error == "Refused"
    assert "surprise: is not known" in str(execution.cause)
    assert execution.entered == ["ReleaseBegin", "Admitted", *ENDS]


def test_a_service_without_the_hooks_that_its_checks_need_is_refused_with_the_snippet(street: Street) -> None:
    shop = Shop(street, pauses=())
    execution = shop.release()
    assert (execution.error, shop.revision) == ("Refused", 1)
    assert "POST_TEST_TRAFFIC_SHIFT" in str(execution.cause)


def test_a_release_that_could_not_be_recorded_holds_nothing_back(street: Street) -> None:
    shop = Shop(street)
    street.account.fail("dynamodb", "PutItem", "ValidationException", times=1, function="ReleaseBeginFunction")
    execution = shop.release()
    assert (execution.status, execution.error, shop.free) == ("FAILED", "Refused", True)
    assert len(shop.ecs.list_service_deployments(cluster="prod", service=shop.name)["serviceDeployments"]) == 1


def test_who_lost_the_lease_writes_nothing_more(street: Street) -> None:
    shop = Shop(street)
    shop.register()
    execution = shop.start()
    shop.waits_at(execution, "ReleaseWait")
    table, key = street.account.resource("Table").physical_id, f"LEASE#prod/{shop.name}"
    street.account.client("dynamodb").update_item(
        TableName=table,
        Key={"pk": {"S": key}, "sk": {"S": "LEASE"}},
        UpdateExpression="SET #t = #t + :one, holder = :who, #u = :long",
        ExpressionAttributeNames={"#t": "token", "#u": "until"},
        ExpressionAttributeValues={":one": {"N": "1"}, ":who": {"S": "rollback_guard"}, ":long": {"N": "99999999999"}},
    )
    shop.over(execution)
    assert (execution.status, execution.error) == ("FAILED", "HandedOver")
    assert "rollback_guard" in str(execution.cause)
    assert shop.deployment["status"] == "IN_PROGRESS"  # nobody touched it: it waits at its hook
    street.account.advance(2 * MINUTE)
    assert any("rollback_guard" in mail for mail in shop.mails())


# ── events: late, twice, lost ─────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def chaos(street: Street, **how: Any) -> Iterator[None]:
    street.account.chaos(**how)
    try:
        yield
    finally:
        street.account.chaos()


def test_events_that_come_twice_change_nothing(street: Street) -> None:
    shop = Shop(street, CANARY, pauses=(CHECKED, BEFORE_STEPS), checks=BOTH)
    flow = shop.traffic(per_second=4, hours=1)
    with chaos(street, duplicate=1.0):
        execution = shop.release()
    passed(shop, execution, flow)
    assert sum(one.startswith("CONTINUE") for one in shop.said(execution)) == 3


@pytest.mark.parametrize("good", [True, False], ids=["which passes", "which goes back"])
def test_the_sweep_finds_what_no_event_told_at_any_wait_of_a_release(good: bool, street: Street) -> None:
    shop = Shop(street)
    shop.site(2, 200 if good else 500)
    flow = shop.traffic(hours=1)
    with chaos(street, drop=1.0):
        execution = shop.release()
    assert execution.stopped_at is not None
    assert execution.stopped_at - execution.started_at < 30 * MINUTE, "its patience found it, not the sweep"
    if good:
        passed(shop, execution, flow)
    else:
        returned(shop, execution, flow)


def test_an_event_before_the_token_answers_it_at_once(street: Street) -> None:
    shop = Shop(street, CANARY, pauses=(CHECKED, BEFORE_STEPS), checks=BOTH)
    flow = shop.traffic(per_second=4, hours=1)
    shop.register()
    execution = shop.start()
    shop.waits_at(execution, "ReleaseWait")
    street.account.fail("dynamodb", "BatchGetItem", "ThrottlingException", times=4, function="ReleaseWaitFunction")
    meeting = f"RENDEZVOUS#prod/{shop.name}"
    told: list[str] = []
    while "hook" not in told:  # what earlier deployments of the shop told lies there, too
        assert execution.entered.count("ReleaseCheck") <= 1, "the token came first"
        street.account.advance(timedelta(seconds=2))
        if execution.entered.count("ReleaseMove") == 2:
            told = [one["kind"] for one in json.loads(shop.items(meeting)[0]["doc"])["mail"]]
    passed(shop, shop.over(execution), flow)
    assert execution.stopped_at is not None
    assert execution.stopped_at - execution.started_at < 30 * MINUTE


# ── killed ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def killed_after_writes(street: Street, third: int) -> Iterator[list[tuple[str, ...]]]:
    """Kill the functions of a release right after every third write that each has not made before."""
    gate = street.account._gate
    writes: dict[tuple[str, ...], int] = {}
    killed: list[tuple[str, ...]] = []
    original = gate._answer

    def answer(client: Any, service: str, operation: str, params: Any) -> Any:
        got = original(client, service, operation, params)
        function = street.account.account.functions.current
        if function is None or not function.logical_id.startswith("Release") or operation not in WRITES:
            return got
        what = params.get("Key") or params.get("Item", {}).get("pk") or operation
        key = (function.logical_id, operation, json.dumps(what, sort_keys=True, default=str)[:200], service)
        number = writes.setdefault(key, len(writes))
        if number % 3 == third and key not in killed:
            killed.append(key)
            raise TimedOutError
        return got

    gate._answer = answer  # type: ignore[method-assign]
    try:
        yield killed
    finally:
        gate._answer = original  # type: ignore[method-assign]


WRITES = frozenset(
    {"PutItem", "UpdateItem", "TransactWriteItems", "UpdateService", "ContinueServiceDeployment", "PutObject",
     "StopServiceDeployment", "SendTaskSuccess", "Publish", "PublishBatch"}
)  # fmt: skip


@pytest.mark.parametrize(
    ("good", "third"), [(True, 0), (False, 1), (True, 2), *([(False, 0), (True, 1), (False, 2)] if EXHAUSTIVE else [])]
)
def test_a_release_that_is_killed_after_any_of_its_writes_ends_as_it_would_have(
    good: bool, third: int, street: Street
) -> None:
    shop = Shop(street)
    shop.site(2, 200 if good else 500)
    flow = shop.traffic(hours=0.5)
    with killed_after_writes(street, third) as killed:
        execution = shop.release()
    assert len(killed) >= 3
    if good:
        passed(shop, execution, flow)
    else:
        returned(shop, execution, flow)
    assert len(shop.ecs.list_service_deployments(cluster="prod", service=shop.name)["serviceDeployments"]) == 2


def test_a_release_whose_execution_was_stopped_is_found_and_its_deployment_attended_anew(street: Street) -> None:
    shop = Shop(street)
    flow = shop.traffic(hours=0.5)
    shop.register()
    execution = shop.start()
    shop.until(lambda: shop.items(f"RELEASE#{execution.arn}") and shop.record(execution)["service_deployment"])
    street.account.client("stepfunctions").stop_execution(executionArn=execution.arn)
    shop.until(lambda: "left behind" in shop.said(execution))
    street.account.advance(2 * MINUTE)
    assert any("left behind" in mail for mail in shop.mails())
    heir = street.account.executions[-1]
    assert heir.name.startswith("attend-")
    passed(shop, shop.over(heir), flow)
