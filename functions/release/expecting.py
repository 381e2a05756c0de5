"""How a service should look at the end, by what was recorded of it. Pure."""

from .outcome import Expected
from .record import Release, Share, Stage


def expected(release: Release) -> Expected:
    """As recorded on the way back, else all of the traffic on the new side.

    What went back by a deployment of its own has all of its traffic on one side as well: which one, ECS chose anew.
    """
    rules = release.rules if release.strategy != "ROLLING" else ()
    if release.stage is not Stage.RETURNING or release.before is None:
        return Expected(release.task_definition, rules_shifted=rules)
    if release.redeployed_at is not None or not release.before.shares:
        return Expected(release.before.task_definition, rules_shifted=rules)
    return Expected(release.before.task_definition, weights_of(release.before.shares))


def weights_of(shares: tuple[Share, ...]) -> dict[str, dict[str, int]]:
    """Weights as decisions take them."""
    weights: dict[str, dict[str, int]] = {}
    for share in shares:
        weights.setdefault(share.rule, {})[share.group] = share.weight
    return weights
