"""The scale records in the table: one item for each service, written only on top of the version that was read."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from breakwater.errors import BreakwaterError, ConflictError
from breakwater.journal import Entry, written
from breakwater.model import Mode
from breakwater.store import Item, Key, Table, Update, Value

from .scale import Claim, ClaimKind, Held, Knob, ScaleRecord, Word

STATUS = "scaling"
KEPT_SECONDS = 7 * 86400
"""An emptied record stays for a week, so that its version does not begin anew under somebody who read it."""


class Records:
    """The records, each loaded and saved whole."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, cluster: str, service: str) -> ScaleRecord:
        """The record of a service, an empty one if nothing is kept."""
        key = _key(f"{cluster}/{service}")
        item = self._table.get_many([key]).get(key)
        if item is None:
            return ScaleRecord(cluster, service)
        return replace(loaded(cluster, service, str(item.get("doc", "{}"))), version=int(item["version"]))

    def save(self, record: ScaleRecord, now: datetime, entry: Entry | None = None) -> ScaleRecord:
        """Write a record, with the journal's entry in the same breath. Raises `ConflictError` if it is not current."""
        version = record.version + 1
        expected: dict[str, Value | None] = {"version": record.version or None}
        if record.empty:
            gone: Item = {"version": version, "ttl": int(now.timestamp()) + KEPT_SECONDS}
            action = Update(_key(record.key), set_values=gone, remove=("status", "doc"), expected=expected)
        else:
            values: Item = {"version": version, "status": STATUS, "doc": dumped(record)}
            action = Update(_key(record.key), set_values=values, remove=("ttl",), expected=expected)
        refusals = self._table.transact([action, *([written(entry)] if entry else [])])
        if refusals:
            raise ConflictError(f"the scale record of {record.key} was changed by somebody else")
        return replace(record, version=version)

    def note(self, entry: Entry) -> None:
        """Write an entry of the journal, over an earlier one of the same step."""
        self._table.write(written(entry))

    def all(self) -> Iterator[tuple[str, str]]:
        """The services, as (cluster, service), of which something is kept."""
        for pk in self._table.with_status(STATUS):
            cluster, _, service = pk.removeprefix("SCALE#").partition("/")
            yield cluster, service


def _key(service: str) -> Key:
    return f"SCALE#{service}", "SCALE"


def dumped(record: ScaleRecord) -> str:
    """A record as JSON, without what stands in the item beside it."""
    return json.dumps(
        {
            "claims": [_claim(claim) for claim in record.claims],
            "held": {knob: [held.original, held.ours, held.before] for knob, held in record.held.items()},
            "withheld": record.withheld.isoformat() if record.withheld else None,
            "missing": record.missing.isoformat() if record.missing else None,
            "said": record.said,
            "untold": [[word.id, word.text, word.at.isoformat()] for word in record.untold],
        },
        sort_keys=True,
    )


def loaded(cluster: str, service: str, text: str) -> ScaleRecord:
    """The record that `dumped` wrote. What a later version may have added is ignored."""
    try:
        raw: dict[str, Any] = json.loads(text)
        withheld, missing = raw.get("withheld"), raw.get("missing")
        return ScaleRecord(
            cluster,
            service,
            claims=tuple(_claimed(claim) for claim in raw.get("claims", [])),
            held={Knob(knob): Held(*numbers[:3]) for knob, numbers in raw.get("held", {}).items()},
            withheld=datetime.fromisoformat(withheld) if withheld else None,
            missing=datetime.fromisoformat(missing) if missing else None,
            said=raw.get("said", ""),
            untold=tuple(Word(id_, words, datetime.fromisoformat(at)) for id_, words, at in raw.get("untold", [])),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BreakwaterError(f"the scale record of {cluster}/{service} cannot be read: {error}") from error


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "id": claim.id,
        "kind": claim.kind,
        "starts": claim.starts.astimezone(UTC).isoformat(),
        "until": claim.until.astimezone(UTC).isoformat(),
        "desired": claim.desired,
        "minimum": claim.minimum,
        "maximum": claim.maximum,
        "by": claim.by,
        "mode": claim.mode,
        "begun": claim.begun,
        "lost": sorted(claim.lost),
    }


def _claimed(raw: dict[str, Any]) -> Claim:
    return Claim(
        id=raw["id"],
        kind=ClaimKind(raw["kind"]),
        starts=datetime.fromisoformat(raw["starts"]),
        until=datetime.fromisoformat(raw["until"]),
        desired=raw.get("desired"),
        minimum=raw.get("minimum"),
        maximum=raw.get("maximum"),
        by=raw.get("by", ""),
        mode=Mode(raw.get("mode", Mode.ACT)),
        begun=bool(raw.get("begun", False)),
        lost=frozenset(Knob(knob) for knob in raw.get("lost", ())),
    )
