"""The policy through the real stack: schedules and rules are those of the newest good document."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from breakwater.compiled import loaded
from tests.sandbox.killer import Killer
from tests.sandbox.policy_stack import EMPTY, FULL, WINDOWS, PolicyStack, deployed
from tests.thoroughness import EXHAUSTIVE, so_many

CHANGED = """\
version: 1
defaults:
  mode: act
jobs:
  - name: nightly
    schedule: cron(30 4 * * ? *)
    time_zone: America/New_York
    task: {cluster: batch, task_definition: report}
  - name: weekly
    schedule: cron(0 6 ? * MON *)
    task: {cluster: batch, task_definition: report}
uploads:
  - name: prices
    bucket: shop-inbox
    prefix: new/
    task: {cluster: batch, task_definition: ingest}
  - name: photos
    bucket: shop-photos
    task: {cluster: batch, task_definition: resize}
"""
LONG_ENOUGH = timedelta(minutes=8)  # two more tries of Lambda's, and a sweep


@pytest.fixture
def stack() -> Iterator[PolicyStack]:
    with deployed() as found:
        yield found


def subjects(stack: PolicyStack) -> list[str]:
    """What people were told of the policy."""
    told = [mail.subject.partition(" (")[0] for mail in stack.sandbox.messages]
    return [subject for subject in told if "policy.yaml" in subject]


def still_open(stack: PolicyStack) -> list[str]:
    """The incidents of the policy that are open."""
    items = [item for item in stack.sandbox.table_items() if item.get("status") == "open"]
    return [str(item["pk"]) for item in items if '"kind":"policy"' in str(item["doc"])]


def test_a_pushed_document_becomes_schedules_and_rules_and_the_policy_in_force(stack: PolicyStack) -> None:
    version = stack.push(FULL)
    assert stack.ours() == (["hourly", "nightly"], ["prices"])
    nightly = stack.schedules()[stack.group, "nightly"]
    assert nightly["ScheduleExpression"] == "cron(0 3 * * ? *)"
    assert nightly["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert nightly["Target"]["Arn"].endswith("BatchQueue-" + nightly["Target"]["Arn"].rpartition("-")[2])
    (rule,) = [rule for name, rule in stack.rules().items() if name.endswith("-upload-prices")]
    assert '"wildcard":"incoming/*.csv"' in rule["EventPattern"]
    assert '"name":["shop-inbox"]' in rule["EventPattern"]
    policy = loaded(str(stack.item("COMPILED")["doc"]))
    assert [job.name for job in policy.jobs] == ["nightly", "hourly"]
    assert policy.jobs[0].schedule_arn == nightly["Arn"]
    assert (stack.item("DOCUMENT")["outcome"], stack.item("DOCUMENT")["version"]) == ("applied", version)
    assert stack.sandbox.messages == []
    assert (stack.sandbox.dead_letters, stack.sandbox.lost) == ([], [])


def test_push_change_the_same_again_and_remove(stack: PolicyStack) -> None:
    stack.push(FULL)
    stack.push(CHANGED)
    assert stack.ours() == (["nightly", "weekly"], ["photos", "prices"])
    assert stack.schedules()[stack.group, "nightly"]["ScheduleExpressionTimezone"] == "America/New_York"
    before, calls = (stack.schedules(), stack.rules()), len(stack.sandbox.calls.log)
    stack.push(CHANGED)
    assert (stack.schedules(), stack.rules()) == before
    changing = ("Create", "Update", "Delete", "PutRule", "PutTargets", "Remove")
    changed = [call.operation for call in stack.sandbox.calls.log[calls:] if call.service in ("events", "scheduler")]
    assert not [operation for operation in changed if operation.startswith(changing)]
    stack.push(EMPTY)
    assert stack.ours() == ([], [])
    assert loaded(str(stack.item("COMPILED")["doc"])).jobs == ()


def test_a_window_has_two_schedules_that_change_and_go_with_the_document(stack: PolicyStack) -> None:
    jobs, turns = ["hourly", "nightly"], ["window.night.closes", "window.night.opens"]
    stack.push(FULL + WINDOWS)
    assert stack.ours()[0] == [*jobs, *turns]
    opens, closes = (stack.schedules()[stack.group, f"window.night.{which}"] for which in ("opens", "closes"))
    assert (opens["ScheduleExpression"], closes["ScheduleExpression"]) == (
        "cron(0 22 ? * FRI *)",
        "cron(0 6 ? * SAT *)",
    )
    assert {each["ScheduleExpressionTimezone"] for each in (opens, closes)} == {"Europe/Berlin"}
    assert opens["Target"]["Arn"] == stack.sandbox.resource("ScalerFunction").attributes["Arn"]
    before = stack.schedules()
    stack.push(FULL + WINDOWS + "\n")
    assert stack.schedules() == before
    stack.push(FULL + WINDOWS.replace("22:00", "23:30"))
    changed = stack.schedules()
    assert changed[stack.group, "window.night.opens"]["ScheduleExpression"] == "cron(30 23 ? * FRI *)"
    assert changed[stack.group, "window.night.closes"] == closes
    stack.push(FULL + WINDOWS.replace("desired: 0", "desired: 0\n      mode: off"))
    assert stack.ours()[0] == jobs
    stack.push(FULL + WINDOWS)
    stack.push(FULL)
    assert stack.ours()[0] == jobs
    assert (stack.sandbox.dead_letters, stack.sandbox.lost) == ([], [])


def test_what_breakwater_did_not_make_is_never_touched(stack: PolicyStack) -> None:
    stack.push(FULL)
    prefix = next(name for name in stack.rules() if "-upload-" in name).removesuffix("prices")
    role = stack.sandbox.account.scheduler.kept[stack.group, "nightly"].said["Target"]["RoleArn"]
    target = {"Arn": stack.sandbox.account.queues.all()[0].arn, "RoleArn": role}
    window = {"Mode": "OFF"}
    for group, name in (("default", "nightly"), (stack.group, "weekly"), (stack.group, "theirs")):
        stack.scheduler.create_schedule(
            GroupName=group, Name=name, ScheduleExpression="rate(9 days)", Target=target, FlexibleTimeWindow=window
        )
    for name in ("upload-by-hand", f"{prefix}photos", f"{prefix}by-hand"):
        stack.events.put_rule(Name=name, EventPattern='{"source":["mine"]}')
        stack.events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": target["Arn"]}])
    theirs = (
        {key: said for key, said in stack.schedules().items() if key[1] != "hourly" and "rate(9" in str(said)},
        {name: rule for name, rule in stack.rules().items() if "mine" in str(rule) or "-upload-" not in name},
    )
    for document in (CHANGED, EMPTY):
        stack.push(document)
        assert {key: stack.schedules()[key] for key in theirs[0]} == theirs[0]
        assert {name: stack.rules()[name] for name in theirs[1]} == theirs[1]
    assert len(theirs[0]) == 3
    assert subjects(stack)[0] == "[HIGH] policy.yaml: the policy could not be applied in full"
    assert "was not made by Breakwater" in stack.sandbox.messages[0].body


def test_a_rejected_document_is_told_with_its_mistakes_and_changes_nothing(stack: PolicyStack) -> None:
    stack.push(FULL)
    before = (stack.schedules(), stack.rules(), stack.item("COMPILED"))
    stack.push(CHANGED.replace("cron(30 4", "cron(99 4") + "surprise: 1\n")
    assert (stack.schedules(), stack.rules(), stack.item("COMPILED")) == before
    assert stack.item("DOCUMENT")["outcome"] == "rejected"
    (mail,) = stack.sandbox.messages
    assert "policy.yaml:6: jobs[0].schedule" in mail.body.replace("\n", " ")
    assert "policy.yaml:20: surprise" in mail.body.replace("\n", " ")
    stack.sandbox.advance(timedelta(minutes=45))  # quiet for longer than half an hour
    stack.push(CHANGED)
    assert subjects(stack) == [
        "[HIGH] policy.yaml: the policy document was rejected",
        "[RESOLVED] policy.yaml: the policy document was rejected",
    ]


def test_each_rejected_document_is_told_and_the_one_before_is_over(stack: PolicyStack) -> None:
    stack.push("version: 2\n")
    stack.push("version: 1\njobs: {}\n")
    stack.push("version: 1\njobs: {}\n")
    first, then = ["[HIGH]"], ["[HIGH]", "[RESOLVED]"]
    assert [subject.split()[0] for subject in subjects(stack)] == [*first, *then, *then]
    stack.push(EMPTY)
    assert still_open(stack) == []


RUBBISH = {
    "no UTF-8": b"version: 1\n\xff\xfe",
    "too long": b"version: 1\n#" + b"x" * 1_000_000,
    "empty": b"",
    "binary": b"\x00" * 40,
    "a circle": b"a: &a [*a]\n",
    "more than the table takes": b"version: 1\njobs:\n"
    + b"".join(
        b"  - {name: j%d, schedule: rate(1 day), task: {cluster: c, task_definition: t, command: [%s]}}\n"
        % (number, b"x" * 4000)
        for number in range(100)
    ),
}


def test_whatever_lies_there_is_rejected_in_words(stack: PolicyStack) -> None:
    for what, body in RUBBISH.items():
        version = stack.push(body)
        document = stack.item("DOCUMENT")
        assert (document["version"], document["outcome"]) == (version, "rejected"), what
        assert "policy.yaml:" in document["problems"], what
    assert {run.outcome for run in stack.sandbox.invocations} == {"ok"}


def test_a_document_that_no_event_told_of_is_found_by_the_sweep(stack: PolicyStack) -> None:
    stack.sandbox.chaos(drop=1.0)
    stack.upload(FULL)
    stack.sandbox.advance(timedelta(minutes=6))
    assert stack.ours() == (["hourly", "nightly"], ["prices"])


def test_events_that_come_twice_and_late_end_with_the_newest_document(stack: PolicyStack) -> None:
    stack.sandbox.chaos(duplicate=0.5, delay=timedelta(minutes=2))
    for document in (FULL, EMPTY, FULL, CHANGED):
        stack.upload(document)
    stack.sandbox.advance(timedelta(minutes=10))
    assert stack.ours() == (["nightly", "weekly"], ["photos", "prices"])
    assert subjects(stack) == []


def test_what_aws_throttles_is_reported_and_tried_again_and_holds_up_nothing_else(stack: PolicyStack) -> None:
    """The change of one schedule fails, the making of another, the end of a third; a rule, and a rule's target."""
    stack.push(FULL)
    stack.after_a_sweep()
    for operation in ("CreateSchedule", "UpdateSchedule", "DeleteSchedule", "PutRule", "PutTargets"):
        service = "scheduler" if operation.endswith("Schedule") else "events"
        stack.sandbox.fail(service, operation, "ThrottlingException", times=1)
    stack.push(CHANGED)
    document = stack.item("DOCUMENT")
    assert document["outcome"] == "unfinished"
    assert document["problems"].count("ThrottlingException") == 5
    assert stack.ours() == (["hourly", "nightly"], ["photos", "prices"])
    stack.sandbox.advance(timedelta(minutes=6))
    assert stack.ours() == (["nightly", "weekly"], ["photos", "prices"])
    assert stack.item("DOCUMENT")["outcome"] == "applied"
    assert subjects(stack) == [
        "[HIGH] policy.yaml: the policy could not be applied in full",
        "[RESOLVED] policy.yaml: the policy could not be applied in full",
    ]


