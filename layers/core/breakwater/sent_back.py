"""Which deployment of a service a release sends back: what ECS then says of it is no news of its own."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SentBack:
    """A deployment on its way back by the word of a release.

    `service_deployment` is its ARN, `deployment` its id (`ecs-svc/…`, "" if it is not known), `at` when ECS was asked.
    """

    service_deployment: str
    deployment: str
    at: datetime
