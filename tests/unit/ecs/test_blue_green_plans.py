"""The settings of the native strategies, the stages that they plan, and shares as whole weights (ecs 4)."""

import pytest

from sandbox.ecs import EcsError
from sandbox.ecs.definitions import DeploymentSettings
from sandbox.ecs.native import settings
from sandbox.ecs.shifting import BlueGreen, Canary, Linear, Shifting, of, plan, steps, way_back
from sandbox.ecs.traffic import parts

BEFORE = ["PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT"]
STEP = ["PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"]
AFTER = ["POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP"]


@pytest.mark.parametrize(
    ("strategy", "count"),
    [
        pytest.param(BlueGreen(5), 1, id="blue/green"),
        pytest.param(Linear(), 10, id="linear by default"),
        pytest.param(Linear(30.0), 4, id="linear with a shorter last step"),
        pytest.param(Linear(3.0), 34, id="linear in the smallest steps"),
        pytest.param(Linear(33.4), 3, id="linear in thirds"),
        pytest.param(Linear(100.0), 1, id="linear at once"),
        pytest.param(Canary(), 2, id="canary by default"),
        pytest.param(Canary(0.1), 2, id="the smallest canary"),
        pytest.param(Canary(100.0), 1, id="a canary of everything"),
    ],
)
@pytest.mark.parametrize("reconcile", [pytest.param(False, id="one revision"), pytest.param(True, id="several")])
def test_every_strategy_goes_through_the_documented_stages(strategy: Shifting, count: int, reconcile: bool) -> None:
    stages = [move.stage for move in plan(strategy, reconcile=reconcile)]
    assert stages == [*["RECONCILE_SERVICE"][: int(reconcile)], *BEFORE, *STEP * count, *AFTER]


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        pytest.param(BlueGreen(7), ((1000, 0),), id="blue/green"),
        pytest.param(Linear(25.0, 6), ((250, 6), (500, 6), (750, 6), (1000, 0)), id="no bake after the last step"),
        pytest.param(Linear(40.0, 0), ((400, 0), (800, 0), (1000, 0)), id="no bake at all"),
        pytest.param(Canary(5.0, 10), ((50, 10), (1000, 0)), id="canary"),
        pytest.param(Canary(0.1, 1440), ((1, 1440), (1000, 0)), id="a long small canary"),
    ],
)
def test_steps_end_at_all_of_the_traffic(strategy: Shifting, expected: tuple[tuple[int, int], ...]) -> None:
    assert steps(strategy) == expected


def test_the_bake_at_the_end_is_that_of_the_deployment() -> None:
    assert [move.bake for move in plan(BlueGreen(15)) if move.stage == "BAKE_TIME"] == [15 * 60_000]


@pytest.mark.parametrize(
    ("scale_up", "production", "test", "expected"),
    [
        pytest.param(False, False, False, ["CLEAN_UP"], id="nothing moved"),
        pytest.param(False, False, True, ["TEST_TRAFFIC_SHIFT", "CLEAN_UP"], id="test traffic moved"),
        pytest.param(False, True, True, ["PRODUCTION_TRAFFIC_SHIFT", "TEST_TRAFFIC_SHIFT", "CLEAN_UP"], id="all moved"),
        pytest.param(
            True,
            True,
            True,
            ["SCALE_UP", "PRODUCTION_TRAFFIC_SHIFT", "TEST_TRAFFIC_SHIFT", "CLEAN_UP"],
            id="blue is gone",
        ),
    ],
)
def test_the_way_back_undoes_what_was_done(scale_up: bool, production: bool, test: bool, expected: list[str]) -> None:
    assert [move.stage for move in way_back(scale_up=scale_up, production=production, test=test)] == expected


@pytest.mark.parametrize("minutes", [-1, 1441, True], ids=["negative", "more than a day", "no number"])
@pytest.mark.parametrize("of_what", [BlueGreen, Linear, Canary], ids=lambda one: one.__name__)
def test_a_bake_out_of_range_is_refused(of_what: type[Shifting], minutes: int) -> None:
    with pytest.raises(EcsError, match="bakeTimeInMinutes must be between 0 and 1440"):
        of_what(bake_minutes=minutes)


@pytest.mark.parametrize("minutes", [0, 1440], ids=["shortest", "longest"])
def test_a_bake_in_range_is_accepted(minutes: int) -> None:
    assert BlueGreen(minutes).bake_minutes == Linear(10.0, minutes).step_bake_minutes == minutes


@pytest.mark.parametrize(
    ("percent", "said"),
    [
        pytest.param(2.9, "between 3.0 and 100.0", id="too small"),
        pytest.param(100.1, "between 3.0 and 100.0", id="too large"),
        pytest.param(float("nan"), "between 3.0 and 100.0", id="not a number"),
        pytest.param(3.05, "multiple of 0.1", id="too fine"),
    ],
)
def test_a_linear_step_out_of_range_is_refused(percent: float, said: str) -> None:
    with pytest.raises(EcsError, match=f"stepPercent must be .*{said}"):
        Linear(percent)


@pytest.mark.parametrize("percent", [0.0, 0.05, 100.1, 7.77], ids=str)
def test_a_canary_out_of_range_is_refused(percent: float) -> None:
    with pytest.raises(EcsError, match="canaryPercent must be"):
        Canary(percent)


@pytest.mark.parametrize("percent", [0.1, 0.3, 5.0, 99.9, 100.0], ids=str)
def test_a_canary_in_range_is_accepted(percent: float) -> None:
    assert Canary(percent).canary_percent == percent


@pytest.mark.parametrize("minutes", [-1, 1441], ids=["negative", "more than a day"])
def test_the_bake_of_a_step_out_of_range_is_refused(minutes: int) -> None:
    with pytest.raises(EcsError, match="stepBakeTimeInMinutes"):
        Linear(10.0, minutes)
    with pytest.raises(EcsError, match="canaryBakeTimeInMinutes"):
        Canary(10.0, minutes)


@pytest.mark.parametrize(
    ("strategy", "more"),
    [
        pytest.param("BLUE_GREEN", None, id="blue/green without a bake time"),
        pytest.param("LINEAR", BlueGreen(5), id="linear with the settings of blue/green"),
        pytest.param("CANARY", object(), id="canary with anything"),
    ],
)
def test_settings_that_are_not_those_of_the_strategy_are_refused(strategy: str, more: object) -> None:
    with pytest.raises(EcsError, match="InvalidParameterException"):
        of(DeploymentSettings(strategy=strategy, more=more))


def test_linear_and_canary_have_defaults() -> None:
    assert of(DeploymentSettings(strategy="LINEAR")) == Linear(10.0, 6)
    assert of(DeploymentSettings(strategy="CANARY")) == Canary(5.0, 10)
    assert of(settings(BlueGreen(3))) == BlueGreen(3)


@pytest.mark.parametrize(
    ("total", "share", "expected"),
    [
        pytest.param(100, 0, 0, id="nothing"),
        pytest.param(100, 1000, 100, id="all"),
        pytest.param(100, 125, 13, id="rounded"),
        pytest.param(100, 1, 1, id="never rounded to nothing"),
        pytest.param(100, 999, 99, id="never rounded to all"),
        pytest.param(999, 1, 1, id="a tenth of a per cent"),
        pytest.param(999, 500, 500, id="half of an odd sum"),
    ],
)
def test_a_share_is_a_whole_weight(total: int, share: int, expected: int) -> None:
    assert parts(total, share) == expected
