"""Schedules in virtual time: rate and cron expressions of rules and of EventBridge Scheduler.

A rate counts from the deployment on. Cron has EventBridge's six fields; `L`, `W` and `#` are refused by name. In a
time zone, an hour that the change to summer time skips does not fire, and one that is repeated fires once.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.account import Account
from sandbox.bus import Rule
from sandbox.clock import Clock, Timer
from sandbox.delivery import Sender, deliver
from sandbox.errors import TemplateError, UnsupportedError

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
_CRON = re.compile(r"cron\((.+)\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_HORIZON_DAYS = 366 * 8

Instants = Iterator[datetime]


@dataclass(frozen=True, slots=True)
class Cron:
    """The six fields of a cron expression as sets of numbers."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int] | None
    months: frozenset[int]
    weekdays: frozenset[int] | None
    years: frozenset[int]

    def on(self, day: datetime) -> bool:
        """Whether it fires on this day at all."""
        return (
            day.year in self.years
            and day.month in self.months
            and (self.days is None or day.day in self.days)
            and (self.weekdays is None or day.isoweekday() % 7 + 1 in self.weekdays)
        )


def instants(expression: str, after: datetime, zone: ZoneInfo | None = None) -> Instants:
    """Give the instants at which a schedule fires, all later than `after`."""
    if match := _RATE.fullmatch(expression):
        count, unit, plural = int(match[1]), match[2], match[3]
        if count < 1 or (count == 1) is bool(plural):
            raise TemplateError(f"{expression}: a value of one takes the singular, any other the plural")
        return _every(timedelta(seconds=count * _SECONDS[unit]), after)
    if match := _CRON.fullmatch(expression):
        return _cron(parse_cron(match[1]), after, zone or ZoneInfo("UTC"))
    if match := _AT.fullmatch(expression):
        at = datetime.fromisoformat(match[1]).replace(tzinfo=zone or UTC).astimezone(UTC)
        return iter([at] if at > after else [])
    raise TemplateError(f"schedule expression {expression!r}")


def _every(step: timedelta, after: datetime) -> Instants:
    while True:
        after += step
        yield after


def _cron(cron: Cron, after: datetime, zone: ZoneInfo) -> Instants:
    day = after.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    for _ in range(_HORIZON_DAYS):
        if cron.on(day):
            for hour in cron.hours:
                for minute in cron.minutes:
                    local = day.replace(hour=hour, minute=minute)
                    at = local.replace(tzinfo=zone).astimezone(UTC)
                    skipped = at.astimezone(zone).replace(tzinfo=None) != local
                    if at > after and not skipped:
                        yield at
        day += timedelta(days=1)


def parse_cron(text: str) -> Cron:
    """Read the inside of `cron(…)`."""
    fields = text.split()
    if len(fields) != 6:
        raise TemplateError(f"cron({text}): six fields are needed")
    minutes, hours, days, months, weekdays, years = fields
    if (days == "?") is (weekdays == "?"):
        raise TemplateError(f"cron({text}): exactly one of day-of-month and day-of-week is ?")
    return Cron(
        tuple(sorted(_field(minutes, 0, 59))),
        tuple(sorted(_field(hours, 0, 23))),
        None if days == "?" else _field(days, 1, 31),
        _field(months, 1, 12, _MONTHS),
        None if weekdays == "?" else _field(weekdays, 1, 7, _DAYS),
        _field(years, 1970, 2199),
    )


def _field(text: str, low: int, high: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    values: set[int] = set()
    for part in text.upper().split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        start = low if first == "*" else _number(first, names)
        end = high if first == "*" or (step and not dash) else _number(last, names) if dash else start
        if not low <= start <= end <= high or (step and not step.isdecimal()):
            raise TemplateError(f"cron field {text!r}")
        values.update(range(start, end + 1, int(step or 1)))
    return frozenset(values)


def _number(text: str, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text) + 1
    if not text.isdecimal():
        raise UnsupportedError(f"cron field {text!r}")
    return int(text)


@dataclass(slots=True, eq=False)
class Firing:
    """What lets a schedule fire: its next instant, until it is stopped."""

    timer: Timer | None = None

    def stop(self, clock: Clock) -> None:
        """Let it fire no more."""
        if self.timer is not None:
            clock.cancel(self.timer)


def fire(
    account: Account,
    name: str,
    schedule: Instants,
    action: Callable[[datetime], None],
    over: Callable[[], object] | None = None,
) -> Firing:
    """Run an action at each instant of a schedule; schedules do not keep a sandbox from being idle.

    `over` is called once no instant is left.
    """
    firing = Firing()

    def arm() -> None:
        at = next(schedule, None)
        if at is not None:
            firing.timer = account.clock.call_at(at, lambda: due(at), name, recurring=True)
        elif over is not None:
            over()

    def due(at: datetime) -> None:
        arm()
        action(at)

    arm()
    return firing


def schedule_rule(account: Account, rule: Rule, expression: str) -> None:
    """Let a schedule fire a rule with EventBridge's own event."""

    def action(at: datetime) -> None:
        event = {
            "version": "0",
            "id": account.uuid(),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": account.id,
            "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": account.region,
            "resources": [rule.arn],
            "detail": {},
        }
        account.bus.fire(rule, json.dumps(event))

    if rule.enabled:
        fire(account, f"schedule {rule.name}", instants(expression, account.clock.now), action)


def schedule_target(
    account: Account,
    arn: str,
    expression: str,
    zone: str | None,
    target: Mapping[str, Any],
    spread: timedelta,
    over: Callable[[], object] | None = None,
) -> Firing:
    """Let EventBridge Scheduler invoke a target; `spread` is its flexible window, drawn from the seed.

    `over` is called when it has fired for the last time.
    """

    def send(at: datetime) -> None:
        body = target.get("Input") or json.dumps(_scheduler_event(account, arn, at))
        for keyword, value in (
            ("schedule-arn", arn),
            ("scheduled-time", at.strftime("%Y-%m-%dT%H:%M:%SZ")),
            ("execution-id", account.uuid()),
            ("attempt-number", "1"),
        ):
            body = body.replace(f"<aws.scheduler.{keyword}>", value)
        sender = Sender("scheduler.amazonaws.com", arn, role=target["RoleArn"])
        refusal = deliver(account, sender, target["Arn"], body)
        if refusal is None:
            return
        reason = f"{refusal.code}: {refusal.message}"
        dead = target.get("DeadLetterConfig", {}).get("Arn")
        second = deliver(account, sender, dead, body, failure=reason) if dead else refusal
        if second is not None:
            account.lose(arn, dead or target["Arn"], f"{second.code}: {second.message}", body)

    def action(at: datetime) -> None:
        late = timedelta(seconds=account.rng.random() * spread.total_seconds())
        account.clock.call_at(at + late, lambda: send(at), f"schedule {arn}")

    after = account.clock.now
    return fire(account, f"schedule {arn}", instants(expression, after, ZoneInfo(zone) if zone else None), action, over)


def _scheduler_event(account: Account, arn: str, at: datetime) -> dict[str, Any]:
    return {
        "version": "0",
        "id": account.uuid(),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": account.id,
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": account.region,
        "resources": [arn],
        "detail": "{}",
    }
