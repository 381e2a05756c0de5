"""In quiet hours what is not of high severity waits for a digest at their end; nothing of it is lost or told twice."""

from dataclasses import replace
from datetime import timedelta

from breakwater.compiled import Compiled, ServiceRules
from breakwater.model import Notice, NoticeKind, Severity, SubjectKind
from breakwater.policies import QuietPolicy
from breakwater.wire import dump_notice
from notifier import handler, sweep
from notifier.inbox import flush_body
from notifier.wiring import Deps
from tests.unit.notifier.samples import START, World, a_notice, an_event, notices_of

LOW, MEDIUM = Severity.LOW, Severity.MEDIUM
QUIET = QuietPolicy(tuple(range(7)), 9 * 60, 11 * 60)
"""From nine to eleven, UTC; START is two minutes before ten."""
UNTIL_ELEVEN = timedelta(hours=1, minutes=1, seconds=56)


def quiet_world(policy: Compiled | None = None) -> tuple[World, Deps]:
    world = World()
    said = policy or Compiled(others=ServiceRules("*/*", quiet=(QUIET,)))
    return world, replace(world.deps, policy=lambda: said)


def hear(deps: Deps, *notices: Notice) -> None:
    assert handler.respond(an_event(*(dump_notice(notice) for notice in notices)), deps) == {"batchItemFailures": []}


def test_what_is_of_high_severity_is_told_at_once_and_the_rest_in_one_digest_at_the_end() -> None:
    world, deps = quiet_world()
    bad, lesser, least = a_notice(1), a_notice(2, severity=MEDIUM), a_notice(3, severity=LOW)
    hear(deps, bad, lesser, least)
    assert world.mail.told == world.slack.told == [bad.id]
    assert world.wake_ups.asked == [], "nobody is woken for what waits"
    for minutes in range(0, 70, 5):
        sweep.respond(deps)
        waits = minutes * 60 < UNTIL_ELEVEN.total_seconds()
        assert len(world.mail.sent) == (1 if waits else 2), f"after {minutes} minutes"
        world.clock.move(300)
    ((lines, waiting),) = world.mail.digests
    assert ([line.newest.incident_id for line in lines], waiting) == ([f"{number:016x}" for number in (2, 3)], 0)
    assert world.mail.told == world.slack.told == [bad.id, lesser.id, least.id]


def test_what_comes_again_while_it_waits_keeps_waiting_and_is_told_once() -> None:
    world, deps = quiet_world()
    notice = a_notice(severity=MEDIUM)
    for _ in range(3):
        hear(deps, notice)
        sweep.respond(deps)
        handler.respond(an_event(flush_body("mail")), deps)
    assert world.mail.sent == []
    world.clock.move(UNTIL_ELEVEN.total_seconds())
    sweep.respond(deps)
    hear(deps, notice)
    sweep.respond(deps)
    assert world.mail.told == [notice.id]


def test_the_digest_of_a_storm_names_nothing_that_waits_for_the_end() -> None:
    world, deps = quiet_world()
    hear(deps, a_notice(99, severity=LOW), *notices_of(20))
    world.clock.move(30)
    handler.respond(an_event(flush_body("mail")), deps)
    assert len(set(world.mail.told)) == 20
    assert a_notice(99, severity=LOW).id not in world.mail.told
    world.clock.move(UNTIL_ELEVEN.total_seconds())
    sweep.respond(deps)
    assert world.mail.told[-1] == a_notice(99, severity=LOW).id


def test_an_incident_that_grows_worse_in_quiet_hours_is_told_then() -> None:
    world, deps = quiet_world()
    hear(deps, a_notice(severity=MEDIUM))
    worse = a_notice(kind=NoticeKind.UPDATED, severity=Severity.HIGH, sequence=2)
    hear(deps, worse)
    assert world.mail.told == [worse.id]


def test_what_came_and_went_in_quiet_hours_is_one_line() -> None:
    world, deps = quiet_world()
    hear(deps, a_notice(severity=MEDIUM))
    hear(deps, a_notice(severity=MEDIUM, kind=NoticeKind.RESOLVED, sequence=2, seconds=60))
    world.clock.move(UNTIL_ELEVEN.total_seconds())
    sweep.respond(deps)
    ((lines, _),) = world.mail.digests
    assert [(line.is_over, len(line.entries)) for line in lines] == [(True, 2)]


def test_a_service_has_the_hours_of_its_entry_and_everything_else_those_of_the_defaults() -> None:
    entry = ServiceRules("prod/loud")
    world, deps = quiet_world(Compiled(others=ServiceRules("*/*", quiet=(QUIET,)), services=(entry,)))
    loud = a_notice(1, severity=LOW, subject="loud")
    job = a_notice(2, severity=LOW, subject="loud", subject_kind=SubjectKind.JOB)
    hear(deps, loud, job)
    assert world.mail.told == [loud.id]


def test_outside_of_quiet_hours_nothing_waits() -> None:
    world, deps = quiet_world()
    world.clock.move(UNTIL_ELEVEN.total_seconds())
    hear(deps, a_notice(severity=LOW, seconds=UNTIL_ELEVEN.total_seconds()))
    assert len(world.mail.told) == 1
    assert world.clock.at == START + UNTIL_ELEVEN
