"""The compiled policy: what a document says, resolved; what nobody says; what a tag may do."""

from datetime import UTC, datetime

import pytest

from breakwater.compiled import Compiled, loaded
from breakwater.model import Mode, Severity
from breakwater.policies import GuardPolicy, lower, lowered, matches
from breakwater.policy import Policy, compile_policy, read_policy

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ARN = "arn:aws:scheduler:us-east-1:111122223333:schedule/ours/{}"


def compiled(text: str, before: Compiled | None = None, now: datetime = NOW) -> Compiled:
    return compile_policy(read_policy(f"version: 1\n{text}"), ARN, before or Compiled(), now)


def test_without_a_document_the_functions_assume_what_an_empty_one_says() -> None:
    empty = compile_policy(Policy(version=1), ARN, Compiled(), NOW)
    nothing = Compiled()
    assert empty.alerts() == nothing.alerts()
    assert empty.guard_for("prod", "web") == nothing.guard_for("prod", "web") == GuardPolicy()
    assert empty.rules_for("prod", "web").release == nothing.rules_for("prod", "web").release
    assert empty.channel("mail") == nothing.channel("mail")
    assert empty.scaling == nothing.scaling
    assert empty.batch == nothing.batch


SERVICES = """
defaults: {mode: observe, guard: {budget: 5, bake_minutes: 20}}
services:
  - match: prod/web
    mode: act
    guard: {bake_minutes: 3}
  - match: prod/*
    guard: {mode: act, halted: true}
  - match: "*/batch-?"
    mode: "off"
"""


@pytest.mark.parametrize(
    ("cluster", "service", "expected"),
    [
        pytest.param("prod", "web", GuardPolicy(Mode.ACT, bake_minutes=3, budget=5), id="the first that matches"),
        pytest.param("prod", "api", GuardPolicy(Mode.ACT, 20, budget=5, halted=True), id="a glob, its own mode"),
        pytest.param("dev", "batch-1", GuardPolicy(Mode.OFF, 20, budget=5), id="any cluster"),
        pytest.param("prod", "batch-1", GuardPolicy(Mode.ACT, 20, budget=5, halted=True), id="not the second one"),
        pytest.param("dev", "batch-12", GuardPolicy(Mode.OBSERVE, 20, budget=5), id="none"),
        pytest.param(None, "web", GuardPolicy(Mode.OBSERVE, 20, budget=5), id="no cluster is `default`"),
    ],
)
def test_a_service_has_the_rules_of_the_first_entry_that_matches(
    cluster: str | None, service: str, expected: GuardPolicy
) -> None:
    assert compiled(SERVICES).guard_for(cluster, service) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("defaults: {mode: act}", Mode.ACT, id="the mode of the defaults"),
        pytest.param("defaults: {mode: act, guard: {mode: observe}}", Mode.OBSERVE, id="their guard's"),
        pytest.param(
            "defaults: {guard: {mode: observe}}\nservices: [{match: p/w, mode: act}]", Mode.ACT, id="the service's"
        ),
        pytest.param("services: [{match: p/w, mode: act, guard: {mode: 'off'}}]", Mode.OFF, id="the service's guard's"),
    ],
)
def test_the_nearest_mode_is_taken(text: str, expected: Mode) -> None:
    assert compiled(text).guard_for("p", "w").mode is expected


@pytest.mark.parametrize(
    ("mode", "tag", "expected"),
    [
        (Mode.ACT, None, Mode.ACT),
        (Mode.ACT, "observe", Mode.OBSERVE),
        (Mode.ACT, "off", Mode.OFF),
        (Mode.OBSERVE, "act", Mode.OBSERVE),
        (Mode.OFF, "act", Mode.OFF),
        (Mode.OFF, "observe", Mode.OFF),
        (Mode.ACT, " OFF ", Mode.OFF),
        (Mode.ACT, "Act", Mode.ACT),
        (Mode.ACT, "", Mode.OBSERVE),
        (Mode.ACT, "nonsense", Mode.OBSERVE),
        (Mode.OFF, "nonsense", Mode.OFF),
    ],
)
def test_a_tag_can_only_lower_the_mode(mode: Mode, tag: str | None, expected: Mode) -> None:
    assert lowered(mode, tag) is expected


def test_the_stack_bounds_the_policy() -> None:
    assert [lower(Mode.OBSERVE, mode) for mode in Mode] == [Mode.OFF, Mode.OBSERVE, Mode.OBSERVE]


@pytest.mark.parametrize(
    ("glob", "text", "expected"),
    [
        ("*/*", "prod/web", True),
        ("prod/*", "prod/", True),
        ("prod/*", "dev/web", False),
        ("*", "prod/web", False),
        ("prod/w?b", "prod/web", True),
        ("prod/w?b", "prod/wb", False),
        ("prod/web", "prod/web-2", False),
        ("prod/we.", "prod/web", False),
    ],
)
def test_a_glob_stays_within_its_half(glob: str, text: str, expected: bool) -> None:
    assert matches(glob, text) is expected


JOB = "jobs: [{name: nightly, schedule: '%s', task: {cluster: c, task_definition: t}}]"


def test_a_job_keeps_the_time_since_when_its_schedule_holds() -> None:
    first = compiled(JOB % "rate(1 day)")
    later = datetime(2026, 3, 9, tzinfo=UTC)
    assert first.jobs[0].since == "2026-03-02T12:00:00Z"
    assert first.jobs[0].schedule_arn == ARN.format("nightly")
    assert compiled(JOB % "rate(1 day)", first, later).jobs[0].since == "2026-03-02T12:00:00Z"
    assert compiled(JOB % "rate(2 days)", first, later).jobs[0].since == "2026-03-09T00:00:00Z"


def test_a_job_that_was_off_begins_anew_for_it_had_no_schedule() -> None:
    job = "jobs: [{name: nightly, schedule: rate(1 day), mode: '%s', task: {cluster: c, task_definition: t}}]"
    off = compiled(job % "off", compiled(job % "act"), datetime(2026, 3, 9, tzinfo=UTC))
    on = compiled(job % "act", off, datetime(2026, 3, 10, 5, tzinfo=UTC))
    assert on.jobs[0].since == "2026-03-10T05:00:00Z"
    observes = compiled(job % "observe", on, datetime(2026, 3, 11, tzinfo=UTC))
    assert observes.jobs[0].since == on.jobs[0].since, "it still has its schedule"


def test_it_survives_the_table() -> None:
    text = f"""{SERVICES}
channels: {{slack: {{minimum_severity: high}}}}
{JOB % "cron(0 3 * * ? *)"}
uploads:
  - name: in
    bucket: abc
    key_place: argument
    task: {{cluster: c, task_definition: t, command: [x]}}
    retries: {{exit_codes: any}}
scaling:
  windows: [{{name: night, match: '*/*', opens: "20:00", closes: "07:30", days: [sunday, monday], desired: 0}}]
  headroom: [{{match: prod, mode: act}}]
"""
    policy = compiled(text)
    assert loaded(policy.dumped()) == policy
    assert policy.channel("slack").minimum_severity is Severity.HIGH
    assert policy.uploads[0].rules.retry.exit_codes is None
    (window,) = policy.scaling.windows
    assert (window.days, window.opens, window.closes) == ((0, 6), 1200, 450)


def test_what_another_version_wrote_is_read() -> None:
    assert loaded("{}") == Compiled()
    assert loaded('{"others": {"match": "*/*", "later": 1}, "more": []}') == Compiled()
