"""The account of a scenario, made in a sandbox: through boto3 what people make, in the model what AWS has."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from sandbox.ecs.constants import SECOND
from sandbox.ecs.requests import Answers, Flow
from sandbox.ecs.state import Instance
from sandbox.ecs.workloads import ProcessResult
from sandbox.errors import SandboxError
from sandbox.front import Sandbox
from sandbox.processes import LONGEST_SECONDS, Processes, killed_after
from sandbox.simulation.account import (
    Attachment,
    Cluster,
    Container,
    Deployment,
    Instances,
    LoadBalancer,
    Service,
    TaskDefinition,
)
from sandbox.simulation.actions import SendRequests
from sandbox.simulation.images import Behaviour, RealProcess
from sandbox.simulation.parts import seconds
from sandbox.simulation.scenario import Scenario

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"], "securityGroups": ["sg-0a1b2c3d"]}}
ROOT = Path(__file__).resolve().parents[2]


class ScenarioError(Exception):
    """A step that cannot be carried out as things stand, or that AWS refuses."""


@dataclass(slots=True)
class Stage:
    """A scenario in its sandbox, and what its names stand for there."""

    scenario: Scenario
    sandbox: Sandbox
    groups: dict[str, str] = field(default_factory=dict)
    """ARNs of target groups, by name."""
    rules: dict[tuple[str, str], str] = field(default_factory=dict)
    """ARNs of rules, by load balancer and name."""
    listeners: dict[tuple[str, str], str] = field(default_factory=dict)
    """ARNs of listeners, by load balancer and name."""
    flows: list[tuple[SendRequests, Flow]] = field(default_factory=list)
    """Requests that are sent, and what became of them."""
    instances: dict[str, list[Instance]] = field(default_factory=dict)
    """Container instances of each cluster, in the order in which they joined."""
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    """What each image does now."""

    def aws(self, service: str) -> Any:
        """A boto3 client of whoever acts: people."""
        return self.sandbox.client(service)


def building(stage: Stage) -> Iterator[tuple[str, Callable[[], None]]]:
    """What makes clusters, capacity, load balancers, images, task definitions and services, with its place in the file.

    No time passes while they run, one after the other.
    """
    scenario = stage.scenario
    yield "images", partial(_images, stage)
    for name, cluster in scenario.account.clusters.items():
        yield f"account.clusters.{name}", partial(_cluster, stage, name, cluster)
    for name, balancer in scenario.account.load_balancers.items():
        yield f"account.load_balancers.{name}", partial(_load_balancer, stage, name, balancer)
    for bucket in scenario.account.buckets:
        yield "account.buckets", partial(_bucket, stage, bucket)
    for table, key in scenario.account.tables.items():
        yield f"account.tables.{table}", partial(_table, stage, table, key)
    if scenario.policy is not None:
        yield "policy", partial(_policy, stage, scenario.policy)
    for family, definition in scenario.task_definitions.items():
        yield f"task_definitions.{family}", partial(_family, stage, family, definition)
    for name, service in scenario.services.items():
        yield f"services.{name}", partial(_service, stage, name, service)


def _images(stage: Stage) -> None:
    stage.sandbox.ecs.world.runner = _Runner(stage)
    stage.behaviours.update(stage.scenario.images)
    for image, behaviour in stage.scenario.images.items():
        stage.sandbox.ecs.faults.set_workload(image, behaviour.workload())
    for image, answers in stage.scenario.answers.items():
        given = Answers(answers.error_rate, answers.latency_ms, answers.spread)
        stage.sandbox.account.ecs.native.requests.answers[image] = given
        stage.sandbox.sites.answers[image] = (answers.status, answers.body)


def _cluster(stage: Stage, name: str, cluster: Cluster) -> None:
    stage.aws("ecs").create_cluster(clusterName=name)
    for instances in cluster.instances:
        add_instances(stage, name, instances)


def _bucket(stage: Stage, bucket: str) -> None:
    where = {"LocationConstraint": stage.scenario.account.region}
    own = {} if stage.scenario.account.region == "us-east-1" else {"CreateBucketConfiguration": where}
    stage.aws("s3").create_bucket(Bucket=bucket, **own)
    stage.aws("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )


def _table(stage: Stage, table: str, key: str) -> None:
    stage.aws("dynamodb").create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
    )


def _policy(stage: Stage, policy: Mapping[str, Any]) -> None:
    try:
        bucket = stage.sandbox.resource("PolicyBucket").physical_id
    except SandboxError:
        raise ScenarioError("the template has no PolicyBucket that would take a policy") from None
    body = yaml.safe_dump(dict(policy), sort_keys=False).encode()
    stage.aws("s3").put_object(Bucket=bucket, Key="policy.yaml", Body=body)


def add_instances(stage: Stage, cluster: str, instances: Instances) -> None:
    """Let container instances join a cluster."""
    home = stage.instances.setdefault(cluster, [])
    for _ in range(instances.count):
        made = stage.sandbox.ecs.catalogue.register_instance(
            cluster,
            cpu=instances.cpu,
            memory=instances.memory,
            capacity_provider=instances.capacity_provider,
            spot=instances.spot,
        )
        home.append(made)


def _family(stage: Stage, family: str, definition: TaskDefinition) -> None:
    if definition.revision > 1:
        stage.sandbox.ecs.catalogue.begin_at(family, definition.revision)
    stage.aws("logs").create_log_group(logGroupName=log_group(family))
    stage.aws("ecs").register_task_definition(**registration(stage.scenario, family, definition))


def log_group(family: str) -> str:
    """Where the containers of a family log."""
    return f"/ecs/{family}"


def registration(scenario: Scenario, family: str, definition: TaskDefinition) -> dict[str, Any]:
    """RegisterTaskDefinition of a family's first revision."""
    logs = {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": log_group(family),
            "awslogs-region": scenario.account.region,
            "awslogs-stream-prefix": "ecs",
        },
    }
    return {
        "family": family,
        "networkMode": definition.network_mode,
        "cpu": str(definition.cpu),
        "memory": str(definition.memory),
        "containerDefinitions": [
            {**_container(name, one), "logConfiguration": logs} for name, one in definition.containers.items()
        ],
    }


