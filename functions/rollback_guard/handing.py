"""While a release has a service, what the guard finds is the release's to act on: it holds the lease, and knows what it
began and where to go back to. So it is told, whatever the guard's own mode: the release changes the service, or not.
"""

from breakwater.services import ServiceNow

from .answers import Hold, HoldKind, RollBack, RollbackDecision
from .carry_out import Hand, note

FOR_A_RELEASE = frozenset({HoldKind.NO_TARGET, HoldKind.BUDGET})
"""What keeps the guard from rolling back, and not a release: that knows what stood before, and has no budget."""


def hand_over(hand: Hand, service: ServiceNow, deployment: str, decision: RollbackDecision) -> str | None:
    """Tell the release that has the service, if one has, that the revision fails; says so, or `None`."""
    bad = isinstance(decision, RollBack) or (isinstance(decision, Hold) and decision.kind in FOR_A_RELEASE)
    if not bad:
        return None
    name = service.service_deployment or deployment
    reason = _evidence(decision)
    release = hand.work.tools().tell_release(service.key, name, reason, hand.now)
    if release is None:
        return None
    said = f"{release.rpartition(':')[2]} has the service and is told: {reason}"
    note(hand, f"{deployment}-handed-over", "tell the release", said, {"deployment": deployment}, "done")
    return said


def _evidence(decision: RollbackDecision) -> str:
    """Why it is bad; where a `Hold` goes on to say why nothing is done, that is no news to a release."""
    if isinstance(decision, Hold) and decision.weighed is not None:
        weighed = decision.weighed
        return f"{weighed.failures} tasks failed and {weighed.starts} were started, which chance does not explain"
    return decision.reason
