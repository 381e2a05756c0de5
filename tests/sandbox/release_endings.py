"""How a scenario of a release may end, and what the callers of its service may have noticed. Every scenario has
production traffic and ends by one of these.

A release that passes, or that is refused, costs no request. One that goes back costs at most the share that the new
revision had of them, for as long as it had it: the time is read from the changes of the listener's rule in the model.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from breakwater.approvals import Approvals
from breakwater.rendezvous import Word
from breakwater.rendezvous_store import Rendezvous, send_by
from breakwater.store import Table
from sandbox.ecs.requests import Flow
from sandbox.states.machines import Execution
from tests.sandbox.release_stage import Shop, Street


def passed(shop: Shop, execution: Execution, revision: int = 2) -> None:
    """It is released, its bake has begun, or is over by now, and no request failed."""
    assert execution.status == "SUCCEEDED", (execution.error, execution.cause, execution.entered)
    assert execution.result["error"] == "Released"
    assert shop.revision == revision
    good, bad = judged(shop)
    assert (good[0], good.count(str(revision)), str(revision) in bad) == (str(revision), 1, False)
    assert shop.free
    unnoticed(shop)
    assert _flow(shop).sent > 100


def returned(shop: Shop, execution: Execution, *, share: float = 0.0) -> None:
    """It is back where it was, verified. Every request that failed was the new revision's, which had no more of them
    than its `share` while the listener's rule gave it any; none at all if that is 0."""
    _is_back(shop, execution)
    flow = _flow(shop)
    seen = flow.by("revision").get(f"{shop.name}:2", 0)
    given = share * flow.per_second * exposed(shop)
    assert flow.failed == failed_of(flow, f"{shop.name}:2") <= seen <= given + 1, (flow.failed, seen, given)
    assert (seen > 0) is (share > 0)


def redeployed(shop: Shop, execution: Execution) -> None:
    """A rolling service is back, by a deployment of its own: its two revisions have served side by side, and no
    request failed, for what is wrong with the new one only its checks can see."""
    _is_back(shop, execution)
    unnoticed(shop)


def _is_back(shop: Shop, execution: Execution) -> None:
    assert (execution.status, execution.error) == ("FAILED", "Returned"), (execution.error, execution.cause)
    assert (shop.revision, shop.weights) == (1, [100, 0])
    assert shop.free


def left_alone(shop: Shop, execution: Execution, error: str) -> None:
    """Nothing was begun: one deployment as before, every request answered by the revision that was there."""
    outcome = execution.result if execution.status == "SUCCEEDED" else {"error": execution.error}
    assert outcome["error"] == error, (execution.error, execution.cause)
    assert (shop.revision, shop.weights, deployments(shop)) == (1, [100, 0], 1)
    only_old(shop)


def only_old(shop: Shop) -> None:
    """No request failed, and none saw the new revision: it has no traffic, or there is none."""
    unnoticed(shop)
    assert set(_flow(shop).by("revision")) == {f"{shop.name}:1"}


def unnoticed(shop: Shop) -> None:
    """No request failed, of some that were sent."""
    flow = _flow(shop)
    assert flow.failed == 0, flow.by("status")
    assert flow.sent > 0


def _flow(shop: Shop) -> Flow:
    assert shop.flow is not None, "a scenario without traffic shows nothing about it"
    return shop.flow


def failed_of(flow: Flow, revision: str) -> int:
    """How many requests a revision has failed."""
    return sum(count for outcome, count in flow.counts.items() if outcome.failed and outcome.revision == revision)


def exposed(shop: Shop) -> float:
    """For how many seconds the rule of the production listener has given the second target group anything."""
    world = shop.account.ecs.world
    of_rule = (one for one in world.log if one.kind == "rule" and one.subject == shop.rules["production"])
    weights = [(one.at, json.loads(one.status).get(f"{shop.name}-2", 0)) for one in of_rule]
    ends = [at for at, _ in weights[1:]] + [world.now]
    return sum(end - at for (at, weight), end in zip(weights, ends, strict=True) if weight) / 1000


def deployments(shop: Shop) -> int:
    """How many service deployments there have been, the one that made the service among them."""
    return len(shop.ecs.list_service_deployments(cluster="prod", service=shop.name)["serviceDeployments"])


def judged(shop: Shop) -> tuple[list[str], list[str]]:
    """The revisions of a shop that the ledger says are baking or known good, and those that it says are bad."""
    ledger = shop.ledger if shop.under(f"LEDGER#prod/{shop.name}") else {}
    good = [*([ledger["bake"]] if ledger.get("bake") else []), *ledger.get("known_good", [])]
    number = [[one["revision"].rpartition(":")[2] for one in each] for each in (good, ledger.get("quarantined", []))]
    return number[0], number[1]


def give(shop: Shop, word: str, *, told: bool = True) -> None:
    """A person's word, as `breakwater release` gives it: kept, and `told` to who waits."""
    account = shop.account
    table = Table(lambda: account.client("dynamodb"), account.resource("Table").physical_id)
    arn = shop.deployment["serviceDeploymentArn"]
    Approvals(table).give(arn, word, "ann", account.now)
    if told:
        meeting = Rendezvous(table, send_by(lambda: account.client("stepfunctions")))
        meeting.arrive(f"prod/{shop.name}", Word(word, "ann", account.now).message(arn), account.now)


@contextmanager
def chaos(street: Street, **how: Any) -> Iterator[None]:
    """The bus loses or doubles what it gets."""
    street.account.chaos(**how)
    try:
        yield
    finally:
        street.account.chaos()


def attending(shop: Shop, begin: Callable[[], None]) -> Execution:
    """The release that attends what somebody else begins."""
    before = len(shop.account.executions)
    begin()
    shop.until(lambda: len(shop.account.executions) > before)
    found = shop.account.executions[-1]
    assert found.name.startswith("attend-")
    return shop.over(found)
