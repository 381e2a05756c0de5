"""What stands still goes back, or is handed to a person; what rests by intent is left alone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from release.facts import DeploymentSeen
from release.progress import Moves, Rests, Stands, decide_progress
from release.record import Release, Stage
from tests.fakes.release_sight import ARN, NOW, RELEASE

BACK = replace(RELEASE, stage=Stage.RETURNING, why="smoke failed")


def later(release: Release, seen: DeploymentSeen, bake: int, **time: Any) -> Moves | Rests | Stands:
    """What is said of a deployment that was seen once, and looks the same now."""
    first = decide_progress(release, seen, bake, NOW)
    assert isinstance(first, Moves)
    return decide_progress(replace(release, progress=first.progress), seen, bake, NOW + timedelta(**time))


@pytest.mark.parametrize(
    ("release", "seen", "bake", "hours", "expected"),
    [
        pytest.param(RELEASE, DeploymentSeen(ARN, "IN_PROGRESS", "SCALE_UP"), 0, 0.9, Rests, id="for a while"),
        pytest.param(RELEASE, DeploymentSeen(ARN, "IN_PROGRESS", "SCALE_UP"), 0, 1.1, Stands, id="for too long"),
        pytest.param(
            RELEASE, DeploymentSeen(ARN, "IN_PROGRESS", "PRODUCTION_TRAFFIC_SHIFT"), 120, 2.9, Rests, id="in its steps"
        ),
        pytest.param(
            RELEASE, DeploymentSeen(ARN, "IN_PROGRESS", "BAKE_TIME"), 0, 30, Rests, id="in the bake of its alarms"
        ),
        pytest.param(
            BACK,
            DeploymentSeen(ARN, "ROLLBACK_IN_PROGRESS"),
            1440,
            1.1,
            Stands,
            id="on the way back, whatever bakes",
        ),
        pytest.param(
            BACK,
            DeploymentSeen(ARN, "ROLLBACK_IN_PROGRESS", "BAKE_TIME", held=True),
            0,
            1.1,
            Stands,
            id="on the way back, at any stage",
        ),
    ],
)
def test_what_looks_the_same_stands_still_unless_it_rests_by_intent(
    release: Release, seen: DeploymentSeen, bake: int, hours: float, expected: type
) -> None:
    assert isinstance(later(release, seen, bake, hours=hours), expected)
