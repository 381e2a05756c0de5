"""Runs and lanes in memory, with the rules of `breakwater.run_store.RunStore`; and a desk that only counts.

`tests/contract/test_run_store.py` holds both stores to the same rules.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from breakwater.desk import IncidentDesk, Taken, Told
from breakwater.errors import ConflictError
from breakwater.incidents import fingerprint
from breakwater.model import Finding
from breakwater.run_store import Change, KeptLane, KeptRun, Pointer, RunStore
from breakwater.runs import Lane, Phase, Run, RunKind


class FakeRuns(RunStore):
    """The same answers without any JSON between, for simulations of thousands of runs."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], KeptRun] = {}
        self.of_lane: dict[str, KeptLane] = {}
        self.claims: dict[str, str] = {}
        self.waiting: dict[str, dict[str, Pointer]] = {}
        self.marks: dict[tuple[str, str], str] = {}

    def runs(self, name: str, ids: Iterable[str]) -> dict[str, KeptRun]:
        return {id_: self.kept[name, id_] for id_ in ids if (name, id_) in self.kept}

    def latest(self, name: str, limit: int) -> list[Run]:
        ids = sorted((id_ for each, id_ in self.kept if each == name), reverse=True)[:limit]
        return [self.kept[name, id_].run for id_ in ids]

    def lane(self, name: str) -> KeptLane:
        return self.of_lane.get(name, KeptLane(Lane(name)))

    def lanes(self) -> list[Lane]:
        return [self.of_lane[name].lane for name in sorted(self.of_lane)]

    def known(self, identities: Iterable[str]) -> dict[str, str]:
        return {identity: self.claims[identity] for identity in identities if identity in self.claims}

    def line(self, name: str, limit: int) -> list[Pointer]:
        entries = self.waiting.get(name, {})
        return [entries[sk] for sk in sorted(entries)[:limit]]

    def forget(self, name: str, pointers: Iterable[Pointer]) -> None:
        for pointer in pointers:
            self.waiting.get(name, {}).pop(pointer.sk, None)

    def going_on(self) -> Iterator[tuple[str, str]]:
        return iter(sorted(key for key, mark in self.marks.items() if mark == "run-active"))

    def untold(self) -> Iterator[tuple[str, str]]:
        return iter(sorted(key for key, mark in self.marks.items() if mark == "run-untold"))

    def keep(self, change: Change, now: datetime) -> None:
        for run, base in change.runs:
            there = self.kept.get((run.name, run.id))
            claimed = base is None and run.identity in self.claims
            if claimed or (there.version if there else None) != (base.version if base else None):
                raise ConflictError("write a run: it has changed")
        if change.lane is not None and self.lane(change.lane[0].name).version != change.lane[1].version:
            raise ConflictError("write a run: its lane has changed")
        for run, base in change.runs:
            self.kept[run.name, run.id] = KeptRun(run, base.version + 1 if base else 1)
            self.claims.setdefault(run.identity, run.id)
            self._mark(run)
        if change.lane is not None:
            lane, kept = change.lane
            self.of_lane[lane.name] = KeptLane(lane, kept.version + 1)
        for run, at, position in change.line:
            sk = f"{at:%Y-%m-%dT%H:%M:%S.%fZ}#{position:06d}#{run.id}"
            when = (run.not_before or at).replace(microsecond=0)
            self.waiting.setdefault(run.name, {})[sk] = Pointer(sk, run.id, when)

    def _mark(self, run: Run) -> None:
        key = (run.name, run.id)
        self.marks.pop(key, None)
        if run.phase is Phase.DONE:
            self.marks[key] = "run-untold"
        elif run.phase is not Phase.WAITING or run.kind is RunKind.JOB:
            self.marks[key] = "run-active"

    def told(self, kept: KeptRun) -> None:
        if self.kept[kept.run.name, kept.run.id].version == kept.version:
            self.marks.pop((kept.run.name, kept.run.id), None)


@dataclass
class FakeDesk(IncidentDesk):
    """Counts each fact once and remembers which incidents are open."""

    facts: dict[str, Finding] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)

    def take(self, findings: Iterable[Finding], policy: Any, now: datetime, **more: Any) -> Taken:
        for finding in findings:
            if finding.identity not in self.facts:
                self.facts[finding.identity] = finding
                self.open.add(fingerprint(finding))
        return Taken((), Told())

    def resolve(self, ids: Iterable[str], why: str, now: datetime) -> Taken:
        self.open -= set(ids)
        return Taken((), Told())
