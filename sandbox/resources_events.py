"""Provisioning of EventBridge rules, Scheduler schedules and CloudWatch alarms."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sandbox.account import Account
from sandbox.alarms import Alarm
from sandbox.bus import Rule, Target
from sandbox.errors import InvalidPatternError, TemplateError, UnsupportedError
from sandbox.patterns import compile_pattern
from sandbox.properties import Properties
from sandbox.schedules import schedule_rule, schedule_target

Made = tuple[str, Mapping[str, str]]
MAX_TARGETS = 5


def _rule(account: Account, p: Properties) -> Made:
    name = p.text("Name", account.name(p.logical_id))
    arn = account.arn("events", f"rule/{name}")
    if p.text("EventBusName", "default") != "default":
        raise UnsupportedError(f"{p.logical_id}: AWS::Events::Rule property EventBusName")
    pattern, schedule = p.any("EventPattern", None), p.maybe("ScheduleExpression")
    if (pattern is None) is (schedule is None):
        raise UnsupportedError(f"{p.logical_id}: a rule has either a pattern or a schedule")
    targets = tuple(_target(target) for target in p.each("Targets"))
    if not 1 <= len(targets) <= MAX_TARGETS or len({target.id for target in targets}) < len(targets):
        raise TemplateError(f"{p.logical_id}: one to five targets with distinct ids")
    description = p.text("Description", "")
    p.without_effect("Tags")
    try:
        compiled = None if pattern is None else compile_pattern(pattern)
    except InvalidPatternError as problem:
        raise InvalidPatternError(f"{p.logical_id}: {problem}") from problem
    rule = Rule(name, arn, compiled, targets, p.text("State", "ENABLED") == "ENABLED")
    rule.text, rule.description = "" if pattern is None else json.dumps(pattern), description
    account.bus.rules.append(rule)
    if schedule is not None:
        schedule_rule(account, rule, schedule)
    return name, {"Arn": arn}


def _target(p: Properties) -> Target:
    dead = p.inside("DeadLetterConfig")
    retry = p.inside("RetryPolicy")
    age, attempts = retry.number("MaximumEventAgeInSeconds", 86_400), retry.number("MaximumRetryAttempts", 185)
    if not 60 <= age <= 86_400 or not 0 <= attempts <= 185:
        raise TemplateError(f"{p.logical_id}: retry policy {age} s, {attempts} attempts is out of range")
    target = Target(p.text("Id"), p.text("Arn"), dead.maybe("Arn"), p.maybe("Input"), p.maybe("RoleArn"))
    if (target.role is not None) is not target.arn.startswith("arn:aws:states:"):
        raise UnsupportedError(f"{p.logical_id}: a state machine as target needs a RoleArn, others take none here")
    for part in (dead, retry, p):
        part.done()
    return target


def _schedule(account: Account, p: Properties) -> Made:
    name, group = p.text("Name", account.name(p.logical_id)), p.text("GroupName", "default")
    arn = account.arn("scheduler", f"schedule/{group}/{name}")
    window = p.inside("FlexibleTimeWindow")
    minutes = window.number("MaximumWindowInMinutes", 0) if window.text("Mode") == "FLEXIBLE" else 0
    window.done()
    target: dict[str, Any] = p.any("Target")
    strange = target.keys() - {"Arn", "RoleArn", "Input", "DeadLetterConfig", "RetryPolicy"}
    if strange:
        raise UnsupportedError(f"{p.logical_id}: AWS::Scheduler::Schedule property Target.{min(strange)}")
    account.roles.by_arn(target["RoleArn"])
    account.schedule_dead_letters |= {target.get("DeadLetterConfig", {}).get("Arn", "")}
    expression, zone = p.text("ScheduleExpression"), p.maybe("ScheduleExpressionTimezone")
    p.without_effect("Description")
    if p.text("State", "ENABLED") == "ENABLED":
        schedule_target(account, arn, expression, zone, target, timedelta(minutes=minutes))
    return name, {"Arn": arn}


def _schedule_group(account: Account, p: Properties) -> Made:
    name = p.text("Name", account.name(p.logical_id))
    p.without_effect("Tags")
    account.scheduler.groups.add(name)
    return name, {"Arn": account.arn("scheduler", f"schedule-group/{name}")}


def _alarm(account: Account, p: Properties) -> Made:
    name = p.text("AlarmName", account.name(p.logical_id))
    arn = account.arn("cloudwatch", f"alarm:{name}")
    dimensions = {dimension["Name"]: str(dimension["Value"]) for dimension in p.items("Dimensions")}
    alarm = Alarm(
        account,
        p.logical_id,
        name,
        arn,
        description=p.text("AlarmDescription", ""),
        namespace=p.text("Namespace"),
        metric=p.text("MetricName"),
        dimensions=dimensions,
        statistic=p.text("Statistic"),
        period=p.number("Period"),
        periods=p.number("EvaluationPeriods"),
        threshold=float(p.text("Threshold")),
        comparison=p.text("ComparisonOperator"),
        missing=p.text("TreatMissingData", "missing"),
        actions={
            "ALARM": tuple(p.items("AlarmActions")),
            "OK": tuple(p.items("OKActions")),
            "INSUFFICIENT_DATA": tuple(p.items("InsufficientDataActions")),
        },
    )
    p.without_effect("Tags", "Unit")
    alarm.watch()
    account.alarms.append(alarm)
    return name, {"Arn": arn}


MAKERS: Mapping[str, Callable[[Account, Properties], Made]] = {
    "AWS::Events::Rule": _rule,
    "AWS::Scheduler::Schedule": _schedule,
    "AWS::Scheduler::ScheduleGroup": _schedule_group,
    "AWS::CloudWatch::Alarm": _alarm,
}
