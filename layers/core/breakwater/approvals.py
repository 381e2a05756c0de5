"""A person's word on a deployment that waits: approved or aborted, once, by `breakwater release approve|abort`."""

from dataclasses import dataclass
from datetime import datetime

from breakwater.errors import ConflictError
from breakwater.store import Put, Table

KEPT_DAYS = 30
APPROVED, ABORTED = "approved", "aborted"
_SK = "APPROVAL"


@dataclass(frozen=True, slots=True)
class Approvals:
    """The words that were given, by service deployment. The first one holds: nobody can take back what was done."""

    table: Table

    def give(self, deployment: str, word: str, by: str, now: datetime) -> bool:
        """Keep a word; `False` if one was given before. Raises `ValueError` for anything but the two words."""
        if word not in (APPROVED, ABORTED):
            raise ValueError(f"{word} is neither {APPROVED} nor {ABORTED}")
        item = {"pk": f"APPROVAL#{deployment}", "sk": _SK, "word": word, "by": by, "at": now.isoformat()}
        try:
            self.table.write(Put({**item, "ttl": int(now.timestamp()) + KEPT_DAYS * 86400}, only_if_new=True))
        except ConflictError:
            return False
        return True

    def read(self, deployment: str) -> str | None:
        """The word that was given, or `None`."""
        key = (f"APPROVAL#{deployment}", _SK)
        item = self.table.get_many([key]).get(key)
        return None if item is None else str(item["word"])
