"""Policies of every kind, told of by events and found by the sweep, so that both make each of their calls."""

from datetime import timedelta

from sandbox import Sandbox
from tests.sandbox.policy_stack import EMPTY, FULL, WINDOWS, PolicyStack

CHANGED = FULL.replace("rate(1 hour)", "rate(2 hours)").replace("incoming/", "new/")
BROKEN = "version: 1\nsurprise: true\n"
SWEEPS = timedelta(minutes=6)


def push_and_remove(sandbox: Sandbox) -> None:
    """Push, change, break and remove; with a target of a rule that somebody added."""
    stack = PolicyStack(sandbox)
    sandbox.invoke("PolicySyncFunction", {})
    for lost in (0.0, 1.0):
        for document in (FULL + WINDOWS, CHANGED, BROKEN, FULL):
            sandbox.chaos(drop=lost)
            stack.push(document)
            sandbox.advance(SWEEPS)
            sandbox.chaos()
        rule = next(name for name in stack.rules() if name.endswith("-upload-prices"))
        stack.events.put_targets(Rule=rule, Targets=[{"Id": "more", "Arn": sandbox.account.queues.all()[0].arn}])
        sandbox.chaos(drop=lost)
        for document in (CHANGED, EMPTY):
            stack.push(document)
            sandbox.advance(SWEEPS)
        sandbox.chaos()