BEFORE_ANY_CHANGE = (
    ("s3", "GetObject"),
    ("scheduler", "ListSchedules"),
    ("scheduler", "GetSchedule"),
    ("events", "ListRules"),
    ("dynamodb", "UpdateItem"),
    ("dynamodb", "BatchGetItem"),
    ("dynamodb", "TransactWriteItems"),
)


def test_what_cannot_be_read_or_kept_stops_it_before_anything_is_changed(stack: PolicyStack) -> None:
    stack.push(FULL)
    for service, operation in BEFORE_ANY_CHANGE[:: 1 if EXHAUSTIVE else 3]:
        stack.after_a_sweep()
        stack.sandbox.fail(service, operation, "ThrottlingException", times=2, function="PolicySyncFunction")
        stack.push(CHANGED)
        assert stack.ours() == (["hourly", "nightly"], ["prices"]), operation
        stack.sandbox.advance(timedelta(minutes=6))
        assert stack.ours() == (["nightly", "weekly"], ["photos", "prices"]), operation
        assert subjects(stack) == []
        stack.push(FULL)


def test_what_somebody_changed_by_hand_is_put_right(stack: PolicyStack) -> None:
    stack.push(FULL)
    stack.scheduler.delete_schedule(GroupName=stack.group, Name="hourly")
    rule = next(name for name in stack.rules() if "-upload-" in name)
    stack.events.remove_targets(Rule=rule, Ids=["breakwater"])
    stack.sandbox.advance(timedelta(minutes=6))
    assert stack.ours() == (["nightly"], ["prices"]), "it is looked for every six hours"
    stack.looked_hours_ago(6)
    stack.sandbox.advance(timedelta(minutes=6))
    assert stack.ours() == (["hourly", "nightly"], ["prices"])
    assert len(stack.rules()[rule]["Targets"]) == 1


