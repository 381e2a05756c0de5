"""Is one error rate higher than another, or is it chance? Fisher's exact test, one-sided, in the standard library.

Exact at any size: under equal rates the chance of a value below `alpha` is at most `alpha`, however few the requests.
It takes requests for independent; docs/checks.md says what follows where they are not.
"""

import math

_NEGLIGIBLE = 1e-17


def fisher_greater(errors: int, requests: int, other_errors: int, other_requests: int) -> float:
    """The chance of at least `errors` errors on the first side if both sides have one rate, given all errors.

    It is P(X >= errors) of the hypergeometric distribution. Where the first rate is not the higher one the answer is 1,
    not the exact tail: such a side is never worse, so nobody needs the number.
    """
    if not (0 <= errors <= requests and 0 <= other_errors <= other_requests):
        raise ValueError("there cannot be more errors than requests, nor fewer than none")
    if requests == 0 or other_requests == 0 or errors * other_requests <= other_errors * requests:
        return 1.0
    total, wrong = requests + other_requests, errors + other_errors
    term = math.exp(
        _log_choose(requests, errors) + _log_choose(other_requests, other_errors) - _log_choose(total, wrong)
    )
    chance, count = 0.0, errors
    while term > _NEGLIGIBLE * chance and count <= min(requests, wrong):
        chance += term
        # P(count + 1) / P(count)
        term *= (requests - count) * (wrong - count) / ((count + 1) * (other_requests - wrong + count + 1))
        count += 1
    return min(1.0, chance)


def alpha_of_look(alpha: float, looks: int) -> float:
    """The share of `alpha` that one of several looks may spend, so that all together spend at most `alpha`.

    Bonferroni: it holds whatever the looks have in common, and they share most of their requests. What it costs is
    power, a little: three looks at 1 % are judged at 0.33 % each.
    """
    if looks < 1:
        raise ValueError("there is at least one look")
    return alpha / looks


def errors_to_fail(
    requests: int, other_errors: int, other_requests: int, alpha: float, tolerated_increase: float
) -> int | None:
    """The fewest errors of the first side that are significant and more than tolerated; `None` if even all are not.

    This is what a pass is worth: a passed comparison says that there were fewer.
    """

    def fails(errors: int) -> bool:
        return is_worse(errors, requests, other_errors, other_requests, alpha, tolerated_increase)

    if requests == 0 or not fails(requests):
        return None
    lowest, highest = 0, requests
    while lowest < highest:
        middle = (lowest + highest) // 2
        lowest, highest = (lowest, middle) if fails(middle) else (middle + 1, highest)
    return lowest


def is_worse(
    errors: int, requests: int, other_errors: int, other_requests: int, alpha: float, tolerated_increase: float
) -> bool:
    """Whether the first side's rate is higher, beyond chance at `alpha` and beyond what is tolerated."""
    if requests == 0 or other_requests == 0:
        return False
    if errors / requests - other_errors / other_requests <= tolerated_increase:
        return False
    return fisher_greater(errors, requests, other_errors, other_requests) < alpha


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
