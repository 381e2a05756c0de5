"""Load balancers over the model: set up, read and changed through boto3, and shifted by ECS itself."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from sandbox import Sandbox, UnsupportedError
from sandbox.actions import needed
from sandbox.ecs.names import milliseconds
from sandbox.ecs.requests import Answers, Sample
from tests.sandbox.conftest import TEMPLATE
from tests.sandbox.ecs_calls import VPC

HOUR = timedelta(hours=1)


class Shop:
    """Two services behind one load balancer: `auth` by default, `random` below /random/*; both deploy blue/green."""

    def __init__(self, account: Sandbox) -> None:
        self.account, self.elb, self.ecs = account, account.client("elbv2"), account.client("ecs")
        self.balancer = self.elb.create_load_balancer(Name="shop", Subnets=["subnet-1", "subnet-2"])["LoadBalancers"][0]
        self.groups = {
            name: self.elb.create_target_group(Name=name, TargetType="ip", VpcId="vpc-1", Port=80, Protocol="HTTP")[
                "TargetGroups"
            ][0]["TargetGroupArn"]
            for name in ("auth-1", "auth-2", "random-1", "random-2")
        }
        self.listener = self.listen(80)
        self.test_listener = self.listen(8080)
        self.rules = {
            (name, port): rule["RuleArn"]
            for port, listener in ((80, self.listener), (8080, self.test_listener))
            for name, rule in (
                ("random", self.rule(listener, 10, "random", "/random/*")),
                ("auth", self.rule(listener, 20, "auth", "/*")),
            )
        }
        self.ecs.create_cluster(clusterName="prod")

    def listen(self, port: int) -> str:
        """A listener that knows nothing by default."""
        fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
        made = self.elb.create_listener(
            LoadBalancerArn=self.balancer["LoadBalancerArn"], Port=port, Protocol="HTTP", DefaultActions=[fixed]
        )
        return str(made["Listeners"][0]["ListenerArn"])

    def forward(self, name: str, first: int = 100, second: int = 0) -> dict[str, Any]:
        weights = {f"{name}-1": first, f"{name}-2": second}
        groups = [{"TargetGroupArn": self.groups[group], "Weight": weight} for group, weight in weights.items()]
        return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}

    def set_auth(self, weight: int) -> None:
        self.elb.modify_rule(RuleArn=self.rules["auth", 80], Actions=[self.forward("auth", weight)])

    def sticky(self) -> dict[str, Any]:
        forward = self.forward("auth")
        forward["ForwardConfig"]["TargetGroupStickinessConfig"] = {"Enabled": True}
        return forward

    def rule(self, listener: str, priority: int, name: str, path: str) -> dict[str, Any]:
        made: dict[str, Any] = self.elb.create_rule(
            ListenerArn=listener,
            Priority=priority,
            Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": [path]}}],
            Actions=[self.forward(name)],
        )
        rule: dict[str, Any] = made["Rules"][0]
        return rule

    def register(self, name: str, image: str) -> str:
        made = self.ecs.register_task_definition(
            family=name,
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            containerDefinitions=[{"name": "app", "image": image, "portMappings": [{"containerPort": 80}]}],
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def service(self, name: str) -> None:
        advanced = {
            "alternateTargetGroupArn": self.groups[f"{name}-2"],
            "productionListenerRule": self.rules[name, 80],
            "testListenerRule": self.rules[name, 8080],
            "roleArn": "arn:aws:iam::111122223333:role/ecs",
        }
        self.ecs.create_service(
            cluster="prod", serviceName=name, taskDefinition=self.register(name, f"{name}:1"), desiredCount=2,
            launchType="FARGATE", networkConfiguration=VPC,
            deploymentConfiguration={"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 10.0}},
            loadBalancers=[{
                "targetGroupArn": self.groups[f"{name}-1"], "containerName": "app", "containerPort": 80,
                "advancedConfiguration": advanced,
            }],
        )  # fmt: skip

    def weights(self, name: str, port: int = 80) -> dict[str, int]:
        """What DescribeRules says, by the name of the group."""
        [rule] = self.elb.describe_rules(RuleArns=[self.rules[name, port]])["Rules"]
        names = {arn: group for group, arn in self.groups.items()}
        return {
            names[one["TargetGroupArn"]]: one["Weight"] for one in rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
        }


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Sandbox.deploy(TEMPLATE, {"AlertEmail": "ops@example.com"}) as account:
        yield Shop(account)


def test_what_was_created_is_described(shop: Shop) -> None:
    elb, arn = shop.elb, shop.balancer["LoadBalancerArn"]
    assert elb.describe_load_balancers(Names=["shop"])["LoadBalancers"] == [shop.balancer]
    listeners = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    assert [(one["Port"], one["DefaultActions"][0]["Type"]) for one in listeners] == [
        (80, "fixed-response"),
        (8080, "fixed-response"),
    ]
    rules = elb.describe_rules(ListenerArn=shop.listener)["Rules"]
    assert [(rule["Priority"], rule["IsDefault"]) for rule in rules] == [
        ("10", False),
        ("20", False),
        ("default", True),
    ]
    groups = elb.describe_target_groups(LoadBalancerArn=arn)["TargetGroups"]
    assert sorted(group["TargetGroupName"] for group in groups) == sorted(shop.groups)
    assert {group["TargetType"] for group in groups} == {"ip"}


def test_rules_and_listeners_are_changed(shop: Shop) -> None:
    shop.elb.modify_rule(RuleArn=shop.rules["auth", 80], Actions=[shop.forward("auth", 3, 1)])
    assert shop.weights("auth") == {"auth-1": 3, "auth-2": 1}
    shop.elb.modify_listener(ListenerArn=shop.listener, DefaultActions=[shop.forward("auth", 0, 7)])
    [default] = [one for one in shop.elb.describe_rules(ListenerArn=shop.listener)["Rules"] if one["IsDefault"]]
    assert [one["Weight"] for one in default["Actions"][0]["ForwardConfig"]["TargetGroups"]] == [0, 7]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        pytest.param(lambda s: s.set_auth(1000), "ValidationError", id="too heavy"),
        pytest.param(lambda s: s.set_auth(-1), "ValidationError", id="negative"),
        pytest.param(lambda s: s.elb.modify_rule(RuleArn="arn:no", Actions=[]), "RuleNotFound", id="no such rule"),
        pytest.param(lambda s: s.rule(s.listener, 10, "auth", "/a"), "PriorityInUse", id="priority taken"),
        pytest.param(lambda s: s.rule(s.listener, 50_001, "auth", "/a"), "ValidationError", id="priority too high"),
        pytest.param(lambda s: s.listen(80), "DuplicateListener", id="port taken"),
        pytest.param(lambda s: s.elb.create_load_balancer(Name="shop"), "DuplicateLoadBalancerName", id="name taken"),
        pytest.param(lambda s: s.elb.describe_target_groups(Names=["no"]), "TargetGroupNotFound", id="no such group"),
        pytest.param(lambda s: s.elb.describe_rules(), "ValidationError", id="no question"),
    ],
)  # fmt: skip
def test_what_elbv2_refuses_is_refused_by_its_name(shop: Shop, call: Callable[[Shop], object], error: str) -> None:
    with pytest.raises(shop.elb.exceptions.ClientError) as caught:
        call(shop)
    assert caught.value.response["Error"]["Code"] == error


@pytest.mark.parametrize(
    ("call", "named"),
    [
        pytest.param(
            lambda s: s.elb.modify_listener(ListenerArn=s.listener, DefaultActions=[{"Type": "redirect"}]),
            "the action redirect",
            id="action",
        ),
        pytest.param(
            lambda s: s.elb.modify_rule(RuleArn=s.rules["auth", 80], Actions=[s.sticky()]),
            r"ForwardConfig\.TargetGroupStickinessConfig",
            id="stickiness",
        ),
        pytest.param(lambda s: s.elb.delete_rule(RuleArn=s.rules["auth", 80]), "elbv2:DeleteRule", id="operation"),
    ],
)
def test_what_is_not_modelled_is_named(shop: Shop, call: Callable[[Shop], object], named: str) -> None:
    with pytest.raises(UnsupportedError, match=named):
        call(shop)


def test_each_operation_has_its_permission(shop: Shop) -> None:
    def asked(operation: str, **params: Any) -> list[tuple[str, str]]:
        return [(one.action, one.resource) for one in needed(shop.account.account, "elbv2", operation, params)]

    assert asked("DescribeRules", ListenerArn="a") == [("elasticloadbalancing:DescribeRules", "*")]
    assert asked("ModifyRule", RuleArn="arn:r") == [("elasticloadbalancing:ModifyRule", "arn:r")]
    assert asked("ModifyListener", ListenerArn="arn:l") == [("elasticloadbalancing:ModifyListener", "arn:l")]


def test_one_service_is_released_and_the_other_notices_nothing(shop: Shop) -> None:
    shop.service("auth")
    shop.service("random")
    shop.account.advance(HOUR)
    shop.account.run_until_idle()
    native = shop.account.native
    flows = {
        name: native.requests.flow(shop.listener, path, 2, 3 * 3600)
        for name, path in (("auth", "/login"), ("random", "/random/7"))
    }
    shop.ecs.update_service(cluster="prod", service="random", taskDefinition=shop.register("random", "random:2"))
    seen = set()
    for _ in range(60):
        shop.account.advance(timedelta(minutes=1))
        seen.add(tuple(shop.weights("random").items()))
    assert (("random-1", 90), ("random-2", 10)) in seen
    assert shop.weights("random") == {"random-1": 0, "random-2": 100}
    assert shop.weights("auth") == {"auth-1": 100, "auth-2": 0}
    shop.account.advance(2 * HOUR)
    assert {name: (flow.sent, flow.failed) for name, flow in flows.items()} == {
        "auth": (21_600, 0),
        "random": (21_600, 0),
    }
    assert flows["auth"].by("revision") == {"auth:1": 21_600}
    assert set(flows["random"].by("revision")) == {"random:1", "random:2"}
    assert native.requests.failed("auth") == 0


def metric(shop: Shop, name: str, stat: str, group: str = "random-2", period: int = 60) -> list[float]:
    """The datapoints of the last hour, the oldest first."""
    arn, balancer = shop.groups[group].split(":")[-1], shop.balancer["LoadBalancerArn"].partition(":loadbalancer/")[2]
    dimensions = [{"Name": "TargetGroup", "Value": arn}, {"Name": "LoadBalancer", "Value": balancer}]
    wanted = {"Namespace": "AWS/ApplicationELB", "MetricName": name, "Dimensions": dimensions}
    answer = shop.account.client("cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": {"Metric": wanted, "Period": period, "Stat": stat}}],
        StartTime=shop.account.now - HOUR,
        EndTime=shop.account.now,
        ScanBy="TimestampAscending",
    )
    [result] = answer["MetricDataResults"]
    assert result["StatusCode"] == "Complete"
    assert len(result["Timestamps"]) == len(result["Values"])
    return [float(value) for value in result["Values"]]


def test_metrics_are_those_of_the_requests(shop: Shop) -> None:
    shop.service("random")
    shop.account.run_until_idle()
    native = shop.account.native
    native.requests.answers["random:2"] = Answers(error_rate=0.2, latency_ms=100, spread=0.5)
    native.requests.flow(shop.listener, "/random/1", 10, 7200)
    shop.ecs.update_service(cluster="prod", service="random", taskDefinition=shop.register("random", "random:2"))
    shop.account.advance(HOUR)
    counts = metric(shop, "RequestCount", "Sum")
    assert counts[-1] == 600
    assert 60 in counts  # a canary of 10 %
    assert 80 < metric(shop, "HTTPCode_Target_5XX_Count", "Sum")[-1] < 160
    assert metric(shop, "HTTPCode_Target_5XX_Count", "Sum", "random-1") == []  # none at zero
    well, ill = (metric(shop, f"HTTPCode_Target_{kind}_Count", "Sum") for kind in ("2XX", "5XX"))
    assert well[-1] + ill[-1] == 600
    assert metric(shop, "HTTPCode_ELB_5XX_Count", "Sum") == []  # AWS has none by target group
    median, slow = (metric(shop, "TargetResponseTime", stat, period=300)[-1] for stat in ("p50", "p99"))
    assert 0.08 < median < 0.12
    assert slow > 2 * median
    assert metric(shop, "RequestCount", "Sum", "auth-1") == []  # no request, no datapoint


def test_what_the_balancer_answers_for_a_target_is_a_request_of_its_group_and_no_answer(shop: Shop) -> None:
    minute = (milliseconds(shop.account.now) // 60_000 - 5) * 60_000
    broken = Sample(requests=10, target_5xx=1, balancer_5xx=3, latencies=[20.0] * 7)
    shop.account.native.requests.samples[shop.groups["random-2"]][minute] = broken
    names = ("RequestCount", "HTTPCode_Target_2XX_Count", "HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count")
    assert [metric(shop, name, "Sum") for name in names] == [[10.0], [6.0], [1.0], []]


def test_metrics_that_nobody_measures_are_named(shop: Shop) -> None:
    with pytest.raises(UnsupportedError, match="ConsumedLCUs"):
        metric(shop, "ConsumedLCUs", "Sum")
