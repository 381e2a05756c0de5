import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakwater.causes import explanation
from breakwater.model import Category, Cause, Evidence, LogTail, Notice, NoticeKind, Severity, SubjectKind
from notifier import render_email
from notifier.decision import entry_of, merged
from tests.unit.notifier.samples import FULL_EVIDENCE, PLACE, a_hostile_notice, a_notice, notices_of

SNS_LIMIT = 262_144


def test_a_full_alert_says_everything_a_paged_engineer_asks_in_that_order() -> None:
    body = render_email.notice(a_notice(count=12, seconds=577), PLACE).body
    asked = [
        "prod/orders-api: ",
        "New incident, high severity.",
        "It happened 12 times between",
        "09:58:04 and 10:07:41 UTC.",
        "WHY\nContainer app was killed",
        "WHAT TO DO\n1. ",
        "LOOK AT IT\nhttps://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/orders-api?region=eu-west-1",
        "| 2026-03-02T09:58:03Z INFO  loading price list, 412 MB",
        "From /ecs/prod/orders-api app/app/0123456789abcdef0123456789abcdef",
        "Revision:    orders-api:42",
        "Container:   app\nExit code:   137: killed",
        "Reason:      OutOfMemoryError: Container killed",
        "Beside it:   log-router, exit code 143",
        "Stop code:   EssentialContainerExited",
        "Stop reason: Essential container in task exited",
        "Digest:      sha256:9f86d081884c7d65",
        "Deployment:  ecs-svc/1234567890123456789",
        "Stopped:     2026-03-02 09:58:04 UTC",
        "Table breakwater-table,\npk INCIDENT#0000000000000001, sk INCIDENT",
    ]
    places = [body.find(text) for text in asked]
    assert -1 not in places, asked[places.index(-1)]
    assert places == sorted(places)


def test_lines_are_short_but_what_is_copied_stays_whole() -> None:
    body = render_email.notice(a_notice(), PLACE).body
    copied = ("http", "Image:", "Digest:", "Task:", "| ")
    assert all(len(line) <= 72 for line in body.splitlines() if not line.startswith(copied))
    assert str(FULL_EVIDENCE.task_arn) in body


def test_a_command_stays_in_one_line_so_that_it_can_be_copied() -> None:
    command = "`breakwater release approve arn:aws:ecs:us-east-1:111122223333:service-deployment/prod/web/x1`"
    notice = a_notice()
    asking = replace(
        notice, incident=replace(notice.incident, summary=f"{'Too little was seen. ' * 3}Answer with {command}.")
    )
    lines = render_email.notice(asking, PLACE).body.splitlines()
    assert f"{command}." in lines


@pytest.mark.parametrize(
    ("kind", "subject", "standing"),
    [
        pytest.param(NoticeKind.OPENED, "[HIGH] prod/orders-api: ", "New incident, high severity.", id="opened"),
        pytest.param(NoticeKind.UPDATED, "[HIGH, GOES ON] prod/orders-api: ", "It goes on", id="updated"),
        pytest.param(NoticeKind.REOPENED, "[HIGH, IS BACK] prod/orders-api: ", "It is back", id="reopened"),
        pytest.param(NoticeKind.RESOLVED, "[RESOLVED] prod/orders-api: ", "Resolved at 2026-03-02", id="resolved"),
    ],
)
def test_each_kind_of_news_is_told_apart_at_a_glance(kind: NoticeKind, subject: str, standing: str) -> None:
    mail = render_email.notice(a_notice(kind=kind), PLACE)
    assert mail.subject.startswith(subject)
    assert mail.subject.endswith(" (orders-api:42)")
    assert standing in mail.body


def test_what_aws_says_only_once_is_called_quiet_and_not_resolved() -> None:
    notice = a_notice(kind=NoticeKind.RESOLVED)
    notice = replace(notice, incident=replace(notice.incident, category=Category.THRESHOLD_CROSSED))
    mail = render_email.notice(notice, PLACE)
    assert mail.subject.startswith("[QUIET] ")
    assert "whether it is over, look" in " ".join(mail.body.split())


