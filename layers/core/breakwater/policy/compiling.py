"""From the document to the compiled policy: what was left out is filled in, and everything has one place."""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from breakwater.compiled import Compiled, ServiceRules
from breakwater.model import Mode
from breakwater.policies import (
    AlertPolicy,
    BatchPolicy,
    ChannelPolicy,
    GuardPolicy,
    HeadroomPolicy,
    JobSpec,
    QuietPolicy,
    ReleasePolicy,
    RetrySpec,
    RunRules,
    ScalingPolicy,
    SurgePolicy,
    TaskSpec,
    UploadSpec,
    WindowPolicy,
)

from .batch import Job, Retries, Task, Upload
from .document import Policy
from .parts import DAYS, Day
from .quiet import QuietHours
from .scaling import Scaling
from .services import Alerts, Defaults, Guard, Release, Service

_T = TypeVar("_T", GuardPolicy, ReleasePolicy)


def compile_policy(policy: Policy, schedule_arn: str, before: Compiled, now: datetime) -> Compiled:
    """Compile a document.

    `schedule_arn` is the ARN of our schedules with `{}` for the name. A job whose schedule stood in the compiled policy
    `before` keeps the time since when it holds; that of a new or changed one begins `now`, and so does that of one that
    was `off`, for it had no schedule.
    """
    defaults = policy.defaults
    had = [job for job in before.jobs if job.rules.mode is not Mode.OFF]
    since = {(job.name, job.schedule, job.timezone): job.since for job in had}
    return Compiled(
        alert=_alerts(defaults.alerts),
        channels=tuple(
            ChannelPolicy(name, channel.minimum_severity)
            for name, channel in (("mail", policy.channels.mail), ("slack", policy.channels.slack))
        ),
        others=_rules(Service(match="*/*"), defaults),
        services=tuple(_rules(service, defaults) for service in policy.services),
        batch=BatchPolicy(
            tuple(_job(job, defaults.mode, schedule_arn, since, now) for job in policy.jobs),
            tuple(_upload(upload, defaults.mode) for upload in policy.uploads),
        ),
        scaling=_scaling(policy.scaling, defaults.mode),
    )


def _alerts(alerts: Alerts) -> AlertPolicy:
    said = {field.name: getattr(alerts, field.name) for field in fields(AlertPolicy) if field.name != "mode"}
    return AlertPolicy(mode=Mode.ACT if alerts.enabled else Mode.OFF, **said)


def _rules(service: Service, defaults: Defaults) -> ServiceRules:
    """An entry over the defaults. The mode is that of the nearest place which names one."""
    return ServiceRules(
        match=service.match,
        guard=_over(GuardPolicy(), service.mode, service.guard, defaults.mode, defaults.guard),
        release=_over(ReleasePolicy(), service.mode, service.release, defaults.mode, defaults.release),
        checks=tuple(check.compiled() for check in service.checks),
        quiet=_quiet(defaults.quiet_hours if service.quiet_hours is None else service.quiet_hours),
    )


def _over(value: _T, mode: Mode | None, own: Guard | Release, default_mode: Mode, default: Guard | Release) -> _T:
    said = _said(default) | _said(own)
    said["mode"] = own.mode or mode or default.mode or default_mode
    return replace(value, **said)


def _said(part: BaseModel) -> dict[str, Any]:
    return {name: value for name, value in part if value is not None}


def _quiet(hours: tuple[QuietHours, ...]) -> tuple[QuietPolicy, ...]:
    return tuple(
        QuietPolicy(_days(each.days), _minutes(each.begins), _minutes(each.ends), each.time_zone) for each in hours
    )


def _job(job: Job, mode: Mode, schedule_arn: str, since: Mapping[tuple[str, str, str], str], now: datetime) -> JobSpec:
    begun = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return JobSpec(
        name=job.name,
        task=_task(job.task),
        schedule=job.schedule,
        schedule_arn=schedule_arn.format(job.name),
        since=since.get((job.name, job.schedule, job.time_zone), begun),
        timezone=job.time_zone,
        overlap=job.overlap,
        grace_minutes=job.grace_minutes,
        rules=_run_rules(job, mode),
    )


def _upload(upload: Upload, mode: Mode) -> UploadSpec:
    return UploadSpec(
        name=upload.name,
        task=_task(upload.task),
        bucket=upload.bucket,
        prefix=upload.prefix,
        suffix=upload.suffix,
        allowed_key=upload.allowed_key,
        allow_empty=upload.allow_empty,
        output_prefixes=upload.output_prefixes,
        key_place=upload.key_place,
        key_name=upload.key_name,
        bucket_name=upload.bucket_name,
        concurrency=upload.concurrency,
        rules=_run_rules(upload, mode),
    )


def _run_rules(entry: Job | Upload, mode: Mode) -> RunRules:
    return RunRules(
        mode=entry.mode or mode,
        timeout_minutes=entry.timeout_minutes,
        deadline_minutes=entry.deadline_minutes or 0,
        retry=_retry(entry.retries),
    )


def _retry(retries: Retries) -> RetrySpec:
    codes = None if retries.exit_codes == "any" else tuple(int(code) for code in retries.exit_codes)
    return RetrySpec(retries.attempts, codes, retries.backoff_seconds)


def _task(task: Task) -> TaskSpec:
    network = task.network
    return TaskSpec(
        cluster=task.cluster,
        task_definition=task.task_definition,
        container=task.container or "",
        command=task.command,
        environment=tuple(sorted(task.environment.items())),
        capacity_providers=task.capacity_providers,
        launch_type=task.launch_type or "",
        subnets=network.subnets if network else (),
        security_groups=network.security_groups if network else (),
        assign_public_ip=network.public_ip if network else False,
    )


def _scaling(scaling: Scaling, mode: Mode) -> ScalingPolicy:
    surge = scaling.surge
    return ScalingPolicy(
        SurgePolicy(surge.mode or mode, surge.maximum_factor, surge.maximum_tasks, surge.maximum_hours),
        tuple(
            WindowPolicy(
                name=window.name,
                match=window.match,
                days=_days(window.days),
                opens=_minutes(window.opens),
                closes=_minutes(window.closes),
                time_zone=window.time_zone,
                mode=window.mode or mode,
                desired=window.desired,
                minimum=window.minimum,
                maximum=window.maximum,
            )
            for window in scaling.windows
        ),
        tuple(HeadroomPolicy(headroom.match, headroom.mode or mode) for headroom in scaling.headroom),
    )


def _days(days: tuple[Day, ...]) -> tuple[int, ...]:
    return tuple(sorted(DAYS.index(day) for day in days))


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)
