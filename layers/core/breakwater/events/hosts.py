"""What runs tasks and what watches it: container instances, EC2's warnings, CloudWatch alarms."""

from typing import Annotated

from .base import AwsEvent, Text, cluster_in, last_name
from .shapes import Shape, each, named, one


class InstanceDetail(Shape):
    """A container instance. One such event comes with every task placed, so most of them mean nothing."""

    container_instance_arn: Text = None
    cluster_arn: Text = None
    ec2_instance_id: Text = None
    status: Text = None
    status_reason: Text = None


class _OnInstance(AwsEvent):
    """An event about a container instance."""

    detail: InstanceDetail

    @property
    def instance(self) -> str | None:
        """The EC2 instance's id, else the container instance's."""
        return self.detail.ec2_instance_id or last_name(self.detail.container_instance_arn or self.resource)

    @property
    def cluster(self) -> str | None:
        """The cluster's name."""
        return last_name(self.detail.cluster_arn) or cluster_in(self.detail.container_instance_arn or self.resource)


class InstanceStateChange(_OnInstance):
    """ECS Container Instance State Change."""


class HealthCheck(Shape):
    """One check of an instance's health."""

    type: Text = None
    status: Text = None
    status_reason: Text = None
    last_status_change: Text = None


class InstanceHealthDetail(InstanceDetail):
    """An instance's health, over all and check by check."""

    capacity_provider_name: Text = None
    overall_status: Text = None
    health_checks: Annotated[tuple[HealthCheck, ...], each(HealthCheck)] = ()


class InstanceHealthChange(_OnInstance):
    """ECS Container Instance Health Change."""

    detail: InstanceHealthDetail


class AlarmState(Shape):
    """One state of an alarm. Its `reason` is the state's own: an alarm that recovers may still carry the old text."""

    value: Text = None
    reason: Text = None
    timestamp: Text = None


class AlarmDetail(Shape):
    """An alarm's state now and before."""

    alarm_name: Text = None
    state: Annotated[AlarmState | None, one(AlarmState)] = None
    previous_state: Annotated[AlarmState | None, one(AlarmState)] = None


class AlarmStateChange(AwsEvent):
    """CloudWatch Alarm State Change."""

    detail: AlarmDetail

    @property
    def now(self) -> str | None:
        """The state it is in."""
        return self.detail.state.value if self.detail.state else None

    @property
    def before(self) -> str | None:
        """The state it was in."""
        return self.detail.previous_state.value if self.detail.previous_state else None


class LifecycleDetail(Shape):
    """An instance that its Auto Scaling group is about to terminate. The token makes the answer safe to repeat."""

    ec2_instance_id: Text = named("EC2InstanceId")
    group_name: Text = named("AutoScalingGroupName")
    hook_name: Text = named("LifecycleHookName")
    token: Text = named("LifecycleActionToken")


class TerminateLifecycle(AwsEvent):
    """EC2 Instance-terminate Lifecycle Action."""

    detail: LifecycleDetail


class SpotWarningDetail(Shape):
    """A Spot instance that EC2 takes back in two minutes."""

    instance_id: Text = named("instance-id")
    instance_action: Text = named("instance-action")


class SpotWarning(AwsEvent):
    """EC2 Spot Instance Interruption Warning."""

    detail: SpotWarningDetail