@pytest.mark.parametrize("category", [Category.THRESHOLD_CROSSED, Category.RUN_FAILED, Category.TASK_FAILED])
def test_what_breakwater_saw_to_be_over_is_called_resolved_and_says_how_it_knows(category: Category) -> None:
    notice = a_notice(kind=NoticeKind.RESOLVED)
    incident = replace(notice.incident, category=category, over="approved by ann (token=hunter2hunter2)")
    mail = render_email.notice(replace(notice, incident=incident), PLACE)
    assert mail.subject.startswith("[RESOLVED] ")
    assert "UTC: approved by ann" in " ".join(mail.body.split())
    assert "hunter2hunter2" not in mail.body


def a_release_that_passed() -> Notice:
    notice = a_notice(kind=NoticeKind.RESOLVED, cause=Cause.RELEASED, severity=Severity.LOW)
    incident = replace(
        notice.incident,
        category=Category.RELEASED,
        summary="orders-api:42 in place of orders-api:41: BLUE_GREEN, 14 minutes. Checks: smoke passed.",
        evidence=Evidence(done="Wrote the report of the release: s3://reports/releases/x/release-report.html"),
    )
    return replace(notice, incident=incident)


def test_a_release_that_passed_is_done_and_asks_for_nothing() -> None:
    mail = render_email.notice(a_release_that_passed(), PLACE)
    assert mail.subject == "[DONE] prod/orders-api: released and verified (orders-api:42)"
    for said in ("Nothing has to be done.", "smoke passed", "s3://reports/releases/x/release-report.html"):
        assert said in " ".join(mail.body.split())
    for unsaid in ("FAILED", "WHAT TO DO", "LOG LINES", "incident,", "Resolved", "Closed"):
        assert unsaid not in mail.body


def test_a_digest_says_of_a_release_that_passed_that_it_is_done() -> None:
    mail = render_email.digest(merged([entry_of(a_release_that_passed()), entry_of(a_notice(2))]), 0, PLACE)
    assert mail.subject == "[DIGEST] 2 incidents: 1 high, 1 done"
    assert "DONE: released and verified (1)" in mail.body
    assert ": done, once" in mail.body.replace("\n  ", " ")


def test_what_is_over_asks_for_nothing() -> None:
    body = render_email.notice(a_notice(kind=NoticeKind.RESOLVED), PLACE).body
    assert "WHAT TO DO" not in body
    assert "LAST LOG LINES" not in body


def test_late_news_is_called_late_in_subject_and_body() -> None:
    mail = render_email.notice(a_notice(late=True), PLACE)
    assert mail.subject.startswith("[HIGH] [LATE] ")
    assert "Late news" in mail.body


def test_a_missing_log_says_why() -> None:
    evidence = replace(FULL_EVIDENCE, log=LogTail("group", "stream", missing="the log stream does not exist"))
    assert (
        "LAST LOG LINES\nNone: the log stream does not exist."
        in render_email.notice(a_notice(evidence=evidence), PLACE).body
    )


def test_an_incident_without_any_evidence_is_still_a_message() -> None:
    mail = render_email.notice(a_notice(evidence=Evidence(), revision=None, cluster=None), PLACE)
    assert mail.subject.startswith("[HIGH] orders-api: ")
    assert "Container:   app" in mail.body
    assert "None: not read." in mail.body


def test_a_secret_that_slipped_into_a_reason_or_a_log_is_struck_out() -> None:
    secret = "postgres://svc:hunter2hunter2@db.internal/orders"
    evidence = replace(FULL_EVIDENCE, stopped_reason=secret, log=LogTail("g", "s", (secret,)))
    body = render_email.notice(a_notice(summary=secret, evidence=evidence), PLACE).body
    assert "hunter2" not in body
    assert body.count("[redacted]") == 3


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        pytest.param(SubjectKind.SERVICE, "/ecs/v2/clusters/prod/services/a%2Fb?", id="service"),
        pytest.param(SubjectKind.FAMILY, "/ecs/v2/task-definitions/a%2Fb?", id="family"),
        pytest.param(SubjectKind.INSTANCE, "/ecs/v2/clusters/prod/infrastructure?", id="instance"),
        pytest.param(SubjectKind.ALARM, "#alarmsV2:alarm/a%2Fb", id="alarm"),
    ],
)
def test_the_link_leads_to_what_failed_in_its_own_region(kind: SubjectKind, path: str) -> None:
    evidence = replace(FULL_EVIDENCE, task_arn="arn:aws:ecs:us-gov-west-1:111122223333:task/prod/1")
    body = render_email.notice(a_notice(subject="a/b", subject_kind=kind, evidence=evidence), PLACE).body
    (link,) = (line for line in body.splitlines() if line.startswith("https://"))
    assert link.startswith("https://us-gov-west-1.console.")
    assert path in link


