"""pydantic reads and writes the same JSON from the same types: it is the oracle here, and only here."""

from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from breakwater.errors import BreakwaterError
from breakwater.incidents import Record, Told
from breakwater.model import Evidence, Incident, Notice
from breakwater.wire import dump_notice, dump_record, load_notice, load_record

AWARE = st.datetimes(timezones=st.just(UTC))
INCIDENTS = st.builds(Incident, first_seen=AWARE, last_seen=AWARE, opened_at=AWARE, resolved_at=st.none() | AWARE)
RECORDS = st.builds(Record, incident=INCIDENTS, told=st.builds(Told, at=AWARE))


@given(RECORDS)
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    assert load_record(dump_record(record)) == record


@given(RECORDS)
def test_it_is_the_json_that_pydantic_writes_and_reads(record: Record) -> None:
    records, notices = TypeAdapter(Record), TypeAdapter(Notice)
    assert records.validate_json(dump_record(record)) == record
    assert load_record(records.dump_json(record).decode()) == record
    assert load_notice(notices.dump_json(record.notice).decode()) == record.notice
    assert notices.validate_json(dump_notice(record.notice)) == record.notice


@given(RECORDS, st.characters(categories=["Cs"]))
def test_half_a_surrogate_pair_is_no_obstacle(record: Record, text: str) -> None:
    odd = replace(record, incident=replace(record.incident, evidence=Evidence(stopped_reason=text)))
    assert load_record(dump_record(odd).encode().decode()) == odd


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"incident": 1}', "[" * 100_000])
def test_what_is_no_record_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BreakwaterError, match=r"^not a record: "):
        load_record(text)
