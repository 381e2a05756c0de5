"""n of m: decided at the first moment that decides it, and never by the checker's own trouble."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakwater.checks import (
    Attempt,
    CheckResult,
    Done,
    Failed,
    Inconclusive,
    Outcome,
    Passed,
    Sample,
    Try,
    Verdict,
    next_attempt,
    verdict_of,
)

THREE_OF_FIVE = Sample(needed=3, attempts=5, interval_seconds=2, deadline_seconds=60)
LETTERS = {"p": Outcome.PASSED, "f": Outcome.FAILED, "e": Outcome.ERROR}
outcomes = st.lists(st.sampled_from("pfe"), max_size=5).map("".join)


def tried(letters: str) -> tuple[Attempt, ...]:
    return tuple(Attempt(LETTERS[letter], f"attempt {at}", at * 1000) for at, letter in enumerate(letters))


def came_to(letters: str, now_ms: int = 10_000) -> type[Verdict] | None:
    step = next_attempt("health", THREE_OF_FIVE, tried(letters), now_ms)
    return type(step.result.verdict) if isinstance(step, Done) else None


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        pytest.param("", None, id="nothing yet"),
        pytest.param("ppp", Passed, id="three at once"),
        pytest.param("fpfpp", Passed, id="it flaps and three of five pass"),
        pytest.param("ff", None, id="two failures leave three"),
        pytest.param("fff", Failed, id="three failures rule it out"),
        pytest.param("pfpff", Failed, id="it flaps and three of five fail"),
        pytest.param("eeeee", Inconclusive, id="the checker is down"),
        pytest.param("eee", Inconclusive, id="three errors leave too few"),
        pytest.param("ppeee", Inconclusive, id="two passes and errors"),
        pytest.param("ffeee", Inconclusive, id="two failures and errors: the errors might have passed"),
        pytest.param("eefff", Failed, id="three failures are enough beside errors"),
        pytest.param("ffpp", None, id="the last one decides"),
    ],
)
def test_a_check_is_decided_by_passes_and_failures_and_not_by_errors(
    letters: str, expected: type[Verdict] | None
) -> None:
    assert came_to(letters) is expected


def test_after_the_deadline_what_was_seen_decides() -> None:
    late = THREE_OF_FIVE.deadline_seconds * 1000
    assert came_to("ff", late) is Inconclusive
    assert came_to("fff", late) is Failed
    assert came_to("ppp", late) is Passed
    assert came_to("", late) is Inconclusive


def test_the_next_attempt_keeps_the_interval() -> None:
    step = next_attempt("health", THREE_OF_FIVE, tried("p"), 500)
    assert step == Try(2000, "1 of 3 needed passes, 4 attempts left")
    assert isinstance(late := next_attempt("health", THREE_OF_FIVE, tried("p"), 9000), Try)
    assert late.at_ms == 9000


def test_the_reason_has_the_numbers_and_the_last_failure() -> None:
    step = next_attempt("health", THREE_OF_FIVE, tried("pfff"), 9000)
    assert step.reason == "3 of 4 attempts failed, so 3 of 5 cannot pass; the last: attempt 3"


@given(outcomes, st.integers(0, 4))
def test_an_error_in_place_of_a_failure_or_a_pass_never_decides_against_or_for_it(letters: str, at: int) -> None:
    if at >= len(letters):
        return
    doubted = letters[:at] + "e" + letters[at + 1 :]
    before, after = came_to(letters), came_to(doubted)
    assert after is None or after is before or after is Inconclusive


@given(outcomes)
def test_the_order_of_attempts_does_not_matter(letters: str) -> None:
    assert came_to(letters) is came_to("".join(sorted(letters)))


@given(outcomes)
def test_better_attempts_are_never_a_worse_verdict(letters: str) -> None:
    rank = {Failed: 0, Inconclusive: 1, None: 1, Passed: 2}
    assert rank[came_to(letters)] <= rank[came_to(letters.replace("f", "p"))]


@given(st.lists(st.sampled_from("pfe"), min_size=5, max_size=5))
def test_a_check_ends_with_its_last_attempt_at_the_latest(letters: list[str]) -> None:
    assert came_to("".join(letters)) is not None


def a_result(name: str, kind: type[Verdict]) -> CheckResult:
    return CheckResult(name, kind(f"{name} said so"))


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        pytest.param((), Inconclusive, id="nothing was checked"),
        pytest.param((Passed, Passed), Passed, id="all passed"),
        pytest.param((Passed, Inconclusive), Inconclusive, id="one doubt"),
        pytest.param((Inconclusive, Failed, Passed), Failed, id="one failure beside a doubt"),
    ],
)
def test_one_failure_fails_and_one_doubt_is_a_doubt(kinds: tuple[type[Verdict], ...], expected: type[Verdict]) -> None:
    results = [a_result(f"check {number}", kind) for number, kind in enumerate(kinds)]
    assert type(verdict_of(results)) is expected
    assert type(verdict_of(results[::-1])) is expected


def test_a_verdict_names_three_checks_and_counts_the_rest() -> None:
    verdict = verdict_of([a_result(f"c{number}", Failed) for number in range(5)])
    assert verdict.reason == "5 of 5 checks failed: c0: c0 said so; c1: c1 said so; c2: c2 said so; and 2 more"
    assert verdict.evidence == {"checks": 5, "failed": 5, "inconclusive": 0, "passed": 0}
