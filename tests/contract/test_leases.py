"""The right to change one service, on moto and on the table in memory alike."""

from datetime import UTC, datetime, timedelta

import pytest

from breakwater.errors import ConflictError
from breakwater.leases import Busy, Lease, Leases, renewal
from breakwater.store import Put, Table

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def leases(table: Table) -> Leases:
    return Leases(table)


def taken(answer: Lease | Busy) -> Lease:
    assert isinstance(answer, Lease), answer
    return answer


def test_one_holder_at_a_time_and_the_token_only_grows(leases: Leases) -> None:
    first = taken(leases.take("prod/web", "a", NOW, MINUTE))
    refused = leases.take("prod/web", "b", NOW, MINUTE)
    assert isinstance(refused, Busy)
    assert "a may change it for another 60 s" in refused.reason
    leases.release(first)
    second = taken(leases.take("prod/web", "b", NOW, MINUTE))
    assert (first.token, second.token) == (1, 2)
    assert taken(leases.take("prod/api", "b", NOW, MINUTE)).token == 1


def test_a_lease_that_ran_out_is_anothers_and_its_old_holder_is_refused(leases: Leases) -> None:
    old = taken(leases.take("prod/web", "a", NOW, MINUTE))
    new = taken(leases.take("prod/web", "b", NOW + MINUTE, MINUTE))
    for refused in (lambda: leases.check(old, NOW + MINUTE), lambda: leases.renew(old, NOW + MINUTE, MINUTE)):
        with pytest.raises(ConflictError):
            refused()
    leases.release(old)  # gives nothing back that is not its own
    leases.check(new, NOW + MINUTE)


def test_a_lease_that_ran_out_is_no_right_even_if_nobody_else_took_it(leases: Leases) -> None:
    lease = taken(leases.take("prod/web", "a", NOW, MINUTE))
    leases.check(lease, NOW + MINUTE - timedelta(seconds=1))
    with pytest.raises(ConflictError, match="run out"):
        leases.check(lease, NOW + MINUTE)
    leases.check(leases.renew(lease, NOW + MINUTE, MINUTE), NOW + MINUTE)


def test_a_holder_that_asks_again_gets_a_higher_token_which_fences_off_what_it_began(leases: Leases) -> None:
    first = taken(leases.take("prod/web", "a", NOW, MINUTE))
    second = taken(leases.take("prod/web", "a", NOW, MINUTE))
    assert second.token == first.token + 1
    with pytest.raises(ConflictError):
        leases.check(first, NOW)


def test_of_two_that_take_it_at_once_one_gets_it(table: Table) -> None:
    class Slow(Leases):
        """Reads, and only then lets the other one write."""

        def _standing(self, subject: str):  # type: ignore[no-untyped-def]  # a test's detour
            standing = super()._standing(subject)
            Leases(table).take(subject, "b", NOW, MINUTE)
            return standing

    assert isinstance(Slow(table).take("prod/web", "a", NOW, MINUTE), Busy)


def test_a_renewal_fences_the_writes_beside_it(leases: Leases, table: Table) -> None:
    old = taken(leases.take("prod/web", "a", NOW, MINUTE))
    taken(leases.take("prod/web", "b", NOW + MINUTE, MINUTE))
    assert table.transact([renewal(old), Put({"pk": "X", "sk": "X"})])
    assert table.get_many([("X", "X")]) == {}
