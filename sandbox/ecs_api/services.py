"""Services, their deployments and their revisions."""

import json
from collections.abc import Mapping
from typing import Any

from sandbox.ecs.definitions import DeploymentSettings
from sandbox.ecs.errors import EcsError, invalid
from sandbox.ecs.model import Model
from sandbox.ecs.names import moment
from sandbox.ecs.native import NativeStrategies
from sandbox.ecs.state import Service
from sandbox.ecs_api.clusters import DEFAULT, counted, missing, short
from sandbox.ecs_api.definitions import Definitions
from sandbox.ecs_api.kept import Json, Kept
from sandbox.ecs_api.paging import Pages
from sandbox.ecs_api.settings import Where, check_network, deployment_settings, load_balancers, where
from sandbox.ecs_api.strategies import add_traffic
from sandbox.ecs_api.views import revision_view, rollout_brief, rollout_view, service_view
from sandbox.errors import UnsupportedError

Params = Mapping[str, Any]
_KEPT = ("networkConfiguration", "propagateTags", "enableECSManagedTags")


class Services:
    """The operations on services."""

    def __init__(
        self,
        model: Model,
        native: NativeStrategies,
        kept: Kept,
        pages: Pages,
        definitions: Definitions,
    ) -> None:
        self._model, self._native, self._kept, self._pages = model, native, kept, pages
        self._definitions = definitions

    def create(self, params: Params) -> Json:
        """CreateService; the same request again gives the same service."""
        cluster, name = short(params.get("cluster", DEFAULT)), params["serviceName"]
        _controlled(params, "CreateService")
        if params.get("schedulingStrategy", "REPLICA") != "REPLICA":
            raise UnsupportedError(f"ecs:CreateService.schedulingStrategy {params['schedulingStrategy']}")
        for member in ("taskDefinition", "desiredCount"):
            if member not in params:
                raise invalid(f"{member} must be specified.")
        request = json.dumps(params, sort_keys=True, default=str)
        there = self._model.catalogue.cluster(cluster).services.get(name)
        if there is not None and there.status == "ACTIVE":
            if self._kept.services.get(there.arn, {}).get("created") == request:
                return {"service": service_view(there, self._kept, tags=True)}
            raise invalid("Creation of service was not idempotent.")
        if there is not None and there.status == "DRAINING":
            raise invalid("Unable to Start a service that is still Draining.")
        on = where(params, "CreateService") or Where("EC2", None)
        definition = self._model.catalogue.usable(params["taskDefinition"])
        fits = self._definitions.for_fargate(definition)
        check_network(definition, on, params.get("networkConfiguration"), for_fargate=fits)
        given = params.get("deploymentConfiguration", {})
        settings = deployment_settings(self._model, given, DeploymentSettings(), "CreateService")
        bindings = load_balancers(params.get("loadBalancers", []))
        self._native.check(settings, bindings)
        made = self._model.create_service(
            cluster,
            name,
            definition.arn,
            params["desiredCount"],
            settings=settings,
            launch_type=on.launch_type,
            capacity_provider=on.provider,
            load_balancers=bindings,
            grace_seconds=params.get("healthCheckGracePeriodSeconds", 0),
        )
        self._kept.services[made.arn] = {"created": request, **{key: params[key] for key in _KEPT if key in params}}
        self._kept.tags.pop(made.arn, None)
        self._kept.tag(made.arn, params.get("tags", []))
        self._keep_revision(made)
        return {"service": service_view(made, self._kept, tags=True)}

    def update(self, params: Params) -> Json:
        """UpdateService. Which parameters begin a deployment is the service model's word."""
        _controlled(params, "UpdateService")
        service = self._active(params)
        before = service.primary.revision
        on = where(params, "UpdateService")
        if on is not None and on.launch_type != before.launch_type:
            raise UnsupportedError("ecs:UpdateService.capacityProviderStrategy between Fargate and EC2")
        more = self._kept.services.setdefault(service.arn, {})
        network = params.get("networkConfiguration", more.get("networkConfiguration"))
        if "networkConfiguration" in params or ("taskDefinition" in params and "created" in more):
            name = params.get("taskDefinition")
            definition = before.definition if name is None else self._model.catalogue.usable(name)
            fits = self._definitions.for_fargate(definition)
            check_network(definition, Where(before.launch_type, None), network, for_fargate=fits)
        begins = params.get("forceNewDeployment", False) or network != more.get("networkConfiguration")
        self._check_silent(params, service, on, begins=begins)
        settings = service.settings
        if "deploymentConfiguration" in params:
            settings = deployment_settings(self._model, params["deploymentConfiguration"], settings, "UpdateService")
        bindings = load_balancers(params["loadBalancers"]) if "loadBalancers" in params else None
        self._native.check(settings, before.load_balancers if bindings is None else bindings)
        updated = self._model.update_service(
            service.cluster.name,
            service.name,
            task_definition=params.get("taskDefinition"),
            desired=params.get("desiredCount"),
            settings=settings if "deploymentConfiguration" in params else None,
            force_new_deployment=begins,
            capacity_provider=None if on is None else on.provider,
            load_balancers=bindings,
            grace_seconds=params.get("healthCheckGracePeriodSeconds"),
        )
        more |= {key: params[key] for key in _KEPT if key in params}
        self._keep_revision(updated)
        return {"service": service_view(updated, self._kept)}

    def _check_silent(self, params: Params, service: Service, on: Where | None, *, begins: bool) -> None:
        """Refuse what AWS changes without a deployment and the model only with one, unless one begins anyway."""
        before = service.primary.revision
        if begins or "loadBalancers" in params or "taskDefinition" in params:
            return
        if on is not None and on.provider != before.capacity_provider:
            raise UnsupportedError("ecs:UpdateService.capacityProviderStrategy without a deployment")

    def _keep_revision(self, service: Service) -> None:
        network = self._kept.services[service.arn].get("networkConfiguration")
        if network is not None:
            self._kept.revisions.setdefault(service.revisions[-1].arn, {"networkConfiguration": network})

    def delete(self, params: Params) -> Json:
        """DeleteService."""
        service = self._active(params)
        gone = self._model.delete_service(service.cluster.name, service.name, force=params.get("force", False))
        return {"service": service_view(gone, self._kept)}

    def describe(self, params: Params) -> Json:
        """DescribeServices."""
        cluster = self._model.catalogue.cluster(params.get("cluster", DEFAULT))
        found: list[Json] = []
        failures: list[Json] = []
        for name in counted(params["services"], 10, "Services"):
            service = cluster.services.get(short(name)) if _in(cluster.name, name) else None
            if service is not None:
                found.append(service_view(service, self._kept, tags="TAGS" in params.get("include", [])))
            else:
                arn = self._model.world.place.arn("service", f"{cluster.name}/{name}")
                failures.append(missing(name if name.startswith("arn:") else arn))
        return {"services": found, "failures": failures}

    def all(self, params: Params) -> Json:
        """ListServices: without INACTIVE ones."""
        launch_type, strategy = params.get("launchType"), params.get("schedulingStrategy", "REPLICA")
        arns = sorted(
            service.arn
            for service in self._model.catalogue.cluster(params.get("cluster", DEFAULT)).services.values()
            if service.status != "INACTIVE"
            and strategy == "REPLICA"
            and launch_type in (None, service.primary.revision.launch_type)
        )
        here, more = self._pages.page("ListServices", params, arns, usual=10)
        return {"serviceArns": here, **more}

    def _active(self, params: Params) -> Service:
        cluster = self._model.catalogue.cluster(params.get("cluster", DEFAULT))
        if not _in(cluster.name, params["service"]):
            raise invalid("The service is not in this cluster.")
        return self._model.active_service(cluster.name, short(params["service"]))

    # ── service deployments and revisions ───────────────────────────────────────────────────────────────────────────
    def deployments(self, params: Params) -> Json:
        """ListServiceDeployments, the latest first."""
        cluster = self._model.catalogue.cluster(params.get("cluster", DEFAULT))
        service = cluster.services.get(short(params["service"])) if _in(cluster.name, params["service"]) else None
        if service is None:
            raise EcsError("ServiceNotFoundException", "Service not found.")
        wanted, created = params.get("status"), params.get("createdAt", {})
        briefs = [
            rollout_brief(rollout)
            for rollout in reversed(service.service_deployments)
            if (not wanted or rollout.status in wanted)
            and not ("after" in created and moment(rollout.created_at) < created["after"])
            and not ("before" in created and moment(rollout.created_at) > created["before"])
        ]
        here, more = self._pages.page("ListServiceDeployments", params, briefs, usual=20)
        return {"serviceDeployments": here, **more}

    def describe_deployments(self, params: Params) -> Json:
        """DescribeServiceDeployments."""
        found: list[Json] = []
        failures: list[Json] = []
        for arn in counted(params["serviceDeploymentArns"], 20, "serviceDeploymentArns"):
            try:
                rollout = self._model.service_deployment(arn)
                found.append(add_traffic(self._native, rollout, rollout_view(rollout)))
            except EcsError:
                failures.append(missing(arn))
        return {"serviceDeployments": found, "failures": failures}

    def describe_revisions(self, params: Params) -> Json:
        """DescribeServiceRevisions."""
        wanted = counted(params["serviceRevisionArns"], 20, "serviceRevisionArns")
        clusters = self._model.world.clusters.values()
        known = {
            revision.arn: (service, revision)
            for cluster in clusters
            for service in cluster.services.values()
            for revision in service.revisions
            if revision.arn in wanted
        }
        return {
            "serviceRevisions": [revision_view(*known[arn], self._kept) for arn in wanted if arn in known],
            "failures": [missing(arn) for arn in wanted if arn not in known],
        }

    def stop_deployment(self, params: Params) -> Json:
        """StopServiceDeployment."""
        stop_type = params.get("stopType", "ROLLBACK")
        rollout = self._model.stop_service_deployment(params["serviceDeploymentArn"], stop_type)
        return {"serviceDeploymentArn": rollout.arn}

    def resume_deployment(self, params: Params) -> Json:
        """ContinueServiceDeployment."""
        arn, hook = params["serviceDeploymentArn"], params["hookId"]
        rollout = self._native.continue_service_deployment(arn, hook, params.get("action"))
        return {"serviceDeploymentArn": rollout.arn}


def _controlled(params: Params, operation: str) -> None:
    kind = params.get("deploymentController", {}).get("type", "ECS")
    if kind != "ECS":
        raise UnsupportedError(f"ecs:{operation}.deploymentController {kind} is not known to the model")


def _in(cluster: str, name: str) -> bool:
    """Whether a name, if it is an ARN, names a service of this cluster."""
    parts = name.split("/")
    return not name.startswith("arn:") or (len(parts) == 3 and parts[1] == cluster)
