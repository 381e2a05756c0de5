"""What the policy says of releases of one service, as the decisions take it.

It is not in `breakwater.policies`, which the fast lanes import: the classes of the checks would cost their cold start.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from breakwater.checks.spec import HttpCheck, MetricAnalysis, TaskCheck
from breakwater.model import Mode
from breakwater.policies import OnDoubt

CHECKED_AT = frozenset({"POST_TEST_TRAFFIC_SHIFT"})
"""Where the new revision has test traffic and no other: its checks run here."""
ANALYSED_AT = frozenset({"PRE_PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"})
"""Where it has some production traffic behind it: the first comes before every step, the second after the last."""
MOST_LOOKS = 5
"""How often the metrics are looked at in one stage before a person is asked."""

LONGEST_RELEASE = timedelta(hours=30)
"""What a release may take: its execution ends after 36 hours, and the way back takes time."""


class StageWork(StrEnum):
    """What is to be done while a deployment waits at a stage."""

    CHECKS = "checks"
    ANALYSIS = "analysis"


@dataclass(frozen=True, slots=True)
class ReleasePolicy:
    """How a service is released.

    `checks` run against the new revision before it gets production traffic (after the deployment where the strategy is
    ROLLING), `analysis` while it has some. `hosts` (origins) and `networks` (CIDR) are what checks may reach besides
    the service's own listeners. `approval_minutes` is how long a person may take before it goes back; `settle_minutes`
    how long the service may take to look as it should once its deployment is over.
    """

    mode: Mode = Mode.OBSERVE
    checks: tuple[HttpCheck | TaskCheck, ...] = ()
    analysis: MetricAnalysis | None = None
    on_doubt: OnDoubt = OnDoubt.ASK
    approval_minutes: int = 60
    settle_minutes: int = 15
    hosts: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    forbid_mutable_images: bool = False

    def work_at(self, stage: str) -> StageWork | None:
        """What this policy has to do at a lifecycle stage, if anything: else the hook there is somebody else's."""
        if stage in CHECKED_AT and self.checks:
            return StageWork.CHECKS
        return StageWork.ANALYSIS if stage in ANALYSED_AT and self.analysis is not None else None


def looks_planned(steps: int, looks_each: int = MOST_LOOKS) -> int:
    """How many looks the whole release may take: that is what the false-alarm rate is shared out among.

    `steps` is in how many steps the deployment shifts traffic, by its own settings: known before the first look.
    """
    return max(1, steps) * max(1, looks_each)
