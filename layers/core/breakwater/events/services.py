"""Deployments, service actions and deployment hooks: what ECS says about a service as a whole.

`SERVICE_DEPLOYMENT_*` arrive under two detail-types and mean the same, so both share one shape. `eventType` is
a severity (INFO, WARN, ERROR), not a name. Only `resources[0]` names the service reliably: documented samples disagree
on `serviceName`, `service` and `clusterArn`.
"""

from .base import AwsEvent, Text, cluster_in, last_name
from .shapes import Shape


class ServiceDetail(Shape):
    """What happened to the service."""

    event_type: Text = None
    event_name: Text = None
    cluster_arn: Text = None
    deployment_id: Text = None
    reason: Text = None
    created_at: Text = None
    updated_at: Text = None
    service_name: Text = None
    service: Text = None


class ServiceEvent(AwsEvent):
    """An event about a service."""

    detail: ServiceDetail

    @property
    def service(self) -> str | None:
        """The service's name."""
        return last_name(self.resource) or self.detail.service_name or last_name(self.detail.service)

    @property
    def cluster(self) -> str | None:
        """The cluster's name; short service ARNs do not carry it."""
        return last_name(self.detail.cluster_arn) or cluster_in(self.resource)


class ServiceAction(ServiceEvent):
    """ECS Service Action."""


class DeploymentStateChange(ServiceEvent):
    """ECS Deployment State Change."""


class HookDetail(Shape):
    """A deployment lifecycle hook. `updatedAt` has nanoseconds."""

    event_type: Text = None
    event_name: Text = None
    hook_id: Text = None
    hook_type: Text = None
    expires_at: Text = None
    lifecycle_stage: Text = None
    cluster_arn: Text = None
    service_arn: Text = None
    service_deployment_arn: Text = None
    updated_at: Text = None


class HookStateChange(AwsEvent):
    """ECS Hook State Change. `resources` names the service deployment and is missing in a documented sample."""

    detail: HookDetail

    @property
    def service(self) -> str | None:
        """The service's name."""
        if self.detail.service_arn:
            return last_name(self.detail.service_arn)
        parts = (self.detail.service_deployment_arn or self.resource or "").split("/")
        return parts[2] or None if len(parts) > _SERVICE_PART else None

    @property
    def cluster(self) -> str | None:
        """The cluster's name."""
        return last_name(self.detail.cluster_arn) or cluster_in(self.detail.service_arn) or cluster_in(self.resource)


_SERVICE_PART = 2
