"""The API of EventBridge's rules on the default bus."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.account import Account
from sandbox.aws import Answer, ServiceError
from sandbox.bus import Rule, Target
from sandbox.errors import InvalidPatternError, UnsupportedError
from sandbox.patterns import compile_pattern

Params = Mapping[str, Any]
MAX_TARGETS = 5
_UNDERSTOOD = {
    "PutRule": {"Name", "EventPattern", "State", "Description"},
    "PutTargets": {"Rule", "Targets"},
    "RemoveTargets": {"Rule", "Ids"},
    "DeleteRule": {"Name"},
    "ListRules": {"NamePrefix", "Limit", "NextToken"},
    "ListTargetsByRule": {"Rule"},
}
_TARGET = {"Id", "Arn", "DeadLetterConfig", "RetryPolicy"}


class RulesApi:
    """Rules that handlers make, beside those of the template."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def answers(self) -> dict[tuple[str, str], Answer]:
        """Every operation for the gate."""
        served: dict[str, Callable[[Params], dict[str, Any]]] = {
            "PutRule": self.put,
            "PutTargets": self.put_targets,
            "RemoveTargets": self.remove_targets,
            "DeleteRule": self.delete,
            "ListRules": self.all,
            "ListTargetsByRule": self.targets,
        }

        def answer(operation: str) -> Answer:
            def checked(params: Params) -> dict[str, Any]:
                strange = params.keys() - _UNDERSTOOD[operation]
                if strange:
                    raise UnsupportedError(f"events:{operation} {min(strange)}")
                return served[operation](params)

            return checked

        return {("events", operation): answer(operation) for operation in served}

    def put(self, params: Params) -> dict[str, Any]:
        """Create a rule, or change it; its targets stay."""
        name, text = params["Name"], params.get("EventPattern")
        if text is None:
            raise UnsupportedError("events:PutRule without EventPattern")
        try:
            pattern = compile_pattern(json.loads(text))
        except (InvalidPatternError, ValueError) as problem:
            raise ServiceError("InvalidEventPatternException", f"Event pattern is not valid. {problem}") from problem
        rule = self._account.bus.rule(name)
        if rule is None:
            rule = Rule(name, self._account.arn("events", f"rule/{name}"), pattern, ())
            self._account.bus.rules.append(rule)
        rule.pattern, rule.text, rule.description = pattern, text, params.get("Description", "")
        rule.enabled = params.get("State", "ENABLED") == "ENABLED"
        return {"RuleArn": rule.arn}

    def put_targets(self, params: Params) -> dict[str, Any]:
        """Add targets to a rule; one of the same id is replaced."""
        rule = self._found(params["Rule"])
        for target in params["Targets"]:
            strange = target.keys() - _TARGET
            if strange:
                raise UnsupportedError(f"events:PutTargets {min(strange)}")
        new = {
            target["Id"]: Target(
                target["Id"], target["Arn"], target.get("DeadLetterConfig", {}).get("Arn"), said=dict(target)
            )
            for target in params["Targets"]
        }
        targets = {**{target.id: target for target in rule.targets}, **new}
        if len(targets) > MAX_TARGETS:
            raise ServiceError("LimitExceededException", f"more than {MAX_TARGETS} targets")
        rule.targets = tuple(targets.values())
        return {"FailedEntryCount": 0, "FailedEntries": []}

    def remove_targets(self, params: Params) -> dict[str, Any]:
        """Take targets away, there or not."""
        rule = self._found(params["Rule"])
        rule.targets = tuple(target for target in rule.targets if target.id not in params["Ids"])
        return {"FailedEntryCount": 0, "FailedEntries": []}

    def delete(self, params: Params) -> dict[str, Any]:
        """Delete a rule without targets; one that is not there is no error."""
        rule = self._account.bus.rule(params["Name"])
        if rule is not None:
            if rule.targets:
                raise ServiceError("ValidationException", "Rule can't be deleted since it has targets.")
            self._account.bus.rules.remove(rule)
        return {}

    def all(self, params: Params) -> dict[str, Any]:
        """The rules whose names begin so, in order, page by page."""
        found = sorted(
            (rule for rule in self._account.bus.rules if rule.name.startswith(params.get("NamePrefix", ""))),
            key=lambda rule: rule.name,
        )
        start, size = int(params.get("NextToken", "0")), params.get("Limit", 100)
        page = [
            {
                "Name": rule.name,
                "Arn": rule.arn,
                "State": "ENABLED" if rule.enabled else "DISABLED",
                "EventBusName": "default",
                **({"EventPattern": rule.text} if rule.text else {}),
                **({"Description": rule.description} if rule.description else {}),
            }
            for rule in found[start : start + size]
        ]
        return {"Rules": page, **({"NextToken": str(start + size)} if start + size < len(found) else {})}

    def targets(self, params: Params) -> dict[str, Any]:
        """The targets of a rule."""
        targets = self._found(params["Rule"]).targets
        return {"Targets": [dict(target.said) or {"Id": target.id, "Arn": target.arn} for target in targets]}

    def _found(self, name: str) -> Rule:
        rule = self._account.bus.rule(name)
        if rule is None:
            raise ServiceError("ResourceNotFoundException", f"Rule {name} does not exist on EventBus default.")
        return rule