def test_in_the_mode_off_a_document_waits() -> None:
    with deployed(Mode="off") as stack:
        stack.push(FULL)
        assert stack.ours() == ([], [])
        assert stack.item("DOCUMENT") == {}


def test_the_overrides_of_a_job_are_in_the_compiled_policy_and_nowhere_else(stack: PolicyStack) -> None:
    stack.push(FULL)
    stack.push(FULL.replace("cron(0 3", "cron(61 3"))
    shown = [mail.body for mail in stack.sandbox.messages] + [line.text for line in stack.sandbox.logs()]
    kept = [item for item in stack.sandbox.table_items() if item["sk"] != "COMPILED"]
    assert "canary" in stack.item("COMPILED")["doc"]
    assert "canary" not in str(shown)
    assert "canary" not in str(kept)
    assert "canary" not in str((stack.schedules(), stack.rules()))


def test_a_schedule_and_an_upload_arrive_in_their_queues(stack: PolicyStack) -> None:
    stack.s3.create_bucket(Bucket="shop-inbox")
    stack.s3.put_bucket_notification_configuration(
        Bucket="shop-inbox", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    stack.push(FULL.replace("rate(1 hour)", "rate(10 minutes)"))
    for key in ("incoming/a.csv", "incoming/a.txt", "outgoing/a.csv", "incoming/b.csv"):
        stack.s3.put_object(Bucket="shop-inbox", Key=key, Body=b"x")
    waiting = {queue.name: queue.sent for queue in stack.sandbox.account.queues.all()}
    stack.sandbox.advance(timedelta(minutes=11))
    sent = {queue.name.split("-")[1]: queue.sent - waiting[queue.name] for queue in stack.sandbox.account.queues.all()}
    assert (sent["BatchQueue"], sent["UploadsQueue"]) == (1, 2)
    assert sent["PolicyRoutesDeadLetterQueue"] == 0


@pytest.mark.parametrize("turn", range(so_many(1, exhaustive=2)))
@pytest.mark.parametrize("broken", [False, True], ids=["a good document", "a bad document"])
def test_killed_at_any_call_it_converges(
    stack: PolicyStack, monkeypatch: pytest.MonkeyPatch, turn: int, broken: bool
) -> None:
    """Before a call and after it by turns, a third of the calls; in `make exhaustive` each of them twice."""
    killer = Killer(stack.sandbox, "PolicySync", monkeypatch)
    stack.push(FULL)
    told = tried = 0
    for number in range(int(broken), 100, 1 if EXHAUSTIVE else 3):
        killer.arm(number, after=(number + turn) % 2 == 1)
        stack.push("version: 1\nsurprise: true\n" if broken else CHANGED)
        killed = killer.disarm()
        if killed:
            stack.sandbox.advance(LONG_ENOUGH)
        assert stack.item("DOCUMENT")["outcome"] == ("rejected" if broken else "applied"), killed
        if broken:
            told += 1
            assert stack.ours() == (["hourly", "nightly"], ["prices"]), killed
            assert [subject.split()[0] for subject in subjects(stack)].count("[HIGH]") == told, killed
        else:
            assert stack.ours() == (["nightly", "weekly"], ["photos", "prices"]), killed
            assert subjects(stack) == [], killed
        stack.push(FULL)
        assert stack.ours() == (["hourly", "nightly"], ["prices"])
        assert still_open(stack) == [], killed
        if not killed:
            break
        tried += 1
    assert number >= 15
    assert tried >= (15 if EXHAUSTIVE else 5)
