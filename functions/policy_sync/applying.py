"""Carrying out a plan: one call after the other, and a call that fails does not hold up the rest."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, assert_never

from breakwater.errors import BreakwaterError
from breakwater.redact import redact
from breakwater.routes import Rule, Schedule

from .decision import DeleteRule, DeleteSchedule, Leave, Plan, PutRule, PutSchedule, Refuse, Step


class Schedules(Protocol):
    """Where schedules are kept (`breakwater.scheduler.ScheduleGroup`)."""

    def create(self, schedule: Schedule) -> None:
        """Create a schedule."""

    def change(self, schedule: Schedule) -> None:
        """Change a schedule."""

    def delete(self, name: str) -> None:
        """Delete a schedule."""


class Rules(Protocol):
    """Where rules are kept (`breakwater.rules.BusRules`)."""

    def put(self, rule: Rule, stale: tuple[str, ...] = ()) -> None:
        """Create or change a rule."""

    def delete(self, name: str, targets: tuple[str, ...]) -> None:
        """Delete a rule."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What was changed, and what could not be, each in words."""

    done: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def carry_out(plan: Plan, schedules: Schedules, rules: Rules, time_left: Callable[[], bool]) -> Applied:
    """Take every step of a plan while there is time. What fails or was not reached is for the next try."""
    done: list[str] = []
    failed: list[str] = []
    for step in plan.steps:
        what = said(step)
        if isinstance(step, Leave):
            continue
        if isinstance(step, Refuse):
            failed.append(step.reason)
            continue
        if not time_left():
            failed.append(f"{what}: there was no time left")
            continue
        try:
            _take(step, schedules, rules)
        except BreakwaterError as error:
            failed.append(redact(str(error)))
        else:
            done.append(what)
    return Applied(tuple(done), tuple(failed))


def said(step: Step) -> str:
    """A step for people, without what stands in commands and environments."""
    match step:
        case PutSchedule(schedule=schedule, new=new, reason=reason):
            return f"{'create' if new else 'change'} schedule {schedule.name}: {reason}"
        case PutRule(rule=rule, reason=reason):
            return f"put rule {rule.name}: {reason}"
        case DeleteSchedule(name=name, reason=reason):
            return f"delete schedule {name}: {reason}"
        case DeleteRule(name=name, reason=reason):
            return f"delete rule {name}: {reason}"
        case Refuse(name=name, reason=reason):
            return f"refuse {name}: {reason}"
        case Leave(name=name, reason=reason):
            return f"leave {name}: {reason}"
        case _:
            assert_never(step)


def _take(step: PutSchedule | DeleteSchedule | PutRule | DeleteRule, schedules: Schedules, rules: Rules) -> None:
    match step:
        case PutSchedule(schedule=schedule, new=True):
            schedules.create(schedule)
        case PutSchedule(schedule=schedule):
            schedules.change(schedule)
        case PutRule(rule=rule, stale=stale):
            rules.put(rule, stale)
        case DeleteSchedule(name=name):
            schedules.delete(name)
        case DeleteRule(name=name, targets=targets):
            rules.delete(name, targets)
        case _:
            assert_never(step)
