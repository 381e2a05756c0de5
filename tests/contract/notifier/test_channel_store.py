"""The notifier's memory, over the table in memory and over the adapter on moto."""

from datetime import UTC, datetime, timedelta

import pytest

from breakwater.errors import ConflictError
from breakwater.store import Table
from notifier.channel_store import ChannelStore
from notifier.decision import Mark, Meter, entry_of
from tests.unit.notifier.samples import START, notices_of

NOTICES = notices_of(2)
FIRST = NOTICES[0].id
NOW = datetime(2026, 3, 2, 10, 0, 0, 123457, tzinfo=UTC)


@pytest.fixture
def store(table: Table) -> ChannelStore:
    return ChannelStore(table)


def test_a_channel_that_was_never_used_has_an_empty_meter_and_no_marks(store: ChannelStore) -> None:
    assert store.read("mail", NOTICES) == (Meter(), {}, frozenset())


def test_a_saved_meter_comes_back_with_its_next_version(store: ChannelStore) -> None:
    meter = Meter(singles=(START, NOW), digest=NOW, wake=NOW + timedelta(seconds=75))
    store.save("mail", meter, NOW)
    assert store.read("mail", [])[0] == Meter(1, meter.singles, meter.digest, meter.wake)
    assert store.read("slack", [])[0] == Meter()


def test_of_two_that_read_the_same_meter_one_saves(store: ChannelStore) -> None:
    store.save("mail", Meter(), NOW)
    first = second = store.read("mail", [])[0]
    store.save("mail", first.reserved(9, NOW), NOW)
    with pytest.raises(ConflictError):
        store.save("mail", second.reserved(9, NOW), NOW)
    with pytest.raises(ConflictError):
        store.save("mail", Meter(), NOW)
    assert store.read("mail", [])[0].singles == (NOW,) * 9


def test_of_two_that_claim_the_same_notice_one_gets_it(store: ChannelStore) -> None:
    store.claim("mail", FIRST, None, NOW + timedelta(seconds=90), NOW)
    with pytest.raises(ConflictError):
        store.claim("mail", FIRST, None, NOW + timedelta(seconds=91), NOW)
    assert store.read("mail", NOTICES)[1] == {FIRST: Mark(sent=False, until=NOW + timedelta(seconds=90))}
    store.claim("slack", FIRST, None, NOW, NOW)


def test_a_claim_is_taken_over_by_the_one_who_saw_it_and_only_once(store: ChannelStore) -> None:
    store.claim("mail", FIRST, None, NOW, NOW)
    seen = store.read("mail", NOTICES)[1][FIRST]
    store.claim("mail", FIRST, seen, NOW + timedelta(seconds=90), NOW)
    with pytest.raises(ConflictError):
        store.claim("mail", FIRST, seen, NOW + timedelta(seconds=91), NOW)


def test_what_was_sent_cannot_be_claimed_again(store: ChannelStore) -> None:
    store.claim("mail", FIRST, None, NOW, NOW)
    seen = store.read("mail", NOTICES)[1][FIRST]
    store.mark_sent("mail", [FIRST], NOW)
    with pytest.raises(ConflictError):
        store.claim("mail", FIRST, seen, NOW + timedelta(seconds=90), NOW)
    assert store.read("mail", NOTICES)[1][FIRST].sent


def test_deferred_notices_wait_once_each_however_often_they_are_deferred(store: ChannelStore) -> None:
    entries = [entry_of(notice) for notice in notices_of(60, late=True)]
    store.defer("mail", entries, NOW)
    store.defer("mail", entries[:30], NOW)
    assert store.read_pending("mail") == (entries, Meter(), {})
    assert store.read_pending("slack") == ([], Meter(), {})


def test_only_what_was_named_is_forgotten(store: ChannelStore) -> None:
    entries = [entry_of(notice) for notice in notices_of(60)]
    store.defer("mail", entries, NOW)
    store.forget("mail", entries[:55])
    store.forget("mail", entries[:2])
    assert store.read_pending("mail")[0] == entries[55:]


def test_a_batch_learns_which_of_its_notices_wait_already(store: ChannelStore) -> None:
    many = notices_of(120)
    store.defer("mail", [entry_of(notice) for notice in many[:70]], NOW)
    assert store.read("mail", many)[2] == {notice.id for notice in many[:70]}
    assert store.read("slack", many)[2] == frozenset()


def test_a_digest_learns_what_was_sent_meanwhile(store: ChannelStore) -> None:
    store.defer("mail", [entry_of(notice) for notice in NOTICES], NOW)
    store.mark_sent("mail", [FIRST], NOW)
    assert store.read_pending("mail")[2] == {FIRST: Mark(sent=True, until=NOW)}
