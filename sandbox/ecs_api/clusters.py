"""Clusters, container instances and tags."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sandbox.ecs import shapes
from sandbox.ecs.errors import EcsError, invalid
from sandbox.ecs.model import Model
from sandbox.ecs.names import moment
from sandbox.ecs.state import Cluster, Instance
from sandbox.ecs_api.kept import Json, Kept
from sandbox.ecs_api.paging import Pages
from sandbox.errors import UnsupportedError

Params = Mapping[str, Any]
DEFAULT = "default"


def short(name: str) -> str:
    """A name, also of something given by ARN."""
    return name.rpartition("/")[2]


def missing(arn: str) -> Json:
    """The failure of something that is not there; it comes in a 200."""
    return {"arn": arn, "reason": "MISSING"}


def counted(names: Sequence[str], most: int, what: str) -> Sequence[str]:
    """Refuse too many names in one call, and none."""
    if not names:
        raise invalid(f"{what} cannot be empty.")
    if len(names) > most:
        raise invalid(f"{what} can have at most {most} entries.")
    return names


class Clusters:
    """The operations on clusters, container instances and tags."""

    def __init__(self, model: Model, kept: Kept, pages: Pages) -> None:
        self._model, self._kept, self._pages = model, kept, pages

    # ── clusters ────────────────────────────────────────────────────────────────────────────────────────────────────
    def create(self, params: Params) -> Json:
        """CreateCluster."""
        cluster = self._model.catalogue.create_cluster(params.get("clusterName", DEFAULT))
        self._kept.tag(cluster.arn, params.get("tags", []))
        given = {name: params[name] for name in ("settings", "capacityProviders") if name in params}
        self._kept.clusters.setdefault(cluster.arn, given)
        return {"cluster": self._view(cluster, {"TAGS", "SETTINGS"})}

    def describe(self, params: Params) -> Json:
        """DescribeClusters."""
        names = counted(params.get("clusters", [DEFAULT]), 100, "clusters")
        include = set(params.get("include", []))
        unknown = include - {"TAGS", "SETTINGS"}
        if unknown:
            raise UnsupportedError(f"ecs:DescribeClusters include {min(unknown)} is not known to the model")
        known, found, failures = self._model.world.clusters, [], []
        for name in names:
            if short(name) in known:
                found.append(self._view(known[short(name)], include))
            else:
                failures.append(missing(self._model.world.place.arn("cluster", short(name))))
        return {"clusters": found, "failures": failures}

    def all(self, params: Params) -> Json:
        """ListClusters."""
        arns = sorted(cluster.arn for cluster in self._model.world.clusters.values() if cluster.status == "ACTIVE")
        here, more = self._pages.page("ListClusters", params, arns)
        return {"clusterArns": here, **more}

    def providers(self, params: Params) -> Json:
        """DescribeCapacityProviders, of those that a scenario has put there (`account.ecs.kept.providers`)."""
        names = counted(params["capacityProviders"], 100, "capacityProviders")
        arns = {name: self._model.world.place.arn("capacity-provider", short(name)) for name in names}
        found = [
            {"capacityProviderArn": arns[name], "name": short(name), "status": "ACTIVE"}
            | self._kept.providers[short(name)]
            for name in names
            if short(name) in self._kept.providers
        ]
        return {
            "capacityProviders": found,
            "failures": [missing(arns[name]) for name in names if short(name) not in self._kept.providers],
        }

    def _view(self, cluster: Cluster, include: set[str]) -> Json:
        live = [task for task in cluster.tasks.values() if task.live]
        running = sum(task.last_status == "RUNNING" for task in live)
        kept = self._kept.clusters.get(cluster.arn, {})
        return {
            "clusterArn": cluster.arn,
            "clusterName": cluster.name,
            "status": cluster.status,
            "registeredContainerInstancesCount": len(cluster.instances),
            "runningTasksCount": running,
            "pendingTasksCount": len(live) - running,
            "activeServicesCount": sum(service.status == "ACTIVE" for service in cluster.services.values()),
            "statistics": [],
            "tags": self._kept.tagged(cluster.arn) if "TAGS" in include else [],
            "settings": kept.get("settings", []) if "SETTINGS" in include else [],
            "capacityProviders": kept.get("capacityProviders", []),
            "defaultCapacityProviderStrategy": [],
        }

    # ── container instances ─────────────────────────────────────────────────────────────────────────────────────────
    def register_instance(self, params: Params) -> Json:
        """RegisterContainerInstance, as far as an agent's word matters: how much CPU and memory there is."""
        sizes = {"CPU": 2048, "MEMORY": 7764}
        for resource in params.get("totalResources", []):
            if resource.get("name") not in sizes:
                raise UnsupportedError(f"ecs:RegisterContainerInstance resource {resource.get('name')}")
            sizes[resource["name"]] = resource["integerValue"]
        made = self._model.catalogue.register_instance(
            short(params.get("cluster", DEFAULT)), cpu=sizes["CPU"], memory=sizes["MEMORY"]
        )
        self._kept.tag(made.arn, params.get("tags", []))
        return {"containerInstance": self._instance(made, {"TAGS"})}

    def describe_instances(self, params: Params) -> Json:
        """DescribeContainerInstances."""
        names = counted(params["containerInstances"], 100, "Container instances")
        include = set(params.get("include", []))
        found, failures = self._instances(params.get("cluster", DEFAULT), names)
        return {"containerInstances": [self._instance(one, include) for one in found], "failures": failures}

    def instances(self, params: Params) -> Json:
        """ListContainerInstances."""
        cluster, status = self._model.catalogue.cluster(params.get("cluster", DEFAULT)), params.get("status")
        arns = sorted(one.arn for one in cluster.instances.values() if status in (None, one.status))
        here, more = self._pages.page("ListContainerInstances", params, arns)
        return {"containerInstanceArns": here, **more}

    def set_state(self, params: Params) -> Json:
        """UpdateContainerInstancesState: what is not there is a failure in a 200."""
        names = counted(params["containerInstances"], 10, "Container instances")
        if params["status"] not in ("ACTIVE", "DRAINING"):
            raise invalid("Container instance status should be one of [ACTIVE,DRAINING].")
        cluster = params.get("cluster", DEFAULT)
        found, failures = self._instances(cluster, names)
        for instance in found:
            self._model.catalogue.set_instance_status(short(cluster), instance.id, params["status"])
        return {"containerInstances": [self._instance(one, set()) for one in found], "failures": failures}

    def _instances(self, cluster: str, names: Sequence[str]) -> tuple[list[Instance], list[Json]]:
        home = self._model.catalogue.cluster(cluster)
        found: list[Instance] = []
        failures: list[Json] = []
        for name in names:
            instance = home.instances.get(short(name))
            if instance is not None:
                found.append(instance)
            else:
                arn = self._model.world.place.arn("container-instance", f"{home.name}/{short(name)}")
                failures.append(missing(arn))
        return found, failures

    def _instance(self, instance: Instance, include: set[str]) -> Json:
        shown: Json = dict(shapes.instance_event(instance)["detail"])
        del shown["clusterArn"], shown["updatedAt"]
        shown["registeredAt"] = moment(instance.registered_at)
        if instance.capacity_provider is not None:
            shown["capacityProviderName"] = instance.capacity_provider
        if "TAGS" in include:
            shown["tags"] = self._kept.tagged(instance.arn)
        if "CONTAINER_INSTANCE_HEALTH" in include:
            at: datetime = moment(instance.health_changed_at or instance.registered_at)
            check = {"type": "CONTAINER_RUNTIME", "status": instance.health, "lastUpdated": at, "lastStatusChange": at}
            shown["healthStatus"] = {"overallStatus": instance.health, "details": [check]}
        return shown

    # ── tags ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def tag(self, params: Params) -> Json:
        """TagResource."""
        self._kept.tag(self._resource(params["resourceArn"]), params["tags"])
        return {}

    def untag(self, params: Params) -> Json:
        """UntagResource."""
        tags = self._kept.tags.get(self._resource(params["resourceArn"]), {})
        for key in params["tagKeys"]:
            tags.pop(key, None)
        return {}

    def tags(self, params: Params) -> Json:
        """ListTagsForResource."""
        return {"tags": self._kept.tagged(self._resource(params["resourceArn"]))}

    def _resource(self, arn: str) -> str:
        """Refuse to tag what is not there."""
        kind, *names = arn.rpartition(":")[2].split("/") if ":task-definition/" not in arn else ("task-definition", arn)
        catalogue = self._model.catalogue
        if kind == "task-definition":
            return catalogue.known(arn).arn
        if kind == "cluster" and len(names) == 1:
            return catalogue.cluster(arn).arn
        if len(names) == 2 and kind in ("service", "task", "container-instance"):
            home = catalogue.cluster(names[0])
            there = {"service": home.services.keys(), "task": home.tasks.keys()}.get(kind, home.instances.keys())
            if names[1] in there:
                return arn
            raise EcsError("ResourceNotFoundException", "The specified resource could not be found.")
        raise invalid(f"Invalid resource ARN {arn}.")
