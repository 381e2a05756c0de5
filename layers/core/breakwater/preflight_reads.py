"""Gathers the snapshot that `breakwater.preflight` judges, with Describe calls only.

One fact that cannot be read, because IAM says no, or the call is throttled, is `Unknown` and never an exception: the
rest of the snapshot is worth having. No secret's value is read: only whether there is one.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from breakwater.aws import translated_errors
from breakwater.errors import BreakwaterError, NotFoundError
from breakwater.listener_rules import Road
from breakwater.preflight_facts import (
    Binding,
    ContainerFacts,
    DefinitionFacts,
    Hook,
    ImageFacts,
    ServiceFacts,
    Snapshot,
    TargetGroupFacts,
    Unknown,
    image_reference,
)
from breakwater.reach import roads_of
from breakwater.store import chunks

Client = Callable[[str], Any]
"""The client of a service by its name, as `breakwater.aws.client`."""
_T = TypeVar("_T")

ALARMS_PER_CALL = 100
PARAMETERS_PER_CALL = 10
INSTANCES_PER_CALL = 100


def snapshot_of(client: Client, cluster: str, service: str, task_definition: str) -> Snapshot:
    """Read what there is to know of a service and of the revision that is to be released to it.

    What only Breakwater knows (quarantine, other releases, its own hook) is for the caller to add.
    """
    found = _known(lambda: read_service(client("ecs"), cluster, service))
    definition = _known(lambda: read_definition(client("ecs"), task_definition))
    snapshot = Snapshot(_or_unknown(found, "there is no such service"), definition)
    if isinstance(found, ServiceFacts):
        snapshot = replace(
            snapshot,
            target_groups=_target_groups(client, found),
            free_addresses=_free_addresses(client, found.subnets),
            alarms=_alarms(client, found.alarms),
            roads=_roads(client, found),
        )
    if isinstance(definition, DefinitionFacts):
        containers = definition.containers
        snapshot = replace(
            snapshot,
            images={one.image: _image(client, one.image) for one in containers},
            secrets=_secrets(client, dict.fromkeys(secret for one in containers for secret in one.secrets)),
        )
        if isinstance(found, ServiceFacts) and found.on_instances:
            room = room_on_instances(client("ecs"), cluster, definition.cpu, definition.memory)
            snapshot = replace(snapshot, room=room)
    return snapshot


def read_service(ecs: Any, cluster: str, service: str) -> ServiceFacts:
    """Read one service. Raises `NotFoundError` if there is none of that name."""
    with translated_errors(f"describe service {cluster}/{service}"):
        answer = ecs.describe_services(cluster=cluster, services=[service])
    if not answer["services"]:
        raise NotFoundError(f"describe service {cluster}/{service}: there is no such service")
    return service_facts(answer["services"][0], cluster)


def service_facts(raw: Mapping[str, Any], cluster: str) -> ServiceFacts:
    """What matters of one service of DescribeServices."""
    configuration = raw.get("deploymentConfiguration") or {}
    deployments = raw.get("deployments") or []
    primary: Mapping[str, Any] = next((one for one in deployments if one.get("status") == "PRIMARY"), {})
    network = (raw.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    alarms = configuration.get("alarms") or {}
    providers = raw.get("capacityProviderStrategy") or []
    fargate = any(str(one.get("capacityProvider", "")).startswith("FARGATE") for one in providers)
    return ServiceFacts(
        cluster=cluster,
        name=raw["serviceName"],
        status=raw.get("status", "ACTIVE"),
        controller=(raw.get("deploymentController") or {}).get("type", "ECS"),
        scheduling=raw.get("schedulingStrategy", "REPLICA"),
        strategy=configuration.get("strategy", "ROLLING"),
        launch_type=raw.get("launchType") or ("FARGATE" if fargate else "EC2"),
        task_definition=raw.get("taskDefinition", ""),
        desired=raw.get("desiredCount", 0),
        maximum_percent=configuration.get("maximumPercent", 200),
        hooks=tuple(
            Hook(
                frozenset(one.get("lifecycleStages") or []),
                one.get("targetType", "AWS_LAMBDA"),
                one.get("hookTargetArn"),
                (one.get("timeoutConfiguration") or {}).get("action", "ROLLBACK"),
            )
            for one in configuration.get("lifecycleHooks") or []
        ),
        bindings=tuple(_binding(one) for one in raw.get("loadBalancers") or [] if one.get("targetGroupArn")),
        grace_seconds=raw.get("healthCheckGracePeriodSeconds", 0),
        subnets=tuple(network.get("subnets") or []),
        alarms=tuple(alarms.get("alarmNames") or []) if alarms.get("enable") else (),
        deployment_in_progress=primary.get("id") if primary.get("rolloutState") == "IN_PROGRESS" else None,
        steps=_steps(configuration),
        step_bake_minutes=_step_bake(configuration),
        bake_minutes=configuration.get("bakeTimeInMinutes") or 0,
        providers=tuple(str(one.get("capacityProvider", "")) for one in providers),
    )


def _steps(configuration: Mapping[str, Any]) -> int:
    """A linear deployment has as many steps as its share goes into the whole (10 % unless said), a canary has two."""
    strategy = configuration.get("strategy")
    if strategy == "LINEAR":
        share = float((configuration.get("linearConfiguration") or {}).get("stepPercent") or 10.0)
        return math.ceil(100 / share)
    return 2 if strategy == "CANARY" else 1


def _step_bake(configuration: Mapping[str, Any]) -> int:
    """Minutes behind each step but the last; what is not said is AWS's default (6 and 10). BLUE_GREEN has one step."""
    strategy = configuration.get("strategy")
    if strategy == "LINEAR":
        return int((configuration.get("linearConfiguration") or {}).get("stepBakeTimeInMinutes", 6))
    if strategy == "CANARY":
        return int((configuration.get("canaryConfiguration") or {}).get("canaryBakeTimeInMinutes", 10))
    return 0


