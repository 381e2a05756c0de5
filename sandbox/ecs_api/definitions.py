"""Task definitions: registered, described, listed, deregistered."""

import re
from collections.abc import Mapping
from typing import Any

from sandbox.ecs.constants import SECOND
from sandbox.ecs.definitions import ContainerDefinition, HealthCheck, PortMapping, TaskDefinition
from sandbox.ecs.errors import invalid, refused
from sandbox.ecs.model import Model
from sandbox.ecs.names import moment
from sandbox.ecs_api.kept import Json, Kept
from sandbox.ecs_api.paging import Pages
from sandbox.ecs_api.posed import Posed

Params = Mapping[str, Any]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_FARGATE_MEMORY = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
    8192: range(16384, 61440 + 1, 4096),
    16384: range(32768, 122880 + 1, 8192),
}
_MEMBERS = ("taskRoleArn", "executionRoleArn", "networkMode", "requiresCompatibilities", "runtimePlatform")


class Definitions:
    """The operations on task definitions."""

    def __init__(self, model: Model, kept: Kept, posed: Posed, pages: Pages) -> None:
        self._model, self._kept, self._posed, self._pages = model, kept, posed, pages

    def register(self, params: Params) -> Json:
        """RegisterTaskDefinition."""
        family = params["family"]
        if not _NAME.fullmatch(family):
            raise refused("Family contains invalid characters.")
        cpu, memory = units(params.get("cpu"), "cpu"), units(params.get("memory"), "memory")
        described = [_described(container, params) for container in params["containerDefinitions"]]
        if not described:
            raise refused("Container list cannot be empty.")
        containers = tuple(_container(container, memory is not None) for container in described)
        wanted = params.get("requiresCompatibilities", [])
        possible = compatibilities(params.get("networkMode"), cpu, memory)
        if "FARGATE" in wanted and "FARGATE" not in possible:
            raise refused(_not_for_fargate(params.get("networkMode"), cpu, memory))
        made = self._model.catalogue.register(
            family, containers, cpu=cpu, memory=memory, network_mode=params.get("networkMode", "bridge")
        )
        self._kept.tag(made.arn, params.get("tags", []))
        self._kept.definitions[made.arn] = {
            "containerDefinitions": described,
            "compatibilities": possible,
            **{name: params[name] for name in _MEMBERS if name in params},
            **({} if cpu is None else {"cpu": str(cpu)}),
            **({} if memory is None else {"memory": str(memory)}),
        }
        return {"taskDefinition": self.view(made), **self._tags(made.arn, params.get("tags"))}

    def describe(self, params: Params) -> Json:
        """DescribeTaskDefinition."""
        posed = self._posed.definition(params["taskDefinition"])
        if posed is not None:
            return {"taskDefinition": posed}
        found = self._model.catalogue.known(params["taskDefinition"])
        return {"taskDefinition": self.view(found), **self._tags(found.arn, params.get("include"))}

    def deregister(self, params: Params) -> Json:
        """DeregisterTaskDefinition; the revision has to be named."""
        name = params["taskDefinition"]
        if ":" not in name.rpartition("/")[2]:
            raise invalid("The specified task definition does not contain a revision.")
        return {"taskDefinition": self.view(self._model.catalogue.deregister(name))}

    def all(self, params: Params) -> Json:
        """ListTaskDefinitions."""
        status, prefix = params.get("status", "ACTIVE"), params.get("familyPrefix")
        arns = [
            one.arn
            for family, revisions in sorted(self._model.world.families.items())
            if prefix in (None, family)
            for one in revisions
            if one.status == status
        ]
        if params.get("sort") == "DESC":
            arns.reverse()
        here, more = self._pages.page("ListTaskDefinitions", params, arns)
        return {"taskDefinitionArns": here, **more}

    def families(self, params: Params) -> Json:
        """ListTaskDefinitionFamilies; INACTIVE ones have no ACTIVE revision."""
        status, prefix = params.get("status", "ALL"), params.get("familyPrefix", "")
        names = [
            family
            for family, revisions in sorted(self._model.world.families.items())
            if family.startswith(prefix)
            and status in ("ALL", "ACTIVE" if any(one.status == "ACTIVE" for one in revisions) else "INACTIVE")
        ]
        here, more = self._pages.page("ListTaskDefinitionFamilies", params, names)
        return {"families": here, **more}

    def view(self, definition: TaskDefinition) -> Json:
        """A task definition as ECS shows it."""
        kept = self._kept.definitions.get(definition.arn)
        if kept is None:  # registered with the model itself
            containers = [_shown(container) for container in definition.containers]
            kept = {
                "containerDefinitions": containers,
                "compatibilities": compatibilities(definition.network_mode, definition.cpu, definition.memory),
                "networkMode": definition.network_mode,
                "cpu": str(definition.cpu),
                "memory": str(definition.memory),
            }
        shown: Json = {
            "taskDefinitionArn": definition.arn,
            "family": definition.family,
            "revision": definition.revision,
            "status": definition.status,
            "volumes": [],
            "placementConstraints": [],
            "registeredAt": moment(definition.registered_at),
            **kept,
        }
        if definition.deregistered_at is not None:
            shown["deregisteredAt"] = moment(definition.deregistered_at)
        return shown

    def for_fargate(self, definition: TaskDefinition) -> bool:
        """Whether a revision can run on Fargate. One registered with the model itself can if its network can."""
        kept = self._kept.definitions.get(definition.arn)
        return definition.network_mode == "awsvpc" if kept is None else "FARGATE" in kept["compatibilities"]

    def _tags(self, arn: str, asked: object) -> Json:
        return {"tags": self._kept.tagged(arn)} if asked else {}