@given(
    st.text(max_size=300),
    st.text(max_size=300),
    st.sampled_from(NoticeKind),
    st.sampled_from(Cause),
    st.sampled_from(Severity),
    st.booleans(),
)
def test_every_subject_is_printable_ascii_below_a_hundred_characters(
    name: str, revision: str, kind: NoticeKind, cause: Cause, severity: Severity, late: bool
) -> None:
    sample = a_notice(subject=name, revision=revision, kind=kind, cause=cause, severity=severity, late=late)
    subject = render_email.notice(sample, PLACE).subject
    assert subject.isascii()
    assert subject.isprintable()
    assert len(subject) < 100
    assert subject.startswith("[")


def test_a_long_name_gives_way_to_severity_cause_and_revision() -> None:
    subject = render_email.notice(a_notice(subject="very-long-name-" * 20), PLACE).subject
    assert subject.startswith("[HIGH] prod/very-long-name-")
    assert subject.endswith(" (orders-api:42)")
    assert "..." in subject


def test_an_incident_of_a_megabyte_in_every_field_is_a_message_sns_takes() -> None:
    body = render_email.notice(a_hostile_notice(), PLACE).body
    assert len(body.encode()) < SNS_LIMIT
    assert "\u202e" not in body
    assert "\x00" not in body


def test_a_digest_names_every_incident_with_cause_count_and_a_first_step() -> None:
    lines = merged(entry_of(notice) for notice in notices_of(40, count=3))
    mail = render_email.digest(lines, 7, PLACE)
    assert mail.subject == "[DIGEST] 40 incidents: 40 high"
    assert all(
        f"- prod/service-{number} (orders-api:42), container app: new, 3" in mail.body for number in range(1, 41)
    )
    assert "First step: " in mail.body
    assert "7 more did not fit and follow in the next digest" in mail.body


def test_a_digest_of_news_of_every_kind_says_which_is_which() -> None:
    kinds = [a_notice(number, kind=kind) for number, kind in enumerate(NoticeKind)]
    both = [a_notice(9), a_notice(9, kind=NoticeKind.RESOLVED, sequence=2, seconds=9)]
    body = render_email.digest(merged(entry_of(notice) for notice in (*kinds, *both)), 0, PLACE).body
    for news in ("new", "goes on", "is back", "resolved", "new and resolved already"):
        assert f": {news}, once" in body.replace("\n  ", " ")


@pytest.mark.parametrize("count", [1, 500, 5000])
def test_as_many_lines_as_are_said_to_fit_do_fit(count: int) -> None:
    lines = merged(entry_of(notice) for notice in notices_of(count, count=99999))
    fitting = render_email.room(lines)
    assert 1 <= fitting <= count
    body = render_email.digest(lines[:fitting], count - fitting, PLACE).body
    assert len(body.encode()) < render_email.LONGEST_BODY
    assert all(line.newest.incident_id in body for line in lines[:fitting])


def test_five_hundred_incidents_fit_into_one_digest() -> None:
    assert render_email.room(merged(entry_of(notice) for notice in notices_of(500))) == 500


def test_hostile_names_fit_as_well() -> None:
    lines = merged(entry_of(_renumbered(a_hostile_notice(2000), number)) for number in range(3000))
    body = render_email.digest(lines[: render_email.room(lines)], 0, PLACE).body
    assert len(body.encode()) < render_email.LONGEST_BODY


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_a_headline_and_its_steps(cause: Cause) -> None:
    body = render_email.notice(a_notice(cause=cause), PLACE).body
    assert re.match(r"prod/orders-api: \S", body)
    steps = known.next_steps if (known := explanation(cause)) else ()
    assert all(f"\n{number}. {step[:20]}" in body for number, step in enumerate(steps, 1))


def test_a_span_over_midnight_says_both_days() -> None:
    sample = a_notice(count=2)
    incident = replace(sample.incident, last_seen=datetime(2026, 3, 3, 0, 1, 2, tzinfo=UTC))
    body = render_email.notice(replace(sample, incident=incident), PLACE).body.replace("\n", " ")
    assert "between 2026-03-02 09:58:04 and 2026-03-03 00:01:02 UTC" in body


def _renumbered(notice: Notice, number: int) -> Notice:
    return replace(notice, id=f"{number}/1", incident=replace(notice.incident, id=f"{number:016x}"))
