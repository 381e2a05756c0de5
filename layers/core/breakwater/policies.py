"""What the policy says, as the decisions take it: one frozen value for each automation.

The defaults here are those of an account without a policy document. A decision sees nothing else of the document.
"""

from dataclasses import dataclass

from breakwater.model import Mode


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """How loud incidents are.

    An update is sent when the count has grown `growth_factor`-fold since the last message, or when `remind_minutes`
    have passed and it has grown at all (the gap doubles with each reminder, to a day). `quiet_minutes` without
    a new finding resolve an incident; the time doubles each time it comes back within a day, to a day.
    """

    mode: Mode = Mode.ACT
    quiet_minutes: int = 30
    growth_factor: int = 10
    remind_minutes: int = 60
    log_tail: bool = True
    log_lines: int = 20


@dataclass(frozen=True, slots=True)
class GuardPolicy:
    """How far the rollback guard may go for one service.

    A revision is known good once its deployment COMPLETED and `bake_minutes` went by without a crash; failures count
    for `watch_minutes` after COMPLETED. `budget` bounds the automatic rollbacks of one service in 24 hours. A service
    that wants tasks and has had none for `silence_minutes` is an incident. `early_evidence` lets exit codes count that
    a task shows before it is STOPPED. `halted` is the kill switch: everything is decided and said, nothing done.
    """

    mode: Mode = Mode.OBSERVE
    bake_minutes: int = 10
    watch_minutes: int = 60
    budget: int = 2
    silence_minutes: int = 10
    early_evidence: bool = True
    halted: bool = False
