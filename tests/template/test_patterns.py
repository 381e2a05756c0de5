"""The rules let through whatever could alert, and drop what is surely normal."""

import json

import pytest

from sandbox.patterns import MAX_PATTERN_CHARACTERS
from tests.template.bus import Event
from tests.template.bus_cases import CASES, TAKERS
from tests.template.reading import event_patterns, rules_that_match


@pytest.mark.parametrize(("event", "rule"), [pytest.param(event, rule, id=name) for name, event, rule in CASES])
def test_an_event_takes_the_one_road_meant_for_it(event: Event, rule: str | None) -> None:
    assert rules_that_match(event, TAKERS) == ([rule] if rule else [])


@pytest.mark.parametrize("rule", [rule for rule in sorted(event_patterns()) if rule.startswith(TAKERS)])
def test_a_rule_has_hits_and_near_misses(rule: str) -> None:
    hits = [name for name, _, wanted in CASES if wanted == rule]
    assert hits, f"add an event that {rule} routes to tests/template/bus_cases.py"


@pytest.mark.parametrize("rule", sorted(event_patterns()))
def test_a_pattern_fits_into_eventbridge(rule: str) -> None:
    assert len(event_patterns()[rule]) <= MAX_PATTERN_CHARACTERS, f"split {rule}: EventBridge takes 2,048 characters"


@pytest.mark.parametrize("rule", sorted(event_patterns()))
def test_a_pattern_takes_events_of_this_account_and_region_only(rule: str) -> None:
    pattern = json.loads(event_patterns()[rule])
    assert {"account", "region", "source", "detail-type"} <= set(pattern), f"bound {rule} by its envelope"


def test_case_names_are_distinct() -> None:
    names = [name for name, _, _ in CASES]
    assert sorted(set(names)) == sorted(names)
