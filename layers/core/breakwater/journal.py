"""The journal: every decision that changed or withheld something, with its reason, evidence and outcome.

Entries of one subject lie in one partition in order of time, so that "why did it not?" is one query. An entry is
written together with what it tells of where both are in the table, and is gone after `KEPT_DAYS`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from breakwater.model import Subject
from breakwater.store import Put

KEPT_DAYS = 90


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal. `id` makes its key repeatable: the same effect journalled twice is one line."""

    id: str
    at: datetime
    automation: str
    subject: Subject
    decision: str
    reason: str
    evidence: Mapping[str, str | int] = field(default_factory=dict)
    outcome: str = "done"


def written(entry: Entry) -> Put:
    """The write that keeps an entry, alone or as part of a transaction."""
    return Put(
        {
            "pk": f"JOURNAL#{entry.subject}",
            "sk": f"{entry.at:%Y-%m-%dT%H:%M:%SZ}#{entry.id}",
            "automation": entry.automation,
            "decision": entry.decision,
            "reason": entry.reason,
            "evidence": json.dumps(dict(entry.evidence), sort_keys=True),
            "outcome": entry.outcome,
            "ttl": int(entry.at.timestamp()) + KEPT_DAYS * 86400,
        }
    )
