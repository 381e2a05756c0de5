"""What somebody says is there: described to whoever asks, and never run.

A recording of a real account, or a scenario whose events are written beforehand, has revisions with numbers of their
own and deployments in given states. They stand beside the model, under names that it does not use itself.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.ecs.model import Model
from sandbox.errors import SandboxError


class Posed:
    """Task definitions and services that are only described."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._definitions: dict[str, Mapping[str, Any]] = {}
        self._services: dict[tuple[str, str], Mapping[str, Any]] = {}

    def pose_definition(self, definition: Mapping[str, Any]) -> None:
        """Have DescribeTaskDefinition answer with this one, by its ARN and by `family:revision`."""
        family = definition["family"]
        if family in self._model.world.families:
            raise SandboxError(f"the family {family} is the model's")
        self._definitions[f"{family}:{definition['revision']}"] = definition

    def pose_service(self, service: Mapping[str, Any]) -> None:
        """Have DescribeServices answer with this one from now on; its cluster is there as well."""
        cluster, name = str(service["clusterArn"]).rpartition("/")[2], str(service["serviceName"])
        home = self._model.catalogue.create_cluster(cluster)
        if name in home.services:
            raise SandboxError(f"the service {cluster}/{name} is the model's")
        self._services[cluster, name] = service

    def definition(self, name: str) -> Mapping[str, Any] | None:
        """A posed task definition by ARN or `family:revision`."""
        return self._definitions.get(name.rpartition("/")[2]) if self._definitions else None

    def service(self, cluster: str, name: str) -> Mapping[str, Any] | None:
        """A posed service."""
        return self._services.get((cluster, name))
