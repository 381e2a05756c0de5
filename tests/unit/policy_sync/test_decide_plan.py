"""The plan makes what is there what is wanted, touches nothing else, and is empty once it was carried out."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from breakwater.model import Mode
from breakwater.policies import JobSpec, RunRules, TaskSpec, UploadSpec, WindowPolicy
from breakwater.routes import Place, Routes, Rule, Schedule, pattern_of, routes_of
from policy_sync.applying import carry_out
from policy_sync.decision import DeleteRule, DeleteSchedule, Leave, PutRule, PutSchedule, Refuse, decide_plan
from sandbox.patterns import compile_pattern
from scaler.requests import WindowTurn, read_request

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HERE = ("111122223333", "us-east-1", "ours", "arn/{}", "bw-upload-")
PLACE = Place(*HERE, "role", "jobs", "uploads", "dead", "scaler", "its-role", "its-dead")
TASK = TaskSpec("c", "t")


def a_job(name: str = "nightly", schedule: str = "rate(1 day)", mode: Mode = Mode.ACT) -> JobSpec:
    return JobSpec(name, TASK, schedule, f"arn/{name}", "2026-01-01T00:00:00Z", rules=RunRules(mode=mode))


def an_upload(name: str = "prices", prefix: str = "in/", suffix: str = "", mode: Mode = Mode.ACT) -> UploadSpec:
    return UploadSpec(name, TASK, "shop-inbox", prefix, suffix, rules=RunRules(mode=mode))


def a_window(name: str = "night", opens: int = 22 * 60, mode: Mode = Mode.ACT) -> WindowPolicy:
    return WindowPolicy(name, "prod/web", (4,), opens, 6 * 60, "Europe/Berlin", mode, desired=0)


def routes(*entries: JobSpec | UploadSpec | WindowPolicy) -> Routes:
    jobs = tuple(entry for entry in entries if isinstance(entry, JobSpec))
    uploads = tuple(entry for entry in entries if isinstance(entry, UploadSpec))
    return routes_of(jobs, uploads, PLACE, tuple(entry for entry in entries if isinstance(entry, WindowPolicy)))


class Cloud:
    """Schedules and rules in memory."""

    def __init__(self, found: Routes) -> None:
        self._schedules = {schedule.name: schedule for schedule in found.schedules}
        self._rules = {rule.name: rule for rule in found.rules}

    @property
    def routes(self) -> Routes:
        return Routes(tuple(self._schedules.values()), tuple(self._rules.values()))

    def create(self, schedule: Schedule) -> None:
        assert schedule.name not in self._schedules
        self._schedules[schedule.name] = schedule

    def change(self, schedule: Schedule) -> None:
        assert schedule.name in self._schedules
        self._schedules[schedule.name] = schedule

    def put(self, rule: Rule, stale: tuple[str, ...] = ()) -> None:
        old = self._rules.get(rule.name)
        kept = () if old is None else tuple(target for target in old.targets if target[0] not in stale)
        targets = dict(kept) | dict(rule.targets)
        self._rules[rule.name] = replace(rule, targets=tuple(targets.items()))

    def delete(self, name: str, targets: tuple[str, ...] | None = None) -> None:
        if targets is None:
            del self._schedules[name]
        else:
            assert {id_ for id_, _ in self._rules[name].targets} <= set(targets)
            del self._rules[name]


def test_what_is_not_there_is_made_and_what_is_not_wanted_goes_last() -> None:
    plan = decide_plan(routes(a_job("new"), an_upload("new")), routes(a_job("old"), an_upload("old")), NOW)
    assert [type(step) for step in plan.steps] == [PutSchedule, PutRule, DeleteSchedule, DeleteRule]


def test_a_job_that_is_off_has_no_schedule_and_an_upload_no_rule() -> None:
    assert routes(a_job(mode=Mode.OFF), an_upload(mode=Mode.OFF)) == Routes()
    assert len(routes(a_job(mode=Mode.OBSERVE)).schedules) == 1


def test_a_window_wakes_the_scaler_when_it_opens_and_closes_and_one_that_is_off_does_not() -> None:
    assert routes(a_window(mode=Mode.OFF)) == Routes()
    opens, closes = routes(a_window()).schedules
    assert (opens.name, opens.expression, opens.zone) == ("window.night.opens", "cron(0 22 ? * FRI *)", "Europe/Berlin")
    assert (closes.name, closes.expression) == ("window.night.closes", "cron(0 6 ? * SAT *)")
    assert {(each.target, each.role, each.dead_letters) for each in (opens, closes)} == {
        ("scaler", "its-role", "its-dead")
    }
    assert read_request(json.loads(opens.input), NOW, 24) == WindowTurn("night")
    assert all(each.ours for each in (opens, closes))
    assert decide_plan(Routes(), routes(a_window()), NOW).changes == (
        DeleteSchedule(opens.name, "the policy has no such job or window, or it is off"),
        DeleteSchedule(closes.name, "the policy has no such job or window, or it is off"),
    )


def test_an_instant_that_has_passed_is_left_alone() -> None:
    wanted = routes(a_job(schedule="at(2026-03-02T11:59:00)"))
    (step,) = decide_plan(wanted, Routes(), NOW).steps
    assert isinstance(step, Leave)
    assert decide_plan(wanted, wanted, NOW).steps == ()
    assert decide_plan(routes(a_job(schedule="at(2026-03-02T12:01:00)")), Routes(), NOW).changes


def test_a_name_that_is_taken_is_refused_and_not_overwritten() -> None:
    wanted = routes(a_job(), an_upload())
    theirs = Routes(
        tuple(replace(schedule, description="mine") for schedule in wanted.schedules),
        tuple(replace(rule, description="") for rule in wanted.rules),
    )
    plan = decide_plan(wanted, theirs, NOW)
    assert [type(step) for step in plan.steps] == [Refuse, Refuse]
    assert decide_plan(Routes(), theirs, NOW).steps == ()


SCHEDULES = st.sampled_from(["rate(1 day)", "rate(2 days)", "cron(0 3 * * ? *)", "at(2027-01-01T00:00:00)"])
JOBS = st.lists(st.builds(a_job, st.sampled_from("abcd"), SCHEDULES, st.sampled_from(Mode)), unique_by=lambda j: j.name)
UPLOADS = st.lists(
    st.builds(an_upload, st.sampled_from("efgh"), st.sampled_from(["x/", "y/"]), mode=st.sampled_from(Mode)),
    unique_by=lambda upload: upload.name,
)
WINDOWS = st.lists(
    st.builds(a_window, st.sampled_from("ab"), st.sampled_from([0, 60]), st.sampled_from(Mode)),
    unique_by=lambda window: window.name,
)
STATES = st.builds(lambda jobs, uploads, windows: routes(*jobs, *uploads, *windows), JOBS, UPLOADS, WINDOWS)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(wanted=STATES, before=STATES, foreign=STATES, spoilt=st.booleans())
def test_carried_out_it_gives_what_is_wanted_and_leaves_what_is_foreign(
    wanted: Routes, before: Routes, foreign: Routes, spoilt: bool
) -> None:
    theirs = Routes(
        tuple(replace(each, name=f"z-{each.name}", description="by hand") for each in foreign.schedules),
        tuple(replace(each, name=f"z-{each.name}", description="by hand") for each in foreign.rules),
    )
    ours = before.rules
    if spoilt:
        ours = tuple(replace(rule, enabled=False, targets=(*rule.targets, ("more", "x"))) for rule in before.rules)
    cloud = Cloud(Routes((*before.schedules, *theirs.schedules), (*ours, *theirs.rules)))
    applied = carry_out(decide_plan(wanted, cloud.routes, NOW), cloud, cloud, lambda: True)
    assert applied.failed == ()
    after = cloud.routes
    assert {each for each in after.schedules if each.ours} == set(wanted.schedules)
    assert {each for each in after.rules if each.ours} == set(wanted.rules)
    assert {each for each in after.schedules if not each.ours} == set(theirs.schedules)
    assert {each for each in after.rules if not each.ours} == set(theirs.rules)
    assert decide_plan(wanted, after, NOW).steps == ()


KEY_PARTS = st.text(st.sampled_from("ab/.*?\\\"'[é"), max_size=6)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(prefix=KEY_PARTS, suffix=KEY_PARTS, key=st.text(st.sampled_from("ab/.*?\\\"'[é"), min_size=1, max_size=14))
def test_a_rule_lets_exactly_the_keys_with_prefix_and_suffix_through(prefix: str, suffix: str, key: str) -> None:
    pattern = compile_pattern(pattern_of("shop-inbox", prefix, suffix, "111122223333", "us-east-1"))
    for candidate in (key, f"{prefix}{key}", f"{key}{suffix}", f"{prefix}{key}{suffix}", prefix or key, suffix or key):
        event = {
            "account": "111122223333",
            "region": "us-east-1",
            "source": "aws.s3",
            "detail-type": "Object Created",
            "detail": {"bucket": {"name": "shop-inbox"}, "object": {"key": candidate}},
        }
        fits = candidate.startswith(prefix) and candidate.endswith(suffix)
        assert pattern.matches(event) is fits
        assert not pattern.matches({**event, "detail": {"bucket": {"name": "other"}, "object": {"key": candidate}}})
