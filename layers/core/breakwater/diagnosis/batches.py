"""Rule 12: an SQS batch. Its records are judged in order with one memory; only unreadable bodies are reported back."""

from dataclasses import dataclass, replace

from breakwater.events import Batch, read, read_json
from breakwater.model import Cause, Diagnosis

from .facts import Facts
from .memory import Memory
from .rules import diagnose
from .wording import nothing


@dataclass(frozen=True, slots=True)
class BatchDiagnosis:
    """The decision of the worst record, and what became of the others."""

    decision: Diagnosis
    records: int
    alerts: int
    batch_item_failures: tuple[str, ...]


def diagnose_batch(batch: Batch, facts: Facts, memory: Memory | None = None) -> BatchDiagnosis:
    """Judge all records; the batch counts for a rollback if any of them does."""
    memory = Memory() if memory is None else memory
    diagnoses: list[Diagnosis] = []
    unreadable: list[str | None] = []
    for record in batch.records:
        try:
            raw = read_json(record.body or "")
        except ValueError:
            unreadable.append(record.message_id)
            continue
        diagnoses.append(diagnose(read(raw), facts, memory))
    worst = max(diagnoses, key=lambda diagnosis: diagnosis.severity.rank, default=_NOTHING_READABLE)
    return BatchDiagnosis(
        replace(worst, counts_for_rollback=any(diagnosis.counts_for_rollback for diagnosis in diagnoses)),
        len(batch.records),
        sum(diagnosis.any_alert for diagnosis in diagnoses),
        tuple(message_id for message_id in unreadable if message_id is not None),
    )


_NOTHING_READABLE = nothing(Cause.MALFORMED, "No record of the batch could be read.")
