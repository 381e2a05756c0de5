"""The reads of a release against moto: what is there, what is not, and what may not be read."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from breakwater.addresses import Origin
from breakwater.checks import QuantileBound, Side
from breakwater.errors import BreakwaterError
from breakwater.listeners import balancer_dimension, listener_of, listening, weights_of
from breakwater.preflight_facts import Binding, DefinitionFacts, ImageFacts, ServiceFacts, TargetGroupFacts, Unknown
from breakwater.preflight_reads import room_on_instances, service_facts, snapshot_of
from breakwater.target_metrics import read_sides

REGION, ACCOUNT = "us-east-1", "123456789012"
NOW = datetime(2026, 4, 14, 7, 31, 30, tzinfo=UTC)


def client(name: str) -> Any:
    return boto3.client(name, region_name=REGION)


class Account:
    """One service behind one load balancer, with an image, two secrets and an alarm."""

    def __init__(self) -> None:
        ec2, elb = client("ec2"), client("elbv2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
                "SubnetId"
            ]
            for number, zone in enumerate("ab")
        ]
        balancer = elb.create_load_balancer(Name="shop", Subnets=self.subnets, Scheme="internal")["LoadBalancers"][0]
        self.dns = balancer["DNSName"].lower()
        self.groups = [
            elb.create_target_group(
                Name=name, Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip", HealthCheckPath="/health"
            )["TargetGroups"][0]["TargetGroupArn"]
            for name in ("blue", "green")
        ]
        forward = {
            "TargetGroups": [{"TargetGroupArn": arn, "Weight": 100 * (not at)} for at, arn in enumerate(self.groups)]
        }
        self.rules = []
        for port in (80, 8080):
            listener = elb.create_listener(
                LoadBalancerArn=balancer["LoadBalancerArn"],
                Protocol="HTTP",
                Port=port,
                DefaultActions=[{"Type": "forward", "TargetGroupArn": self.groups[0]}],
            )["Listeners"][0]["ListenerArn"]
            rule = elb.create_rule(
                ListenerArn=listener,
                Priority=1,
                Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
                Actions=[{"Type": "forward", "ForwardConfig": forward}],
            )["Rules"][0]["RuleArn"]
            self.rules.append(rule)
        self.digest = self._image()
        self.secret = client("secretsmanager").create_secret(Name="db", SecretString="hunter2")["ARN"]
        client("ssm").put_parameter(Name="/shop/key", Value="hunter2", Type="SecureString")
        client("cloudwatch").put_metric_alarm(
            AlarmName="5xx",
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=1,
            MetricName="m",
            Namespace="n",
            Period=60,
            Statistic="Sum",
            Threshold=1,
        )
        self._service()

    @property
    def binding(self) -> Binding:
        return Binding("web", 8080, *self.groups, *self.rules)

    def _image(self) -> str:
        ecr = client("ecr")
        ecr.create_repository(repositoryName="shop/web", imageTagMutability="IMMUTABLE")
        config = {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 1,
            "digest": "sha256:" + "b" * 64,
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": config,
            "layers": [],
        }
        ecr.put_image(repositoryName="shop/web", imageManifest=json.dumps(manifest), imageTag="1.4")
        return str(ecr.describe_images(repositoryName="shop/web")["imageDetails"][0]["imageDigest"])

    def _service(self) -> None:
        ecs = client("ecs")
        self.registry = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop/web"
        ecs.create_cluster(clusterName="prod")
        ecs.register_task_definition(
            family="web",
            networkMode="awsvpc",
            containerDefinitions=[
                {
                    "name": "web",
                    "image": f"{self.registry}:1.4",
                    "memory": 512,
                    "portMappings": [{"containerPort": 8080}],
                    "secrets": [
                        {"name": "A", "valueFrom": f"{self.secret}:password::"},
                        {"name": "B", "valueFrom": self.secret.replace("secret:db", "secret:gone")},
                        {"name": "C", "valueFrom": "/shop/key"},
                        {"name": "D", "valueFrom": "/shop/gone"},
                    ],
                },
                {"name": "agent", "image": f"{self.registry}:gone", "memory": 64},
                {"name": "proxy", "image": "nginx:1.27", "memory": 64},
            ],
        )
        ecs.create_service(
            cluster="prod",
            serviceName="web",
            taskDefinition="web:1",
            desiredCount=2,
            loadBalancers=[{"targetGroupArn": self.groups[0], "containerName": "web", "containerPort": 8080}],
            networkConfiguration={"awsvpcConfiguration": {"subnets": self.subnets, "securityGroups": []}},
        )


@pytest.fixture
def account() -> Iterator[Account]:
    with mock_aws():
        yield Account()


def test_a_snapshot_has_what_there_is_and_what_there_is_not(account: Account) -> None:
    snapshot = snapshot_of(client, "prod", "web", "web:1")
    assert isinstance(snapshot.service, ServiceFacts)
    assert (snapshot.service.desired, snapshot.service.controller) == (2, "ECS")
    assert isinstance(snapshot.definition, DefinitionFacts)
    assert (snapshot.definition.revision, snapshot.definition.network_mode) == ("web:1", "awsvpc")
    assert snapshot.target_groups == {account.groups[0]: TargetGroupFacts(health_path="/health")}
    images = snapshot.images
    assert images[f"{account.registry}:1.4"] == ImageFacts(account.digest, mutable=False)
    assert images[f"{account.registry}:gone"] == ImageFacts(None)
    assert isinstance(images["nginx:1.27"], Unknown)
    assert list(snapshot.secrets.values()) == [True, False, True, False]
    assert all(isinstance(count, int) and count > 200 for count in snapshot.free_addresses.values())
    assert not isinstance(snapshot.roads, Unknown)
    assert set(snapshot.roads) == {"production"}
    assert "hunter2" not in repr(snapshot)


@pytest.mark.parametrize(("service", "definition"), [("gone", "web:1"), ("web", "web:9")])
def test_a_service_or_a_revision_that_is_not_there_is_said_to_be_missing(
    account: Account, service: str, definition: str
) -> None:
    snapshot = snapshot_of(client, "prod", service, definition)
    assert isinstance(snapshot.service, Unknown) is (service == "gone")
    assert (snapshot.definition is None) is (definition == "web:9")


def test_what_may_not_be_read_is_unknown_and_the_rest_is_there(account: Account) -> None:
    class Refused:
        """Says no to everything."""

        def __init__(self, name: str) -> None:
            self.meta = client(name).meta

        def __getattr__(self, operation: str) -> Any:
            error: Any = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}

            def refuse(**params: object) -> None:
                raise ClientError(error, operation)

            return refuse

    snapshot = snapshot_of(lambda name: client(name) if name == "ecs" else Refused(name), "prod", "web", "web:1")
    assert isinstance(snapshot.service, ServiceFacts)
    assert isinstance(snapshot.roads, Unknown)
    for facts in (snapshot.images, snapshot.target_groups, snapshot.secrets, snapshot.free_addresses):
        assert facts
        assert all(isinstance(fact, Unknown) for fact in facts.values())


def test_hooks_listeners_and_alarms_of_a_service_are_read() -> None:
    raw = {
        "serviceName": "web",
        "deploymentConfiguration": {
            "strategy": "CANARY",
            "maximumPercent": 150,
            "alarms": {"enable": True, "rollback": True, "alarmNames": ["5xx"]},
            "lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}],
        },
        "loadBalancers": [
            {
                "targetGroupArn": "b",
                "containerName": "web",
                "containerPort": 80,
                "advancedConfiguration": {
                    "alternateTargetGroupArn": "g",
                    "productionListenerRule": "p",
                    "testListenerRule": "t",
                },
            }
        ],
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
        "deployments": [{"id": "ecs-svc/7", "status": "PRIMARY", "rolloutState": "IN_PROGRESS"}],
    }
    facts = service_facts(raw, "prod")
    assert facts.bindings == (Binding("web", 80, "b", "g", "p", "t"),)
    assert (facts.hooks[0].target_type, facts.alarms, facts.launch_type) == ("PAUSE", ("5xx",), "FARGATE")
    assert facts.deployment_in_progress == "ecs-svc/7"


def test_alarms_have_their_state_and_a_missing_one_is_unknown(account: Account) -> None:
    from breakwater.preflight_reads import _alarms

    client("cloudwatch").set_alarm_state(AlarmName="5xx", StateValue="ALARM", StateReason="test")
    states = _alarms(client, ["5xx", "gone"])
    assert states["5xx"] == "ALARM"
    assert isinstance(states["gone"], Unknown)


def test_listeners_are_found_by_their_rules(account: Account) -> None:
    found = listening(lambda: client("elbv2"), account.binding)
    assert found.internal == {account.dns}
    origins = found.origins
    assert origins == {"production": Origin("http", account.dns, 80), "test": Origin("http", account.dns, 8080)}
    assert [rule.arn in road.own for road in found.roads.values() for rule in road.rules] == [True, False] * 2
    assert [str(one) for one in found.roads["test"].rules[0].conditions] == ["path-pattern"]


def test_the_rules_that_lead_to_a_rolling_service_are_all_its_own(account: Account) -> None:
    found = listening(lambda: client("elbv2"), Binding("web", 80, account.groups[0]))
    assert set(found.origins) == {"production"}
    assert all(rule.arn in found.roads["production"].own for rule in found.roads["production"].rules)
    assert listening(lambda: client("elbv2"), Binding("web", 80, account.groups[1])).origins == {}


def test_weights_are_read_as_they_stand(account: Account) -> None:
    weights = weights_of(lambda: client("elbv2"), account.rules)
    assert weights == {rule: dict(zip(account.groups, (100, 0), strict=True)) for rule in account.rules}


def test_a_listener_without_rules_stands_for_itself() -> None:
    listener = "arn:aws:elasticloadbalancing:eu-central-1:1:listener/net/shop/a1/b2"
    assert listener_of(listener) == listener


def test_a_listener_without_rules_has_no_weights() -> None:
    listener = "arn:aws:elasticloadbalancing:eu-central-1:1:listener/net/shop/a1/b2"
    assert weights_of(lambda: pytest.fail("it was asked"), [listener]) == {}


@pytest.mark.parametrize(
    ("configuration", "steps", "step_bake", "minutes"),
    [
        pytest.param({"strategy": "LINEAR"}, 10, 6, 54, id="linear, as AWS has it"),
        pytest.param({"strategy": "CANARY", "bakeTimeInMinutes": 5}, 2, 10, 15, id="a canary, as AWS has it"),
        pytest.param(
            {
                "strategy": "LINEAR",
                "bakeTimeInMinutes": 60,
                "linearConfiguration": {"stepPercent": 3.0, "stepBakeTimeInMinutes": 120},
            },
            34,
            120,
            4020,
            id="many long steps",
        ),
        pytest.param(
            {"strategy": "CANARY", "canaryConfiguration": {"canaryBakeTimeInMinutes": 0}}, 2, 0, 0, id="no bake"
        ),
        pytest.param({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 30}, 1, 0, 30, id="all at once"),
        pytest.param({}, 1, 0, 0, id="rolling"),
    ],
)
def test_how_long_a_deployment_takes_by_itself_is_read(
    configuration: dict[str, Any], steps: int, step_bake: int, minutes: int
) -> None:
    facts = service_facts({"serviceName": "web", "deploymentConfiguration": configuration}, "prod")
    assert (facts.steps, facts.step_bake_minutes, facts.shift_minutes) == (steps, step_bake, minutes)


def test_a_cluster_without_instances_has_no_room(account: Account) -> None:
    assert room_on_instances(client("ecs"), "prod", 256, 512) == 0


def test_both_sides_are_read_at_once_and_what_is_missing_stays_missing(account: Account) -> None:
    balancer = balancer_dimension(lambda: client("elbv2"), account.groups[0])
    assert balancer.startswith("app/shop/")
    watch = client("cloudwatch")
    dimensions = [
        {"Name": "LoadBalancer", "Value": balancer},
        {"Name": "TargetGroup", "Value": account.groups[1].rpartition(":")[2]},
    ]
    for minute in (2, 3):
        at = {"Dimensions": dimensions, "Timestamp": NOW - timedelta(minutes=minute)}
        counts = (("RequestCount", 150), ("HTTPCode_Target_2XX_Count", 149))
        data: list[Any] = [{**at, "MetricName": name, "Value": value} for name, value in counts]
        watch.put_metric_data(Namespace="AWS/ApplicationELB", MetricData=data)
    starts = dict.fromkeys(account.groups, NOW - timedelta(minutes=6))
    sides = read_sides(lambda: watch, balancer, starts, [], NOW)
    assert sides == {account.groups[0]: Side(None), account.groups[1]: Side(300, 2)}, "two were not answered well"


class Watch:
    """Answers in two pages. moto cannot do percentiles."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def get_metric_data(self, **params: Any) -> dict[str, Any]:
        self.asked.append(params)
        if "NextToken" in params:
            return {"MetricDataResults": [_result("q0", 0.09, 28), _result("refused", 2.0, 28)]}
        first = [_result("requests", 150.0, 26), _result("q0", 0.08, 27), _result("bad", 1.0, 26)]
        first.append({**_result("good2", 297.0, 27), "StatusCode": "PartialData"})
        return {"MetricDataResults": [*first, _result("requests", 150.0, 27)], "NextToken": "more"}