def units(text: str | None, of: str) -> int | None:
    """Read `256`, `.25 vCPU`, `512`, `1 GB` or `0.5GB` as ECS does; None if there is none."""
    if text is None:
        return None
    unit, factor = ("vcpu", 1024) if of == "cpu" else ("gb", 1024)
    plain = text.strip().lower()
    try:
        value = float(plain.removesuffix(unit)) * factor if plain.endswith(unit) else int(plain)
    except ValueError:
        raise refused(f"Invalid '{of}' setting for task.") from None
    if value <= 0:
        raise refused(f"Invalid '{of}' setting for task.")
    return round(value)


def compatibilities(network_mode: str | None, cpu: int | None, memory: int | None) -> list[str]:
    """Where a task definition can run."""
    return ["EC2", "FARGATE"] if _not_for_fargate(network_mode, cpu, memory) == "" else ["EC2"]


def _not_for_fargate(network_mode: str | None, cpu: int | None, memory: int | None) -> str:
    if network_mode != "awsvpc":
        return "Fargate only supports network mode 'awsvpc'."
    if cpu is None or memory is None:
        return "Fargate requires task definition to have 'cpu' and 'memory' at the task level."
    if memory not in _FARGATE_MEMORY.get(cpu, ()):
        return "No Fargate configuration exists for given values."
    return ""


def _described(container: Json, params: Params) -> Json:
    """A container definition as ECS gives it back: with what it fills in."""
    for name in ("name", "image"):
        if not container.get(name):
            raise refused(f"Container.{name} should not be null or empty.")
    mappings = [{"protocol": "tcp", **mapping} for mapping in container.get("portMappings", [])]
    for mapping in mappings:
        if "containerPort" not in mapping:
            raise refused("Port mappings need a containerPort.")
        if params.get("networkMode") == "awsvpc":
            if mapping.get("hostPort", mapping["containerPort"]) != mapping["containerPort"]:
                raise refused(
                    "When networkMode=awsvpc, the host ports and container ports in port mappings must match."
                )
            mapping["hostPort"] = mapping["containerPort"]
        else:
            mapping.setdefault("hostPort", 0)
    lists: Json = {"environment": [], "mountPoints": [], "volumesFrom": [], "systemControls": []}
    described = {"cpu": 0, "essential": True, **lists, **container, "portMappings": mappings}
    if "healthCheck" in container:
        described["healthCheck"] = {"interval": 30, "timeout": 5, "retries": 3, **container["healthCheck"]}
    return described


def _container(described: Json, by_task: bool) -> ContainerDefinition:
    """The same as the model takes it."""
    name = described["name"]
    hard, soft = described.get("memory"), described.get("memoryReservation")
    if hard is None and soft is None and not by_task:
        lacking = "At least one of 'memory' or 'memoryReservation' must be specified."
        raise refused(f"Invalid setting for container '{name}'. {lacking}")
    if hard is not None and soft is not None and soft > hard:
        raise refused(f"Invalid setting for container '{name}'. 'memoryReservation' must not exceed 'memory'.")
    check = described.get("healthCheck")
    stop = described.get("stopTimeout")
    return ContainerDefinition(
        name=name,
        image=described["image"],
        essential=described["essential"],
        cpu=described["cpu"],
        memory=hard if soft is None else soft,
        ports=tuple(
            PortMapping(port["containerPort"], port["hostPort"], port["protocol"]) for port in described["portMappings"]
        ),
        health_check=None if check is None else _health_check(name, check),
        stop_timeout=None if stop is None else stop * SECOND,
        secrets=tuple(secret["valueFrom"] for secret in described.get("secrets", [])),
    )


def _health_check(container: str, check: Json) -> HealthCheck:
    start = check.get("startPeriod", 0)
    for name, value, least, most in (
        ("interval", check["interval"], 5, 300),
        ("timeout", check["timeout"], 2, 60),
        ("retries", check["retries"], 1, 10),
        ("startPeriod", start, 0, 300),
    ):
        if not least <= value <= most:
            raise refused(f"Invalid healthCheck.{name} of container {container}: between {least} and {most}.")
    return HealthCheck(check["interval"] * SECOND, check["timeout"] * SECOND, check["retries"], start * SECOND)


def _shown(container: ContainerDefinition) -> Json:
    shown: Json = {
        "name": container.name,
        "image": container.image,
        "essential": container.essential,
        "cpu": container.cpu,
        "portMappings": [
            {"containerPort": port.container_port, "hostPort": port.host_port, "protocol": port.protocol}
            for port in container.ports
        ],
    }
    if container.memory is not None:
        shown["memory"] = container.memory
    return shown
