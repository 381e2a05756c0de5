"""Rules of EventBridge's default bus, those whose names begin as ours do."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from breakwater.aws import translated_errors
from breakwater.errors import BreakwaterError, NotFoundError, ThrottledError
from breakwater.routes import TRIES, Rule, canonical

_LATEST_SECONDS = 86_400
_RETRY = {"MaximumEventAgeInSeconds": _LATEST_SECONDS, "MaximumRetryAttempts": TRIES}


class BusRules:
    """The rules of the default bus whose names begin with one prefix."""

    def __init__(self, client: Callable[[], Any], prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def all(self) -> Iterator[Rule]:
        """Every rule under the prefix, with its targets."""
        start: dict[str, str] = {}
        while True:
            with translated_errors("list rules"):
                answer = self._client().list_rules(NamePrefix=self._prefix, Limit=100, **start)
            for entry in answer["Rules"]:
                try:
                    yield self._read(entry)
                except NotFoundError:
                    continue
            if not answer.get("NextToken"):
                return
            start = {"NextToken": answer["NextToken"]}

    def put(self, rule: Rule, stale: tuple[str, ...] = ()) -> None:
        """Make a rule say this and have these targets; `stale` are targets that go away.

        The targets of a new rule come in a second call. A rule without a target does nothing, and whoever reads it
        finds that it is not what is wanted.
        """
        with translated_errors(f"put rule {rule.name}"):
            self._client().put_rule(
                Name=rule.name,
                EventPattern=rule.pattern,
                State="ENABLED" if rule.enabled else "DISABLED",
                Description=rule.description,
            )
        with translated_errors(f"put the target of rule {rule.name}"):
            answer = self._client().put_targets(
                Rule=rule.name,
                Targets=[
                    {"Id": id_, "Arn": arn, "DeadLetterConfig": {"Arn": rule.dead_letters}, "RetryPolicy": _RETRY}
                    for id_, arn in rule.targets
                ],
            )
        _all_taken(f"put the target of rule {rule.name}", answer)
        self._remove(rule.name, stale)

    def delete(self, name: str, targets: tuple[str, ...]) -> None:
        """Delete a rule, there or not, and its targets before it."""
        try:
            self._remove(name, targets)
            with translated_errors(f"delete rule {name}"):
                self._client().delete_rule(Name=name)
        except NotFoundError:
            return

    def _remove(self, name: str, targets: tuple[str, ...]) -> None:
        if not targets:
            return
        with translated_errors(f"remove targets of rule {name}"):
            answer = self._client().remove_targets(Rule=name, Ids=list(targets))
        _all_taken(f"remove targets of rule {name}", answer)

    def _read(self, entry: dict[str, Any]) -> Rule:
        with translated_errors(f"list the targets of rule {entry['Name']}"):
            targets = self._client().list_targets_by_rule(Rule=entry["Name"])["Targets"]
        plain = all(
            target.keys() == {"Id", "Arn", "DeadLetterConfig", "RetryPolicy"} and target["RetryPolicy"] == _RETRY
            for target in targets
        )
        dead = {target.get("DeadLetterConfig", {}).get("Arn", "") for target in targets}
        return Rule(
            name=entry["Name"],
            pattern=canonical(json.loads(entry.get("EventPattern", "{}"))),
            targets=tuple((target["Id"], target["Arn"]) for target in targets),
            dead_letters=next(iter(dead)) if len(dead) == 1 else "",
            description=entry.get("Description", ""),
            enabled=entry["State"] == "ENABLED" and plain and "ScheduleExpression" not in entry,
        )


def _all_taken(what: str, answer: dict[str, Any]) -> None:
    """EventBridge answers 200 and lists what it did not do."""
    if answer.get("FailedEntryCount"):
        failed = answer["FailedEntries"][0]
        code, said = str(failed.get("ErrorCode", "")), str(failed.get("ErrorMessage", ""))
        kind = ThrottledError if "Concurrent" in code or "Throttl" in code else BreakwaterError
        raise kind(f"{what}: {code}: {said}")
