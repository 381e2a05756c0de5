"""What people hear of when nothing is done, and what the journal alone has (docs/decisions/0046)."""

from datetime import UTC, datetime

import pytest

from breakwater.ledger import KnownGood, Ledger, Rollback, State
from rollback_guard.answers import HoldKind
from rollback_guard.reports import is_news

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BAD, GOOD = "web:42", "web:41"
ALONE = Ledger(known_good=(KnownGood(BAD, NOON),))
BOTH = Ledger(known_good=(KnownGood(BAD, NOON), KnownGood(GOOD, NOON)))


def rolled_back(state: State) -> Ledger:
    return Ledger(rollbacks=(Rollback(NOON, "web:43", BAD, "ecs-svc/3", state, "it crashes"),))


@pytest.mark.parametrize(
    ("kind", "ledger", "news"),
    [
        pytest.param(HoldKind.WOULD_NOT_HELP, BOTH, False, id="going back would not help"),
        pytest.param(HoldKind.STALE, BOTH, False, id="old counts"),
        pytest.param(HoldKind.TRIED, BOTH, False, id="refused by ECS, told as its outcome"),
        pytest.param(HoldKind.NO_TARGET, Ledger(), False, id="nothing was ever known good"),
        pytest.param(HoldKind.NO_TARGET, ALONE, False, id="nothing but itself was known good"),
        pytest.param(HoldKind.NO_TARGET, BOTH, True, id="what is known good cannot be used"),
        pytest.param(HoldKind.ROLLBACK_OF_ROLLBACK, Ledger(), True, id="the platform's rollback fails"),
        pytest.param(HoldKind.ROLLBACK_OF_ROLLBACK, rolled_back(State.STEADY), True, id="ours fails once steady"),
        pytest.param(HoldKind.ROLLBACK_OF_ROLLBACK, rolled_back(State.FAILED), False, id="ours, told as its outcome"),
        pytest.param(HoldKind.BUDGET, BOTH, True, id="the budget is used up"),
        pytest.param(HoldKind.QUARANTINED, BOTH, True, id="deployed again"),
        pytest.param(HoldKind.CONTROLLER, BOTH, True, id="another controller"),
        pytest.param(HoldKind.HALTED, BOTH, True, id="halted"),
        pytest.param(HoldKind.UNREADABLE, Ledger(), True, id="unreadable"),
    ],
)
def test_a_hold_is_news_where_a_person_has_to_decide(kind: HoldKind, ledger: Ledger, news: bool) -> None:
    assert is_news(kind, ledger, BAD) is news