def _container(name: str, container: Container) -> dict[str, Any]:
    given: dict[str, Any] = {
        "name": name,
        "image": container.image,
        "essential": container.essential,
        "cpu": container.cpu,
        "memory": container.memory,
        "environment": [{"name": key, "value": value} for key, value in container.environment.items()],
        "secrets": [{"name": f"SECRET_{number}", "valueFrom": one} for number, one in enumerate(container.secrets, 1)],
    }
    if container.port is not None:
        port = {"containerPort": container.port}
        given["portMappings"] = [{**port, "hostPort": container.host_port} if container.host_port else port]
    if container.stop_timeout is not None:
        given["stopTimeout"] = seconds(container.stop_timeout)
    check = container.health_check
    if check is not None:
        given["healthCheck"] = {
            "command": ["CMD", "/healthy"],
            "interval": seconds(check.interval),
            "timeout": seconds(check.timeout),
            "retries": check.retries,
            "startPeriod": seconds(check.start_period),
        }
    return given


def deployment_configuration(deployment: Deployment) -> dict[str, Any]:
    """The settings as CreateService and UpdateService take them."""
    given: dict[str, Any] = {
        "strategy": deployment.strategy,
        "minimumHealthyPercent": deployment.minimum_healthy_percent,
        "maximumPercent": deployment.maximum_percent,
    }
    breaker, alarms = deployment.circuit_breaker, deployment.alarms
    if breaker is not None:
        given["deploymentCircuitBreaker"] = {
            "enable": breaker.enable,
            "rollback": breaker.rollback,
            "resetOnHealthyTask": breaker.reset_on_healthy_task,
            "thresholdConfiguration": {"type": breaker.threshold_type, "value": breaker.threshold},
        }
    if alarms is not None:
        given["alarms"] = {"alarmNames": list(alarms.names), "enable": alarms.enable, "rollback": alarms.rollback}
    if deployment.hooks:
        given["lifecycleHooks"] = [
            {
                "targetType": "PAUSE",
                "lifecycleStages": list(hook.stages),
                "timeoutConfiguration": {"timeoutInMinutes": seconds(hook.timeout) // 60, "action": hook.on_timeout},
            }
            for hook in deployment.hooks
        ]
    return {**given, **_shift(deployment)}


def _shift(deployment: Deployment) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if deployment.bake is not None:
        given["bakeTimeInMinutes"] = seconds(deployment.bake) // 60
    names = {
        "LINEAR": ("linearConfiguration", "stepPercent", "stepBakeTimeInMinutes"),
        "CANARY": ("canaryConfiguration", "canaryPercent", "canaryBakeTimeInMinutes"),
    }
    if deployment.strategy in names:
        whole, percent, bake = names[deployment.strategy]
        steps: dict[str, Any] = {}
        if deployment.step_percent is not None:
            steps[percent] = deployment.step_percent
        if deployment.step_bake is not None:
            steps[bake] = seconds(deployment.step_bake) // 60
        given[whole] = steps
    return given


def _load_balancer(stage: Stage, name: str, balancer: LoadBalancer) -> None:
    elbv2 = stage.aws("elbv2")
    for group, wanted in balancer.target_groups.items():
        made = elbv2.create_target_group(
            Name=group,
            Protocol="HTTP",
            Port=80,
            TargetType="ip" if _by_address(stage.scenario, group) else "instance",
            HealthCheckIntervalSeconds=seconds(wanted.interval),
            HealthCheckTimeoutSeconds=seconds(wanted.timeout),
            HealthyThresholdCount=wanted.healthy_threshold,
            UnhealthyThresholdCount=wanted.unhealthy_threshold,
        )
        arn = stage.groups[group] = str(made["TargetGroups"][0]["TargetGroupArn"])
        # in AWS it is an attribute of the target group, and ModifyTargetGroupAttributes is not served
        stage.sandbox.ecs.world.target_groups[arn].deregistration_delay = seconds(wanted.deregistration_delay) * SECOND
    home = elbv2.create_load_balancer(Name=name, Subnets=["subnet-0a1b2c3d"])["LoadBalancers"][0]["LoadBalancerArn"]
    for port, listener in balancer.listeners.items():
        opened = elbv2.create_listener(
            LoadBalancerArn=home, Protocol="HTTP", Port=listener.port, DefaultActions=forward(stage, listener.default)
        )
        arn = stage.listeners[name, port] = str(opened["Listeners"][0]["ListenerArn"])
        [default] = elbv2.describe_rules(ListenerArn=arn)["Rules"]
        stage.rules[name, port] = default["RuleArn"]
        for priority, rule in enumerate(listener.rules, 1):
            given = elbv2.create_rule(
                ListenerArn=arn,
                Priority=priority,
                Conditions=[{"Field": "path-pattern", "Values": [rule.path]}],
                Actions=forward(stage, rule.forward),
            )
            stage.rules[name, f"{port}{rule.path}"] = str(given["Rules"][0]["RuleArn"])


def _by_address(scenario: Scenario, group: str) -> bool:
    """Whether the tasks in a target group have addresses of their own; else they have a port of an instance."""
    modes = {
        scenario.task_definitions[service.task].network_mode
        for service in scenario.services.values()
        for attached in service.load_balancers
        if group in (attached.target_group, attached.alternate)
    }
    return modes <= {"awsvpc"}


def forward(stage: Stage, weights: Mapping[str, int]) -> list[dict[str, Any]]:
    """The action of a rule that sends requests to target groups by weight."""
    groups = [{"TargetGroupArn": stage.groups[group], "Weight": weight} for group, weight in weights.items()]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]


