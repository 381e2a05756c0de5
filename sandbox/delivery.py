"""One AWS service handing something to a resource of the account, if that resource's policy lets it.

Services name themselves (`events.amazonaws.com`) and what they speak for (`aws:SourceArn`). A queue or topic without
a policy, or a function without a permission, refuses them; that is the commonest silent fault of a template.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox import iam
from sandbox.account import Account
from sandbox.errors import UnsupportedError
from sandbox.queues import MAX_BODY_BYTES, allowed_body


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a target did not take it, in the words of a rule's dead-letter attributes."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Sender:
    """The service that delivers, and the resource it speaks for; with a `role` that role is asked as well."""

    principal: str
    source_arn: str
    role: str | None = None


def deliver(
    account: Account,
    sender: Sender,
    target: str,
    body: str,
    attributes: Mapping[str, Mapping[str, Any]] | None = None,
    failure: str | None = None,
    subject: str | None = None,
) -> Refusal | None:
    """Hand over `body`; None if the target took it."""
    handed = Handed(account, sender, target, body, attributes, failure, subject)
    match target.split(":")[2] if target.count(":") >= 5 else "":
        case "sqs":
            return _to_queue(handed)
        case "sns":
            return _to_topic(handed)
        case "lambda":
            return _to_function(handed)
        case "states":
            return _to_state_machine(handed)
    raise UnsupportedError(f"delivery to {target}")


@dataclass(frozen=True, slots=True)
class Handed:
    """One thing on its way."""

    account: Account
    sender: Sender
    target: str
    body: str
    attributes: Mapping[str, Mapping[str, Any]] | None
    failure: str | None
    subject: str | None


def _to_queue(handed: Handed) -> Refusal | None:
    queue = handed.account.queues.get(handed.target)
    if queue is None:
        return Refusal("NO_RESOURCE", f"The queue {handed.target} does not exist.")
    refusal = permitted(handed.account, handed.sender, "sqs:SendMessage", handed.target, queue.policy)
    if refusal is None and not allowed_body(handed.body):
        size = len(handed.body.encode("utf-8", "replace"))
        return Refusal("SDK_CLIENT_ERROR", f"SQS refuses the message: {size} bytes of {MAX_BODY_BYTES}, or its text.")
    if refusal is None:
        queue.send(handed.body, handed.attributes, sender=handed.sender.principal, failure=handed.failure)
    return refusal


def _to_topic(handed: Handed) -> Refusal | None:
    topic = handed.account.topics.get(handed.target)
    if topic is None:
        return Refusal("NO_RESOURCE", f"The topic {handed.target} does not exist.")
    if topic.encrypted and handed.sender.role is None:
        return Refusal("NO_PERMISSIONS", f"{handed.sender.principal} may not use the key alias/aws/sns.")
    refusal = permitted(handed.account, handed.sender, "sns:Publish", handed.target, topic.policy)
    if refusal is None:
        handed.account.topics.publish(topic, handed.body, handed.subject, handed.attributes)
    return refusal


def _to_function(handed: Handed) -> Refusal | None:
    function = handed.account.functions.get(handed.target)
    if function is None:
        return Refusal("NO_RESOURCE", f"The function {handed.target} does not exist.")
    refusal = permitted(handed.account, handed.sender, "lambda:InvokeFunction", function.arn, function.policy)
    if refusal is None:
        handed.account.functions.invoke_async(function, json.loads(handed.body), handed.sender.principal)
    return refusal


def _to_state_machine(handed: Handed) -> Refusal | None:
    machine = handed.account.states.machines.get(handed.target)
    if machine is None:
        return Refusal("NO_RESOURCE", f"The state machine {handed.target} does not exist.")
    if handed.sender.role is None:
        return Refusal("NO_PERMISSIONS", f"{handed.sender.principal} needs a role to start {handed.target}.")
    refusal = permitted(handed.account, handed.sender, "states:StartExecution", machine.arn, ())
    if refusal is None:
        handed.account.states.start(machine, handed.body, None)
    return refusal


def permitted(
    account: Account, sender: Sender, action: str, resource: str, policy: Sequence[iam.Statement]
) -> Refusal | None:
    """Ask the resource's own policy, or the sender's role where it has one."""
    context = account.context(SourceArn=sender.source_arn, SourceAccount=account.id)
    if sender.role is not None:
        if not account.roles.by_arn(sender.role).trusts(sender.principal, context):
            return Refusal("NO_PERMISSIONS", f"{sender.principal} may not take {sender.role}.")
        verdict = account.roles.by_arn(sender.role).verdict(iam.Request(action, resource, context))
    else:
        verdict = iam.evaluate(policy, iam.Request(action, resource, context, sender.principal))
    if verdict is iam.Verdict.ALLOWED:
        return None
    who = sender.role or f"{sender.principal} for {sender.source_arn}"
    return Refusal("NO_PERMISSIONS", f"{who} may not {action} on {resource}: {verdict}")