def _result(id_: str, value: float, minute: int) -> dict[str, Any]:
    return {"Id": id_, "Timestamps": [NOW.replace(minute=minute, second=0)], "Values": [value]}


def test_an_answer_of_several_pages_is_put_together_and_latency_is_in_milliseconds() -> None:
    watch = Watch()
    starts = {"arn:g": NOW - timedelta(minutes=6)}
    with pytest.raises(BreakwaterError, match="PartialData for good2"):
        read_sides(lambda: watch, "app/shop/1", starts, [QuantileBound(0.95)], NOW)

    class Whole(Watch):
        def get_metric_data(self, **params: Any) -> dict[str, Any]:
            answer = super().get_metric_data(**params)
            more = [{"Id": "good2", "StatusCode": "Complete"}] if "NextToken" in params else []
            return {**answer, "MetricDataResults": [*answer["MetricDataResults"], *more]}

    side = read_sides(lambda: Whole(), "app/shop/1", starts, [QuantileBound(0.95)], NOW)["arn:g"]
    assert (side.requests, side.errors) == (300, 3)
    assert side.latency_ms[0.95] == pytest.approx(90), "of two percentiles the worse"


def test_a_window_of_no_minute_has_no_data() -> None:
    sides = read_sides(lambda: None, "app/shop/1", {"arn:b": NOW - timedelta(seconds=70)}, [], NOW)
    assert sides == {"arn:b": Side(None)}
