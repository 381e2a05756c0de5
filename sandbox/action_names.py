"""Whether the actions of a policy exist: a misspelt one deploys on AWS without a word and grants nothing.

There is no list of IAM's actions offline. Nearly all are named like an operation of the API, which botocore knows by
name; the few that are not stand here. Of services whose prefix is not botocore's name of them, only those listed here
are known; any other is refused, like everything that the sandbox does not know.
"""

import fnmatch
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

from sandbox.errors import TemplateError, UnsupportedError

_SERVICES = {"elasticloadbalancing": "elbv2", "states": "stepfunctions"}  # where IAM's prefix is not botocore's name
_ONLY_ACTIONS: Mapping[str, frozenset[str]] = {
    "dynamodb": frozenset({"conditioncheckitem", "partiqldelete", "partiqlinsert", "partiqlselect", "partiqlupdate"}),
    "iam": frozenset({"passrole"}),
    "lambda": frozenset({"invokefunction", "invokefunctionurl"}),
    "logs": frozenset(
        {"createlogdelivery", "deletelogdelivery", "getlogdelivery", "listlogdeliveries", "updatelogdelivery"}
    ),
    "s3": frozenset({"getobjectversion", "listallmybuckets", "listbucket", "listbucketversions"}),
}
_ONLY_OPERATIONS: Mapping[str, frozenset[str]] = {
    "dynamodb": frozenset({"batchexecutestatement", "executestatement", "transactgetitems", "transactwriteitems"}),
    "lambda": frozenset({"invoke"}),
    "s3": frozenset({"headbucket", "headobject", "listbuckets", "listobjects", "listobjectsv2"}),
    "sns": frozenset({"publishbatch"}),
    "sqs": frozenset({"changemessagevisibilitybatch", "deletemessagebatch", "sendmessagebatch"}),
}  # allowed through the action of the single call


def check(policy: Mapping[str, Any], where: str) -> None:
    """Refuse a policy that names an action there is not."""
    statements = policy.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        for element in ("Action", "NotAction"):
            named = statement.get(element, [])
            _check_each(named if isinstance(named, list) else [named], where)


def _check_each(actions: Iterable[str], where: str) -> None:
    for action in actions:
        service, _, name = action.lower().partition(":")
        if action != "*" and not fnmatch.filter(_actions(service, where), name or " "):
            raise TemplateError(f"{where}: there is no action {action}")


@cache
def _operations(service: str) -> frozenset[str] | None:
    try:
        model = Loader().load_service_model(service, "service-2")
    except UnknownServiceError:
        return None
    return frozenset(name.lower() for name in model["operations"])


def _actions(service: str, where: str) -> frozenset[str]:
    operations = _operations(_SERVICES.get(service, service))
    if operations is None:
        raise UnsupportedError(f"{where}: actions of {service or 'no service'}")
    return operations - _ONLY_OPERATIONS.get(service, frozenset()) | _ONLY_ACTIONS.get(service, frozenset())