def _binding(raw: Mapping[str, Any]) -> Binding:
    advanced = raw.get("advancedConfiguration") or {}
    return Binding(
        container=raw.get("containerName", ""),
        port=raw.get("containerPort", 0),
        target_group=raw["targetGroupArn"],
        alternate=advanced.get("alternateTargetGroupArn"),
        production_rule=advanced.get("productionListenerRule"),
        test_rule=advanced.get("testListenerRule"),
    )


def read_definition(ecs: Any, task_definition: str) -> DefinitionFacts:
    """Read one task definition, given as `family:revision` or ARN. Raises `NotFoundError` if there is none."""
    with translated_errors(f"describe task definition {task_definition.rpartition('/')[2]}"):
        raw = ecs.describe_task_definition(taskDefinition=task_definition)["taskDefinition"]
    containers: list[Mapping[str, Any]] = raw.get("containerDefinitions") or []
    return DefinitionFacts(
        arn=raw["taskDefinitionArn"],
        status=raw.get("status", "ACTIVE"),
        network_mode=raw.get("networkMode", "bridge"),
        containers=tuple(
            ContainerFacts(
                name=one["name"],
                image=one.get("image", ""),
                ports=frozenset(port["containerPort"] for port in one.get("portMappings") or []),
                secrets=tuple(secret["valueFrom"] for secret in one.get("secrets") or []),
                start_seconds=(one.get("healthCheck") or {}).get("startPeriod") or 0,
            )
            for one in containers
        ),
        compatibilities=frozenset(raw.get("compatibilities") or []),
        roles=tuple(raw[name] for name in ("taskRoleArn", "executionRoleArn") if raw.get(name)),
        # What the task says as a whole, else its containers together; a container takes its reservation if it has one.
        cpu=int(raw.get("cpu") or sum(one.get("cpu") or 0 for one in containers)),
        memory=int(
            raw.get("memory") or sum(one.get("memoryReservation") or one.get("memory") or 0 for one in containers)
        ),
    )


