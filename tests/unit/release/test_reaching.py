"""What ReleaseCheck asks on its way to a verdict: by which road its checks go, and over which minutes it compares."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from breakwater.checks import HttpCheck, Inconclusive, MetricAnalysis, QuantileBound, Sample
from breakwater.model import Mode
from breakwater.release_policy import ReleasePolicy
from release.examining import Done, analysed, checked
from release.record import Before, Looks, Release, Share, Stage
from release.sight import Sight
from release.wiring import Work
from tests.fakes.aws import BALANCED, ONE, PRODUCTION, TWO, Aws, balanced, metrics, rule, rules
from tests.fakes.release_sight import EXECUTION, SERVICE
from tests.fakes.release_work import Bench, Clock

NOW = datetime(2026, 4, 14, 7, 31, 30, tzinfo=UTC)
RELEASE = Release(
    EXECUTION,
    SERVICE,
    Stage.FORWARD,
    Mode.ACT,
    NOW,
    strategy="CANARY",
    before=Before("web:7", "ecs-svc/7", 2, (Share(PRODUCTION, ONE, 100), Share(PRODUCTION, TWO, 0))),
)


def parts(aws: Aws) -> Work:
    """What it works with, where everything is read."""
    return replace(Bench(aws=aws, clock=Clock(NOW)).work, sight=Sight(aws))


def test_checks_that_the_old_side_would_answer_are_a_doubt_and_no_pass() -> None:
    aws = balanced(describe_rules=rules(d=rule("d", "e", ONE)))
    policy = ReleasePolicy(Mode.ACT, (HttpCheck("smoke", "/", sample=Sample(1, 1, 0, 60)),))
    done = checked(RELEASE, policy, "h1", parts(aws), NOW)
    assert isinstance(done, Done)
    assert isinstance(done.verdict, Inconclusive)
    assert "the test rule leads to one, which has production traffic" in done.verdict.reason


@pytest.mark.parametrize(
    ("strategy", "green", "blue"),
    [
        pytest.param({"strategy": "CANARY"}, 26, 26, id="one window for both"),
        pytest.param(
            {"strategy": "CANARY", "canaryConfiguration": {"canaryBakeTimeInMinutes": 2}}, 30, 30, id="no longer a bake"
        ),
        pytest.param({"strategy": "BLUE_GREEN"}, 32, 26, id="after and before"),
    ],
)
def test_a_look_is_over_the_minutes_of_the_release(strategy: dict[str, Any], green: int, blue: int) -> None:
    service = {**BALANCED, "deploymentConfiguration": strategy}
    aws = balanced(describe_services={"services": [service]}, get_metric_data=metrics)
    policy = ReleasePolicy(Mode.ACT, analysis=MetricAnalysis(quantiles=(QuantileBound(0.5),)))
    analysed(RELEASE, policy, Looks("h1", NOW, 1), parts(aws), NOW + timedelta(minutes=10))
    starts = {
        params["MetricDataQueries"][0]["MetricStat"]["Metric"]["Dimensions"][1]["Value"]: params["StartTime"].minute
        for params in aws.made("get_metric_data")
    }
    assert starts == {"targetgroup/two/2": green, "targetgroup/one/1": blue}
