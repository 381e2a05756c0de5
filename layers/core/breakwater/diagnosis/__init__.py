"""What an event means: pure rules over typed events and looked-up facts.

`diagnose` judges one event, `diagnose_batch` an SQS batch. `Memory` is for those who read several events in a row.
The rules are numbered, and each module says which ones it holds:

1. is it ours; 2. order and repeats; 3. task events that are not final; 4. the stop code decides before the exit code;
5. interruptions; 6. tasks that never started; 7. the container that ended a task; 8. what counts against the deployment
in progress; 9. deployments, services, hooks, instances, alarms; 10. uploads; 11. schedules; 12. SQS batches.
"""

from .batches import BatchDiagnosis, diagnose_batch
from .facts import Facts, Job, Surge, Upload
from .memory import Memory
from .rules import diagnose
from .schedules import run_of_schedule
from .tasks import needs_essential, stop_code
from .uploads import run_of_upload
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
    "run_of_schedule",
    "run_of_upload",
    "stop_code",
]
