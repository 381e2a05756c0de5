"""New against old: the test keeps its promised error rate, and what is missing is never a pass."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakwater.checks import (
    Comparison,
    Failed,
    Inconclusive,
    MetricAnalysis,
    Passed,
    QuantileBound,
    Side,
    Verdict,
    compare,
)
from breakwater.checks.statistics import alpha_of_look, errors_to_fail, fisher_greater, is_worse

ERRORS_ONLY = MetricAnalysis(quantiles=())
LATENCY = MetricAnalysis(quantiles=(QuantileBound(0.5), QuantileBound(0.95, 2.0)))
FINE = {0.5: 20.0, 0.95: 80.0}


def exact(errors: int, requests: int, other_errors: int, other_requests: int) -> Fraction:
    """The same tail in whole numbers."""
    wrong, total = errors + other_errors, requests + other_requests
    ways = sum(
        math.comb(requests, k) * math.comb(other_requests, wrong - k) for k in range(errors, min(requests, wrong) + 1)
    )
    return Fraction(ways, math.comb(total, wrong))


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_the_test_is_fishers(requests: int, other: int, data: st.DataObject) -> None:
    errors, other_errors = data.draw(st.integers(0, requests)), data.draw(st.integers(0, other))
    chance = fisher_greater(errors, requests, other_errors, other)
    if errors * other <= other_errors * requests:
        assert chance == 1.0
    else:
        assert chance == pytest.approx(float(exact(errors, requests, other_errors, other)), rel=1e-9)


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.05, 0.2, 0.5])
@pytest.mark.parametrize(("requests", "other"), [(50, 50), (30, 150), (150, 30)])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_an_equally_good_revision_fails_no_more_often_than_stated(
    rate: float, requests: int, other: int, alpha: float
) -> None:
    """Every outcome of two equal sides, weighted by how likely it is: no simulation, the whole distribution."""

    def likely(n: int) -> list[float]:
        return [math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(n + 1)]

    mine, theirs = likely(requests), likely(other)
    wrongly = sum(
        mine[a] * theirs[b]
        for a in range(requests + 1)
        for b in range(other + 1)
        if mine[a] * theirs[b] > 1e-12 and fisher_greater(a, requests, b, other) < alpha
    )
    assert wrongly <= alpha


def test_a_clearly_worse_side_is_found() -> None:
    assert fisher_greater(30, 400, 20, 4000) < 1e-15
    assert fisher_greater(50_600, 1_000_000, 50_000, 1_000_000) == pytest.approx(0.0263, abs=1e-4)


@given(st.integers(20, 400), st.integers(0, 20), st.integers(20, 400), st.sampled_from([0.0, 0.01]))
@settings(max_examples=60)
def test_the_errors_that_would_fail_are_the_fewest_that_do(
    requests: int, other_errors: int, other: int, tolerated: float
) -> None:
    fewest = errors_to_fail(requests, other_errors, other, 0.01, tolerated)
    failing = [
        errors for errors in range(requests + 1) if is_worse(errors, requests, other_errors, other, 0.01, tolerated)
    ]
    assert fewest == (failing[0] if failing else None)
    assert failing == list(range(failing[0], requests + 1) if failing else [])


def test_all_looks_together_spend_what_one_would() -> None:
    assert sum(alpha_of_look(0.01, 34) for _ in range(34)) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("green", "blue", "expected", "said"),
    [
        pytest.param(Side(500, 0), Side(9000, 9), Passed, "0 of 500", id="clean"),
        pytest.param(Side(500, None), Side(9000, None), Passed, "0 of 500", id="no 5XX datapoint is none"),
        pytest.param(Side(None, None), Side(9000, 9), Inconclusive, "new side has no", id="no count on the new side"),
        pytest.param(Side(500, 0), Side(None), Inconclusive, "old side has no", id="no count on the old side"),
        pytest.param(Side(None, 40), Side(None, 1), Inconclusive, "new and old", id="errors alone are nothing"),
        pytest.param(Side(0, None), Side(9000, 9), Inconclusive, "too few", id="no requests"),
        pytest.param(Side(199, 0), Side(9000, 9), Inconclusive, "200 are needed", id="one too few"),
        pytest.param(Side(500, 30), Side(9000, 9), Failed, "30 of 500", id="clearly worse"),
        pytest.param(Side(40, 40), Side(9000, 9), Failed, "40 of 40", id="so bad that few are enough"),
        pytest.param(Side(500, 2), Side(9000, 9), Passed, "2 of 500", id="a little more, within chance"),
        pytest.param(
            Side(1_000_000, 2000), Side(1_000_000, 1000), Passed, "2000", id="certain, and less than is tolerated"
        ),
        pytest.param(Side(500, 700), Side(9000, 9), Failed, "500 of 500", id="failed connections are no requests"),
        pytest.param(Side(300, 300), Side(300, 300), Inconclusive, "fails so often", id="the old side fails always"),
    ],
)
def test_error_rates_are_compared(green: Side, blue: Side, expected: type[Verdict], said: str) -> None:
    result = compare(ERRORS_ONLY, Comparison(green, blue))
    assert type(result.verdict) is expected
    assert said in result.verdict.reason


@pytest.mark.parametrize(
    ("green", "said"),
    [
        pytest.param(
            Side(500, 6), "6 of 500 requests failed on the new side, 9 of 9000 on the old: by chance", id="told"
        ),
        pytest.param(Side(500, 6), "at most once in 14,560 times", id="a number that one can read"),
        pytest.param(Side(500, 250), "less than once in a million times", id="beyond what one reads"),
    ],
)
def test_a_failure_says_how_seldom_chance_alone_does_so(green: Side, said: str) -> None:
    verdict = compare(ERRORS_ONLY, Comparison(green, Side(9000, 9))).verdict
    assert isinstance(verdict, Failed)
    assert said in verdict.reason


def test_a_pass_says_how_many_errors_would_have_failed_it() -> None:
    verdict = compare(ERRORS_ONLY, Comparison(Side(400, 0), Side(7600, 5), look=1, looks=3)).verdict
    assert verdict.reason == ("0 of 400 requests failed on the new side, 5 of 7600 on the old: 4 would have failed it")
    assert verdict.evidence["errors_to_fail"] == 4


@pytest.mark.parametrize(
    ("new", "requests", "expected", "said"),
    [
        pytest.param({0.5: 20.0, 0.95: 150.0}, 500, Passed, "p95 is 150 ms", id="within the bound"),
        pytest.param({0.5: 20.0, 0.95: 161.0}, 500, Failed, "up to 160 ms", id="beyond the bound"),
        pytest.param({0.5: 49.0, 0.95: 80.0}, 500, Passed, "p50 is 49 ms", id="twice, and still below the floor"),
        pytest.param({0.5: 20.0, 0.95: None}, 500, Inconclusive, "p95", id="no datapoint"),
        pytest.param({0.5: 20.0}, 500, Inconclusive, "p95", id="not asked for"),
        pytest.param(FINE, 210, Passed, "p50", id="just enough"),
    ],
)
def test_quantiles_are_bounded(
    new: dict[float, float | None], requests: int, expected: type[Verdict], said: str
) -> None:
    result = compare(LATENCY, Comparison(Side(requests, 0, new), Side(9000, 0, FINE)))
    assert type(result.verdict) is expected
    assert said in result.verdict.reason


def test_a_quantile_of_too_few_requests_is_not_judged() -> None:
    analysis = MetricAnalysis(quantiles=(QuantileBound(0.99),))
    sides = (Side(999, 0, {0.99: 10.0}), Side(9000, 0, {0.99: 10.0}))
    verdict = compare(analysis, Comparison(*sides)).verdict
    assert verdict.reason == "p99 means nothing below 1000 requests on each side, there were 999"
    assert isinstance(verdict, Inconclusive)


counts = st.one_of(st.none(), st.integers(0, 5000))
latencies = st.fixed_dictionaries(
    {0.5: st.one_of(st.none(), st.floats(0.1, 900)), 0.95: st.one_of(st.none(), st.floats(0.1, 900))}
)
sides = st.builds(Side, counts, counts, latencies)


@given(sides, sides)
def test_a_pass_means_that_everything_was_known(green: Side, blue: Side) -> None:
    if isinstance(compare(LATENCY, Comparison(green, blue)).verdict, Passed):
        assert min(green.requests or 0, blue.requests or 0) >= LATENCY.minimum_requests
        assert all(side.latency_ms[q] is not None for side in (green, blue) for q in (0.5, 0.95))


@given(sides, sides, st.integers(0, 500))
def test_more_errors_never_look_better(green: Side, blue: Side, more: int) -> None:
    rank = {Failed: 0, Inconclusive: 1, Passed: 2}
    worse = Side(green.requests, (green.errors or 0) + more, green.latency_ms)
    before = type(compare(LATENCY, Comparison(green, blue)).verdict)
    after = type(compare(LATENCY, Comparison(worse, blue)).verdict)
    assert rank[after] <= rank[before]