def declaring(stage: Stage) -> Iterator[tuple[str, Callable[[], None]]]:
    """Declare the hooks of services once they run, so that nobody has to let their first deployments go on."""
    for name, service in stage.scenario.services.items():
        if service.deployment.hooks:
            given = {"deploymentConfiguration": deployment_configuration(service.deployment)}
            ecs = stage.aws("ecs")
            yield f"services.{name}", partial(ecs.update_service, cluster=service.cluster, service=name, **given)


def _service(stage: Stage, name: str, service: Service) -> None:
    first = service.deployment.model_copy(update={"hooks": ()})  # the rest is declared once it runs
    definition = stage.scenario.task_definitions[service.task]
    where: dict[str, Any] = {"launchType": service.launch_type}
    if service.capacity_provider is not None:
        where = {"capacityProviderStrategy": [{"capacityProvider": service.capacity_provider, "weight": 1}]}
    if definition.network_mode == "awsvpc":
        where["networkConfiguration"] = NETWORK
    stage.aws("ecs").create_service(
        cluster=service.cluster,
        serviceName=name,
        taskDefinition=service.task,
        desiredCount=service.desired,
        deploymentConfiguration=deployment_configuration(first),
        loadBalancers=[_attached(stage, definition, one) for one in service.load_balancers],
        healthCheckGracePeriodSeconds=seconds(service.grace),
        tags=[{"key": key, "value": value} for key, value in service.tags.items()],
        **where,
    )


def _attached(stage: Stage, definition: TaskDefinition, attached: Attachment) -> dict[str, Any]:
    with_port = {name: one.port for name, one in definition.containers.items() if one.port is not None}
    container = attached.container or next(iter(with_port), "")
    given: dict[str, Any] = {
        "targetGroupArn": stage.groups[attached.target_group],
        "containerName": container,
        "containerPort": with_port.get(container, 0),
    }
    if attached.alternate is not None and attached.production_rule is not None:
        given["advancedConfiguration"] = {
            "alternateTargetGroupArn": stage.groups[attached.alternate],
            "productionListenerRule": stage.rules[attached.load_balancer, attached.production_rule],
            "roleArn": f"arn:aws:iam::{stage.scenario.account.id}:role/ecs-load-balancers",
        }
        if attached.test_rule is not None:
            test = stage.rules[attached.load_balancer, attached.test_rule]
            given["advancedConfiguration"]["testListenerRule"] = test
    return given


class _Runner:
    """Runs the commands of `real_process` images on this machine, in no virtual time but what the image says.

    One with a folder has the account's own S3 and DynamoDB.
    """

    def __init__(self, stage: Stage) -> None:
        images = stage.scenario.images.values()
        self._images = {one.command: one for one in images if isinstance(one, RealProcess)}
        self._account = stage.sandbox.account

    def __call__(self, command: tuple[str, ...], environment: dict[str, str]) -> ProcessResult:
        image = self._images.get(command, next(iter(self._images.values())))
        try:
            if image.folder is not None:
                return Processes(self._account, ROOT / image.folder, image.takes)(command, environment)
            child = subprocess.Popen(  # noqa: S603  a command of the scenario that this user runs; no shell reads it
                command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise SandboxError(f"the real process {command[0]} cannot be run: {error}") from error
        with killed_after(LONGEST_SECONDS, child):
            code = child.wait()
        return ProcessResult(seconds(image.takes) * SECOND, code)
