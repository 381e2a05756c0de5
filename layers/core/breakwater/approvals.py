"""A person's word on a deployment that waits, by `breakwater release approve|abort`: kept with who said it and when.

An approval answers what was asked before it: a second doubt of the same deployment is asked again. An abort is about
the whole deployment, and holds against every approval, before it or after.
"""

from dataclasses import dataclass
from datetime import datetime

from breakwater.errors import ConflictError
from breakwater.rendezvous import Kind, Word
from breakwater.store import Key, Put, Table, Value

KEPT_DAYS = 30
APPROVED, ABORTED = str(Kind.APPROVED), str(Kind.ABORTED)
_WORDS = (ABORTED, APPROVED)  # in the order in which they hold


@dataclass(frozen=True, slots=True)
class Approvals:
    """The words that were given, by service deployment: one approval, the latest, and one abort, the first."""

    table: Table

    def give(self, deployment: str, word: str, by: str, now: datetime, *, asked: datetime | None = None) -> bool:
        """Keep a word; `False` if one was given before. `asked`: only one since then counts as given before.

        Raises `ValueError` for anything but the two words.
        """
        if word not in _WORDS:
            raise ValueError(f"{word} is neither {APPROVED} nor {ABORTED}")
        prior = self.read(deployment) if word == APPROVED else None
        if prior is not None and (prior.aborts or asked is None or prior.approves(asked)):
            return False
        pk, sk = _key(deployment, word)
        item: dict[str, Value] = {"pk": pk, "sk": sk, "word": word, "by": by, "at": now.isoformat()}
        try:
            item["ttl"] = int(now.timestamp()) + KEPT_DAYS * 86400
            self.table.write(Put(item, only_if_new=prior is None))
        except ConflictError:
            return False
        return True

    def read(self, deployment: str) -> Word | None:
        """The word that holds, or `None`."""
        keys = [_key(deployment, word) for word in _WORDS]
        found = self.table.get_many(keys)
        item = next((found[key] for key in keys if key in found), None)
        if item is None:
            return None
        return Word(str(item["word"]), str(item["by"]), datetime.fromisoformat(str(item["at"])))


def answering(which: str, stack: str) -> str:
    """The command that approves, as people are given it: whole, whatever their shell's `BREAKWATER_STACK` says.

    `which` is the service deployment's ARN, of which the command line takes the Region too.
    """
    return f"breakwater release approve {which}" + (f" --stack {stack}" if stack else "")


def _key(deployment: str, word: str) -> Key:
    return f"APPROVAL#{deployment}", word.upper()
