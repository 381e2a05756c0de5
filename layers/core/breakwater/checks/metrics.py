"""New against old by their target groups' metrics: error rate by a test, latency quantiles by a bound.

A missing request count is nothing known. What is not known is never a pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .results import CheckResult, Evidence, Failed, Inconclusive, Passed, Verdict
from .spec import MetricAnalysis, QuantileBound
from .statistics import alpha_of_look, errors_to_fail, fisher_greater, is_worse

RAREST = 1e-6


@dataclass(frozen=True, slots=True)
class Side:
    """What the metrics say of one target group over one window. `None` means that there was no datapoint.

    `errors` are the requests that no target answered well: 5XX answers, failed connections, and those that the load
    balancer had to answer for a target; `None` beside a request count is none. `latency_ms` is by quantile, as
    CloudWatch gives it for the whole window: percentiles of parts of it cannot be added up. `late` says that the newest
    minute has requests and no answers, and was left out: they may be on their way, or it is where things broke.
    """

    requests: int | None
    errors: int | None = None
    latency_ms: Mapping[float, float | None] = field(default_factory=dict)
    late: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides, and which look of how many this is: `look` counts from 1 to `looks`."""

    green: Side
    blue: Side
    look: int = 1
    looks: int = 1


def compare(analysis: MetricAnalysis, comparison: Comparison) -> CheckResult:
    """Judge the new side by the old one: worst news first, doubt before a pass.

    Errors can fail a revision before the minimum sample is there, since the test is exact; only a pass has to wait.
    """
    green, blue = comparison.green, comparison.blue
    if green.requests is None or blue.requests is None:
        which = " and ".join(name for name, side in (("new", green), ("old", blue)) if side.requests is None)
        return CheckResult(analysis.name, Inconclusive(f"the {which} side has no RequestCount, so nothing is known"))
    errors = _errors(analysis, comparison, green.requests, blue.requests)
    if isinstance(errors, Failed):
        return CheckResult(analysis.name, errors)
    verdicts = [errors, *(_latency(bound, green, blue) for bound in analysis.quantiles)]
    for kind in (Failed, Inconclusive):
        found = [verdict for verdict in verdicts if isinstance(verdict, kind)]
        if found:
            return CheckResult(analysis.name, kind("; ".join(one.reason for one in found), _all(verdicts)))
    if green.late or blue.late:
        which = " and ".join(name for name, side in (("new", green), ("old", blue)) if side.late)
        doubt = f"the newest minute of the {which} side has requests and no answers yet"
        return CheckResult(analysis.name, Inconclusive(doubt, _all(verdicts)))
    return CheckResult(analysis.name, Passed("; ".join(one.reason for one in verdicts), _all(verdicts)))


def _rarely(chance: float) -> str:
    """How seldom chance alone does so; beyond a million nobody reads the number."""
    return f"at most once in {int(1 / chance):,} times" if chance > RAREST else "less than once in a million times"


def _errors(analysis: MetricAnalysis, comparison: Comparison, green_requests: int, blue_requests: int) -> Verdict:
    # A failed connection is no request in the load balancer's count, so there can be more errors than requests.
    green_errors = min(comparison.green.errors or 0, green_requests)
    blue_errors = min(comparison.blue.errors or 0, blue_requests)
    alpha = alpha_of_look(analysis.false_alarm_rate, comparison.looks)
    table = (green_errors, green_requests, blue_errors, blue_requests)
    chance = fisher_greater(*table)
    figures: Evidence = {
        "new_requests": green_requests,
        "new_errors": green_errors,
        "old_requests": blue_requests,
        "old_errors": blue_errors,
        "chance": round(chance, 9),
        "judged_at": alpha,
        "look": comparison.look,
        "looks": comparison.looks,
    }
    told = (
        f"{green_errors} of {green_requests} requests failed on the new side, "
        f"{blue_errors} of {blue_requests} on the old"
    )
    if is_worse(*table, alpha, analysis.tolerated_increase):
        return Failed(f"{told}: by chance {_rarely(chance)}, judged at {alpha:.2g}", figures)
    few = min(green_requests, blue_requests)
    if few < analysis.minimum_requests:
        return Inconclusive(f"{told}: too few, {analysis.minimum_requests} are needed on each", figures)
    bound = errors_to_fail(green_requests, blue_errors, blue_requests, alpha, analysis.tolerated_increase)
    limit = f"{bound} would have failed it" if bound is not None else "no number of errors would have failed it"
    if bound is None:
        return Inconclusive(f"{told}: the old side fails so often that {limit}", figures)
    return Passed(f"{told}: {limit}", {**figures, "errors_to_fail": bound})


def _latency(bound: QuantileBound, green: Side, blue: Side) -> Verdict:
    """A bound on a ratio, no test: CloudWatch gives a percentile as one number, without what it was made of."""
    new, old = green.latency_ms.get(bound.quantile), blue.latency_ms.get(bound.quantile)
    name, needed = bound.statistic, bound.requests_needed
    few = min(green.requests or 0, blue.requests or 0)
    figures: Evidence = {f"new_{name}_ms": new, f"old_{name}_ms": old}
    if few < needed:
        return Inconclusive(f"{name} means nothing below {needed} requests on each side, there were {few}", figures)
    if new is None or old is None:
        return Inconclusive(f"{name} of TargetResponseTime is missing", figures)
    allowed = max(old * bound.ratio, bound.floor_ms)
    told = f"{name} is {new:.4g} ms on the new side, {old:.4g} ms on the old"
    if new > allowed:
        return Failed(f"{told}, and up to {allowed:.4g} ms is allowed", figures)
    return Passed(told, figures)


def _all(verdicts: list[Verdict]) -> Evidence:
    together: dict[str, str | int | float | None] = {}
    for verdict in verdicts:
        together |= verdict.evidence
    return together