def room_on_instances(ecs: Any, cluster: str, cpu: int, memory: int) -> int | Unknown:
    """How many tasks of this size fit on the cluster's ACTIVE container instances, by CPU units and MiB.

    Ports, constraints and attributes are not looked at, so fewer may fit.
    """

    def count() -> int:
        room = 0
        with translated_errors(f"read the container instances of {cluster}"):
            arns: list[str] = []
            token: dict[str, str] = {}
            while True:  # the cut-down models have no paginators
                page = ecs.list_container_instances(cluster=cluster, status="ACTIVE", **token)
                arns += page["containerInstanceArns"]
                if not page.get("nextToken"):
                    break
                token = {"nextToken": page["nextToken"]}
            for chunk in chunks(arns, INSTANCES_PER_CALL):
                answer = ecs.describe_container_instances(cluster=cluster, containerInstances=list(chunk))
                for instance in answer["containerInstances"]:
                    left = {one["name"]: one.get("integerValue", 0) for one in instance.get("remainingResources") or []}
                    room += min(left.get("CPU", 0) // max(1, cpu), left.get("MEMORY", 0) // max(1, memory))
        return room

    return _or_unknown(_known(count), "there is no such cluster")


def _target_groups(client: Client, service: ServiceFacts) -> dict[str, TargetGroupFacts | Unknown | None]:
    arns = dict.fromkeys(arn for binding in service.bindings for arn in binding.target_groups)
    return {arn: _known(lambda arn=arn: _target_group(client, arn)) for arn in arns}  # type: ignore[misc]  # bound now


def _target_group(client: Client, arn: str) -> TargetGroupFacts:
    with translated_errors("describe a target group"):
        raw = client("elbv2").describe_target_groups(TargetGroupArns=[arn])["TargetGroups"][0]
    return TargetGroupFacts(
        target_type=raw.get("TargetType", "instance"),
        protocol=raw.get("Protocol", "HTTP"),
        health_path=raw.get("HealthCheckPath"),
        interval=raw.get("HealthCheckIntervalSeconds", 30),
        timeout=raw.get("HealthCheckTimeoutSeconds", 5),
        unhealthy_threshold=raw.get("UnhealthyThresholdCount", 2),
    )


def _image(client: Client, image: str) -> ImageFacts | Unknown:
    reference = image_reference(image)
    if not reference.in_ecr:
        return Unknown("it is not in Amazon ECR, so its registry cannot be asked from here")
    account, region = str(reference.registry).split(".")[0], str(reference.registry).split(".")[3]
    ecr = client("ecr")
    if ecr.meta.region_name != region:
        return Unknown(f"it is kept in {region}")
    where = {"registryId": account, "repositoryName": reference.repository}
    wanted = {"imageDigest": reference.digest} if reference.digest else {"imageTag": reference.tag or "latest"}

    def digest() -> str:
        with translated_errors("describe an image"):
            return str(ecr.describe_images(**where, imageIds=[wanted])["imageDetails"][0]["imageDigest"])

    def mutable() -> bool:
        with translated_errors("describe a repository"):
            answer = ecr.describe_repositories(registryId=account, repositoryNames=[reference.repository])
        # IMMUTABLE_WITH_EXCLUSION leaves some tags movable, so it does not count as immutable.
        return str(answer["repositories"][0].get("imageTagMutability")) != "IMMUTABLE"

    found = _known(digest)
    if isinstance(found, Unknown):
        return found
    if found is None:
        return ImageFacts(None)
    return ImageFacts(found, _or_unknown(_known(mutable), "there is no such repository"))


def _free_addresses(client: Client, subnets: Iterable[str]) -> dict[str, int | Unknown]:
    wanted = list(subnets)
    if not wanted:
        return {}

    def read() -> dict[str, int]:
        with translated_errors("describe subnets"):
            answer = client("ec2").describe_subnets(SubnetIds=wanted)
        return {one["SubnetId"]: one["AvailableIpAddressCount"] for one in answer["Subnets"]}

    found = _or_unknown(_known(read), "there is no such subnet")
    if isinstance(found, Unknown):
        return dict.fromkeys(wanted, found)
    return {subnet: found.get(subnet, Unknown("it was not in the answer")) for subnet in wanted}


def _roads(client: Client, service: ServiceFacts) -> Mapping[str, Road] | Unknown:
    read = _known(lambda: roads_of(lambda: client("elbv2"), service.bindings).roads)
    return _or_unknown(read, "a listener of the service is gone")


def _alarms(client: Client, names: Iterable[str]) -> dict[str, str | Unknown]:
    states: dict[str, str | Unknown] = {}
    for chunk in chunks(list(names), ALARMS_PER_CALL):

        def read(chunk: Any = chunk) -> dict[str, str]:
            with translated_errors("describe alarms"):
                answer = client("cloudwatch").describe_alarms(
                    AlarmNames=list(chunk), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
                )
            found = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
            return {one["AlarmName"]: one["StateValue"] for one in found}

        found = _or_unknown(_known(read), "there is no such alarm")
        for name in chunk:
            states[name] = found if isinstance(found, Unknown) else found.get(name, Unknown("there is no such alarm"))
    return states


def _secrets(client: Client, references: Iterable[str]) -> dict[str, bool | Unknown]:
    """Whether each secret is there: Secrets Manager is asked to describe it, SSM by name; nothing is decrypted."""
    wanted = list(references)
    secrets = [one for one in wanted if ":secretsmanager:" in one]
    parameters = [one for one in wanted if one not in secrets]
    states: dict[str, bool | Unknown] = {}
    for reference in secrets:

        def described(reference: str = reference) -> bool:
            # A reference may go on with a JSON key, a version stage and a version id behind the ARN's seven parts.
            with translated_errors("describe a secret"):
                answer = client("secretsmanager").describe_secret(SecretId=":".join(reference.split(":")[:7]))
            return "DeletedDate" not in answer

        found = _known(described)
        states[reference] = False if found is None else found
    for chunk in chunks(parameters, PARAMETERS_PER_CALL):

        def named(chunk: Any = chunk) -> set[str]:
            with translated_errors("get parameters"):
                answer = client("ssm").get_parameters(Names=list(chunk), WithDecryption=False)
            return set(answer.get("InvalidParameters", []))

        invalid = _known(named)
        for reference in chunk:
            states[reference] = invalid if isinstance(invalid, Unknown) else reference not in (invalid or ())
    return states


def _known(read: Callable[[], _T]) -> _T | Unknown | None:
    """What a call answers: the fact, `None` if the thing is not there, or that it is not known."""
    try:
        return read()
    except NotFoundError:
        return None
    except BreakwaterError as error:
        return Unknown(str(error))


def _or_unknown(found: _T | Unknown | None, why: str) -> _T | Unknown:
    return Unknown(why) if found is None else found
