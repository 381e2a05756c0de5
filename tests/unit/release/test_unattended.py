"""Which services the sweep looks at for a deployment that waits unattended, and which of them at which time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from breakwater.compiled import Compiled, ServiceRules
from breakwater.model import Mode
from breakwater.policies import CheckPolicy, ReleasePolicy
from breakwater.services import EcsServices, Rollout, ServiceNow
from release.sweep_wiring import attended
from release.unattended import may_wait, named, turn

NOW = datetime(2026, 4, 14, 7, 30, tzinfo=UTC)
ROLLOUT = Rollout("ecs-svc/8", "PRIMARY", "web:8", "IN_PROGRESS")
SERVICE = ServiceNow("arn", "prod", "web", "ACTIVE", "ECS", "BLUE_GREEN", 2, 2, 0, (ROLLOUT,), "arn:deployment")
CHECK = (CheckPolicy("c", "task", "{}"),)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, True, id="a blue/green deployment under way"),
        pytest.param({"strategy": "ROLLING"}, False, id="a rolling one has no hooks"),
        pytest.param({"rollouts": (replace(ROLLOUT, state="COMPLETED"),)}, False, id="nothing is under way"),
        pytest.param({"rollouts": ()}, False, id="nothing was deployed"),
        pytest.param({"controller": "CODE_DEPLOY"}, False, id="somebody else's controller"),
        pytest.param({"status": "DRAINING"}, False, id="a service that goes away"),
    ],
)
def test_only_a_deployment_under_way_that_shifts_traffic_may_wait(changes: dict[str, Any], expected: bool) -> None:
    assert may_wait(replace(SERVICE, **changes)) is expected


class Account(EcsServices):
    """Two clusters, and how often somebody asked for lists."""

    def __init__(self) -> None:
        self.asked = 0

    def clusters(self) -> list[str]:
        self.asked += 1
        return ["dev", "prod"]

    def services_of(self, cluster: str) -> list[str]:
        self.asked += 1
        return ["api", "web"]


@pytest.mark.parametrize(
    ("globs", "expected", "asked"),
    [
        pytest.param((), [], 0, id="the policy checks nothing"),
        pytest.param(("prod/web",), [("prod", "web")], 0, id="a name is not looked for"),
        pytest.param(("prod/w*",), [("prod", "web")], 2, id="a pattern, in the clusters that it names"),
        pytest.param(("*/web", "prod/web"), [("dev", "web"), ("prod", "web")], 3, id="each service once"),
    ],
)
def test_services_are_listed_only_where_the_policy_has_a_pattern(
    globs: Sequence[str], expected: list[tuple[str, str]], asked: int
) -> None:
    account = Account()
    assert named(globs, account) == expected
    assert account.asked == asked


def test_where_there_are_too_many_each_has_its_turn() -> None:
    names: list[tuple[str | None, str]] = [("prod", f"s{number}") for number in range(7)]
    assert turn(names, NOW, most=7) == names
    seen = [turn(names, NOW + timedelta(minutes=5 * sweep), most=3) for sweep in range(7)]
    assert all(len(set(one)) == 3 for one in seen)
    assert set().union(*seen) == set(names)


def test_the_policy_names_services_whose_releases_act_and_are_checked() -> None:
    act, observe = ReleasePolicy(mode=Mode.ACT), ReleasePolicy(mode=Mode.OBSERVE)
    rules = (
        ServiceRules("prod/a", release=act, checks=CHECK),
        ServiceRules("prod/b", release=act),
        ServiceRules("prod/c", release=observe, checks=CHECK),
    )
    assert attended(Compiled(services=rules)) == ("prod/a",)
