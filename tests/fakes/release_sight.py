"""A service under release, and what is seen of it said by the test."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from breakwater.model import Mode
from breakwater.preflight_facts import Binding, ServiceFacts
from release.facts import DeploymentSeen, HookSeen, ServiceSeen
from release.record import Before, Release, Share, Stage
from release.sight import Rollout, Sight, Standing

NOW = datetime(2026, 4, 14, 7, 30, tzinfo=UTC)
EXECUTION = "arn:aws:states:eu-central-1:111122223333:execution:breakwater-release:r1"
ARN = "arn:aws:ecs:eu-central-1:111122223333:service-deployment/prod/web/x"
OLD, NEW = (f"arn:aws:ecs:eu-central-1:111122223333:task-definition/web:{number}" for number in (7, 8))
RULE = "rule/production"
SERVICE = "prod/web"

HOOK = HookSeen("h1", "POST_TEST_TRAFFIC_SHIFT", ARN)
STEP = replace(HOOK, stage="PRE_PRODUCTION_TRAFFIC_SHIFT")
RELEASE = Release(
    EXECUTION,
    SERVICE,
    Stage.FORWARD,
    Mode.ACT,
    NOW,
    NEW,
    "BLUE_GREEN",
    before=Before(OLD, "ecs-svc/7", 2, (Share(RULE, "blue", 100), Share(RULE, "green", 0))),
    intended_at=NOW,
    deployment="ecs-svc/8",
    service_deployment=ARN,
)
RETURNING = replace(RELEASE, stage=Stage.RETURNING, why="smoke failed")
FACTS = ServiceFacts(
    "prod",
    "web",
    strategy="BLUE_GREEN",
    task_definition=NEW,
    launch_type="FARGATE",
    bindings=(Binding("web", 80, "blue", "green", RULE, "rule/test"),),
)
THROUGH = ServiceSeen(NEW, "ecs-svc/8", 2, 2, {RULE: {"blue": 0, "green": 100}}, {"healthy": 2})
BACK = ServiceSeen(OLD, "ecs-svc/9", 2, 2, {RULE: {"blue": 100, "green": 0}}, {"healthy": 2})

Shows = TypeVar("Shows")


def a_rollout(status: str = "IN_PROGRESS", hook: HookSeen | None = HOOK, **more: Any) -> Rollout:
    """Its service deployment, at the stage of the hook at which it waits, unless it waits at none."""
    answered = more.pop("answered", ())
    seen = DeploymentSeen(ARN, status, **{"stage": hook.stage if hook else "SCALE_UP", **more})
    return Rollout(seen, "revision/8", ("revision/7",), hook, answered=answered)


STEPPING = a_rollout(hook=STEP, production_weight=10.0)
"""It waits before its next share of the traffic."""


class Shown(Sight):
    """What ECS shows: one value for each look at the deployment and at the service; the last one stays."""

    def __init__(
        self, rollouts: Iterable[Rollout | None] = (), services: Iterable[ServiceSeen] = (), facts: ServiceFacts = FACTS
    ) -> None:
        self.rollouts, self.services = [*rollouts] or [None], [*services] or [THROUGH]
        self.facts = facts
        self.reads = 0
        """How often the deployment was looked at."""

    def rollout(self, arn: str) -> Rollout | None:
        self.reads += 1
        return _next(self.rollouts)

    def standing(self, cluster: str, service: str, *, traffic: bool = False) -> Standing:
        return Standing(_next(self.services), self.facts)

    def find(self, cluster: str, service: str, task_definition: str, since: datetime) -> str | None:
        return ARN

    def definitions(self, revisions: list[str]) -> dict[str, str]:
        return {"revision/7": OLD, "revision/8": NEW}


def _next(shown: list[Shows]) -> Shows:
    return shown.pop(0) if len(shown) > 1 else shown[0]
