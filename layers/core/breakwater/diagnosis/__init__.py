"""What an event means: pure rules over typed events and looked-up facts. The specification is in `docs/`.

`diagnose` judges one event, `diagnose_batch` an SQS batch. `Memory` is for those who read several events in a row.
"""

from .batches import BatchDiagnosis, diagnose_batch
from .facts import Facts, Job, Surge, Upload
from .memory import Memory
from .rules import diagnose
from .tasks import needs_essential, stop_code
from .votes import FRESH, fresh, may_count

__all__ = [
    "FRESH",
    "BatchDiagnosis",
    "Facts",
    "Job",
    "Memory",
    "Surge",
    "Upload",
    "diagnose",
    "diagnose_batch",
    "fresh",
    "may_count",
    "needs_essential",
    "stop_code",
]
