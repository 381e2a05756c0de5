"""What ReleaseCheck asks on its way to a verdict: by which road its checks go, and over which minutes it compares."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from breakwater.checks import HttpCheck, Inconclusive, MetricAnalysis, QuantileBound, Sample
from breakwater.model import Mode
from breakwater.release_policy import ReleasePolicy
from release.examining import Done, analysed, checked
from release.record import Before, Looks, Release, Share, Stage
from release.sight import Sight
from release.wiring import Work
from tests.unit.deployment_hooks.test_gathering import ELB, NOW, ONE, SERVICE, TWO, Aws, metrics, rule
from tests.unit.release.test_begin import EXECUTION, work

PRODUCTION = f"{ELB}listener-rule/app/shop/a/b/c"
RELEASE = Release(
    EXECUTION,
    "prod/web",
    Stage.FORWARD,
    Mode.ACT,
    NOW,
    strategy="CANARY",
    before=Before("web:7", "ecs-svc/7", 2, (Share(PRODUCTION, ONE, 100), Share(PRODUCTION, TWO, 0))),
)


def parts(aws: Aws) -> Work:
    return replace(work(PRODUCTION), client=aws, sight=Sight(aws), now=lambda: NOW, sleep=lambda seconds: None)


def rules(**changed: dict[str, Any]) -> Any:
    """DescribeRules by listener or by rule."""
    by_listener = {"b": rule("b", "c", ONE), "d": rule("d", "e", TWO)} | changed

    def answer(params: dict[str, Any]) -> dict[str, Any]:
        if "ListenerArn" in params:
            return {"Rules": [by_listener[params["ListenerArn"].rpartition("/")[2]]]}
        return {"Rules": [one for one in by_listener.values() if one["RuleArn"] in params["RuleArns"]]}

    return answer


def test_checks_that_the_old_side_would_answer_are_a_doubt_and_no_pass() -> None:
    aws = Aws(describe_rules=rules(d=rule("d", "e", ONE)))
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
    service = {**SERVICE, "deploymentConfiguration": strategy}
    aws = Aws(describe_services={"services": [service]}, describe_rules=rules(), get_metric_data=metrics)
    policy = ReleasePolicy(Mode.ACT, analysis=MetricAnalysis(quantiles=(QuantileBound(0.5),)))
    analysed(RELEASE, policy, Looks("h1", NOW, 1), parts(aws), NOW + timedelta(minutes=10))
    starts = {
        params["MetricDataQueries"][0]["MetricStat"]["Metric"]["Dimensions"][1]["Value"]: params["StartTime"].minute
        for operation, params in aws.asked
        if operation == "get_metric_data"
    }
    assert starts == {"targetgroup/two/2": green, "targetgroup/one/1": blue}
