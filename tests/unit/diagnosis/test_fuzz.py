"""Whatever arrives is judged, nothing is raised."""

import os

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz_core import run
from tests.support import judge

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
)


def test_mutated_events_are_always_judged() -> None:
    causes = run(int(os.environ.get("BREAKWATER_FUZZ", "4000")), seed=20260414)
    assert len(causes) > 15, "the mutations are too wild: too few causes come up"


@given(JSON)
def test_any_json_is_judged(raw: object) -> None:
    assert judge(raw).reason


@given(st.dictionaries(st.sampled_from(["detail", "time", "resources", "account", "region", "replay-name"]), JSON))
def test_any_task_event_is_judged(parts: dict[str, object]) -> None:
    assert judge({"source": "aws.ecs", "detail-type": "ECS Task State Change", **parts}).reason
