"""What has to change so that schedules and rules are those of the policy.

Pure: the plan follows from what is wanted, what is found and the time. What is found and is not ours stays, also where
it has a name that we want; then the plan says so and the policy counts as not applied in full.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from breakwater.occurrences import read_schedule
from breakwater.routes import Routes, Rule, Schedule

_FOR_EVER = timedelta(days=366 * 100)


@dataclass(frozen=True, slots=True)
class PutSchedule:
    """Create a schedule (`new`), or change it to this."""

    schedule: Schedule
    new: bool
    reason: str


@dataclass(frozen=True, slots=True)
class DeleteSchedule:
    """Delete a schedule of ours."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class PutRule:
    """Create a rule with its target, or change it to this. `stale` are targets of it that go away, by id."""

    rule: Rule
    stale: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class DeleteRule:
    """Delete a rule of ours, its targets (by id) first."""

    name: str
    targets: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Something that is not ours has the name that we want."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Leave:
    """There is nothing to do about a schedule that is wanted and not there."""

    name: str
    reason: str


Step = PutSchedule | DeleteSchedule | PutRule | DeleteRule | Refuse | Leave


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in the order in which they are taken: what is new comes before what goes, so that there is no gap."""

    steps: tuple[Step, ...]

    @property
    def changes(self) -> tuple[PutSchedule | DeleteSchedule | PutRule | DeleteRule, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if not isinstance(step, Refuse | Leave))


def decide_plan(wanted: Routes, found: Routes, now: datetime) -> Plan:
    """Compare what is wanted with all that is found in our group and under our prefix."""
    steps = (*_schedules(wanted, found, now), *_rules(wanted, found))
    last = [step for step in steps if isinstance(step, DeleteSchedule | DeleteRule)]
    return Plan((*(step for step in steps if not isinstance(step, DeleteSchedule | DeleteRule)), *last))


def _schedules(wanted: Routes, found: Routes, now: datetime) -> Iterator[Step]:
    there = {schedule.name: schedule for schedule in found.schedules}
    for schedule in wanted.schedules:
        old = there.get(schedule.name)
        if old is None and _is_over(schedule, now):
            yield Leave(schedule.name, f"{schedule.expression} {schedule.zone} has passed")
        elif old is None:
            yield PutSchedule(schedule, True, f"{schedule.expression} {schedule.zone}: not there yet")
        elif not old.ours:
            yield Refuse(schedule.name, f"the schedule {schedule.name} in our group was not made by Breakwater")
        elif old != schedule:
            yield PutSchedule(schedule, False, _differences(old, schedule))
    names = {schedule.name for schedule in wanted.schedules}
    for schedule in found.schedules:
        if schedule.ours and schedule.name not in names:
            yield DeleteSchedule(schedule.name, "the policy has no such job or window, or it is off")


def _rules(wanted: Routes, found: Routes) -> Iterator[Step]:
    there = {rule.name: rule for rule in found.rules}
    for rule in wanted.rules:
        old = there.get(rule.name)
        if old is None:
            yield PutRule(rule, (), "not there yet")
        elif not old.ours:
            yield Refuse(rule.name, f"the rule {rule.name} was not made by Breakwater")
        elif old != rule:
            kept = {id_ for id_, _ in rule.targets}
            yield PutRule(rule, tuple(id_ for id_, _ in old.targets if id_ not in kept), _differences(old, rule))
    names = {rule.name for rule in wanted.rules}
    for rule in found.rules:
        if rule.ours and rule.name not in names:
            yield DeleteRule(rule.name, tuple(id_ for id_, _ in rule.targets), "the policy has no such upload")


def _is_over(schedule: Schedule, now: datetime) -> bool:
    if not schedule.expression.startswith("at("):
        return False
    due = read_schedule(schedule.expression, schedule.zone).between(now, now + _FOR_EVER)
    return next(due, None) is None


def _differences(old: Schedule | Rule, new: Schedule | Rule) -> str:
    """Which parts differ, by name: what stands in them may be long, and is in the document."""
    names = [name for name in new.__slots__ if getattr(old, name) != getattr(new, name)]
    if isinstance(old, Schedule) and isinstance(new, Schedule) and old.expression != new.expression:
        return f"{old.expression} becomes {new.expression}"
    return f"differs in {', '.join(names)}"
