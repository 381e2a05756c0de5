"""From the compiled policy to what a release is judged by. Pure.

The policy's document was judged when it came in, by rules of its own. Should a check of it be none that could be made
here, the release is refused and not begun without it: `RulesError` says which one.
"""

import json
from collections.abc import Mapping
from typing import Any

from breakwater.checks.spec import (
    BodyAssertion,
    Header,
    HttpCheck,
    Listener,
    MetricAnalysis,
    Operator,
    QuantileBound,
    Sample,
    SecretHeader,
    StatusRange,
    TaskCheck,
)
from breakwater.compiled import Compiled
from breakwater.errors import BreakwaterError
from breakwater.model import Mode
from breakwater.policies import CheckPolicy
from breakwater.release_policy import ReleasePolicy

Raw = Mapping[str, Any]

LONGEST_SECONDS = 600
"""What a check may take: all of them are made in one invocation, which ends after a quarter of an hour."""


class RulesError(BreakwaterError):
    """A check of the policy cannot be made."""


def release_policy(policy: Compiled, cluster: str, service: str, stack: Mode) -> ReleasePolicy:
    """How a service is released. The stack's mode bounds what the document says."""
    rules = policy.rules_for(cluster, service)
    said = rules.release
    made = [check_of(check) for check in rules.checks]
    analyses = [check for check in made if isinstance(check, MetricAnalysis)]
    if len(analyses) > 1:
        raise RulesError(f"{len(analyses)} checks of {cluster}/{service} look at metrics: one compares all there is")
    return ReleasePolicy(
        mode=min(said.mode, stack, key=list(Mode).index),
        checks=tuple(check for check in made if not isinstance(check, MetricAnalysis)),
        analysis=analyses[0] if analyses else None,
        on_doubt=said.on_doubt,
        approval_minutes=said.approval_minutes,
        settle_minutes=said.settle_minutes,
        hosts=tuple(_origin(host) for host in said.allowed_hosts),
        networks=said.allowed_networks,
        forbid_mutable_images=said.require_digest,
    )


def _origin(host: str) -> str:
    """A name alone is asked by https."""
    return host if "://" in host else f"https://{host}"


def check_of(check: CheckPolicy) -> HttpCheck | TaskCheck | MetricAnalysis:
    """A check of the policy as it is made. Raises `RulesError` if it cannot be."""
    try:
        raw = json.loads(check.spec)
        match check.kind:
            case "http":
                return _http(check.name, raw)
            case "task":
                return TaskCheck(
                    check.name, tuple(raw.get("command", ())), **_given(raw, "container", "timeout_seconds")
                )
            case "metrics":
                wanted = ("minimum_requests", "false_alarm_rate", "tolerated_increase", "window_minutes")
                given = _given(raw, *wanted)
                if raw.get("quantiles") is not None:
                    given["quantiles"] = tuple(_quantile(one) for one in raw["quantiles"])
                return MetricAnalysis(check.name, **given)
            case _:
                raise ValueError(f"{check.kind} is no kind of check")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RulesError(f"the check {check.name} of the policy cannot be made: {error}") from error


def _http(name: str, raw: Raw) -> HttpCheck:
    more = _given(raw, "path", "target", "method", "host", "body", "latency_ms", "timeout_seconds", "redirects")
    if more.get("target") not in (None, *Listener):
        more["target"] = _origin(more["target"])
    sample = Sample(**_given(raw.get("sample") or {}, "needed", "attempts", "interval_seconds", "deadline_seconds"))
    needed = sample.time_for(more.get("timeout_seconds", 10))
    if needed > LONGEST_SECONDS:
        raise ValueError(
            f"{sample.attempts} attempts take up to {needed:g} s, and a check has {LONGEST_SECONDS} s in all"
        )
    if sample.deadline_seconds < needed:
        sample = Sample(sample.needed, sample.attempts, sample.interval_seconds, int(needed) + 1)
    open_ones = [Header(key, value) for key, value in (raw.get("headers") or {}).items()]
    secret = [SecretHeader(**one) for one in raw.get("secret_headers") or ()]
    wanted = [_statuses(one) for one in raw["expected_status"]]
    asserted = [
        BodyAssertion(one["path"], Operator(one["operator"]), _operand(one.get("value")))
        for one in raw.get("assertions") or ()
    ]
    return HttpCheck(
        name,
        headers=(*open_ones, *secret),
        expected_status=tuple(wanted),
        assertions=tuple(asserted),
        sample=sample,
        **more,
    )


def _quantile(raw: Raw) -> QuantileBound:
    return QuantileBound(raw["percentile"] / 100, **_given(raw, "ratio", "floor_ms"))


def _statuses(said: int | str) -> StatusRange:
    """`404`, or `200-299`."""
    lowest, _, highest = str(said).partition("-")
    return StatusRange(int(lowest), int(highest or lowest))


def _operand(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _given(raw: Raw, *names: str) -> dict[str, Any]:
    return {name: raw[name] for name in names if raw.get(name) is not None}
