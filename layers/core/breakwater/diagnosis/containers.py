"""Rule 7: which container ended the task, and why.

When one container ends a task, ECS stops the others: their 137 or 143 are collateral and blame nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from breakwater.events import Container
from breakwater.model import Cause

from .facts import Facts

_STOPPED_WITH_THE_OTHERS = frozenset({137, 143})
_SIGKILL = 137

# The first row that holds tells; ranges include both ends.
_CAUSES_BY_CODE: tuple[tuple[int, int, Cause], ...] = (
    (126, 127, Cause.BAD_COMMAND),
    (137, 137, Cause.KILLED),
    (130, 130, Cause.TERMINATED),
    (143, 143, Cause.TERMINATED),
    (3221225786, 3221225786, Cause.TERMINATED),  # Windows: Ctrl-C
    (129, 159, Cause.CRASH_SIGNAL),
    (3221225472, 4294967295, Cause.CRASH_SIGNAL),  # Windows: exceptions, 0xC0000000 and above
)


def out_of_memory(container: Container) -> bool:
    """Whether the container's reason says so. Fargate and EC2 differ in capitals."""
    return "outofmemory" in (container.reason or "").lower()


def failed(container: Container) -> bool:
    """Whether it ended with a code other than 0."""
    return bool(container.exit_code)


def running(container: Container) -> bool:
    """Whether it is running (again). Then it has not failed, whatever code it still shows."""
    return container.last_status == "RUNNING"


def cause_of_code(code: int) -> Cause:
    """Name the cause that an exit code other than 0 tells by itself."""
    return next((cause for low, high, cause in _CAUSES_BY_CODE if low <= code <= high), Cause.APP_ERROR)


def sidecar_cause(container: Container) -> Cause:
    """Name the cause of a failed container that is not essential."""
    return Cause.OOM if out_of_memory(container) else Cause.SIDECAR_ERROR


@dataclass(frozen=True, slots=True)
class Blame:
    """The containers that failed on their own, the one to name first."""

    essential: tuple[tuple[Container, Cause], ...] = ()
    sidecars: tuple[Container, ...] = ()
    readable: bool = True


def blame(containers: Sequence[Container], facts: Facts) -> Blame:
    """Tell those that failed on their own from those that were stopped with the others."""
    essential = [c for c in containers if facts.is_essential(c.name)]
    others = [c for c in containers if not facts.is_essential(c.name) and not running(c)]
    ended = [c for c in essential if not running(c)]
    # A task that is STOPPED may list a container as RUNNING: restarted, or its host was lost. It is blamed only if
    # nothing else explains the end.
    suspects = ended if any(c.exit_code is not None for c in ended) else essential
    culprits = [c for c in suspects if failed(c) and not _collateral(c, [o for o in suspects if o is not c])]
    memory_ran_out = any(out_of_memory(c) for c in containers)
    essential_ended = any(c.exit_code is not None or c.last_status == "STOPPED" for c in essential)
    return Blame(
        tuple(sorted(((c, _cause(c, memory_ran_out)) for c in culprits), key=_worst_first)),
        tuple(c for c in others if failed(c) and not (essential_ended and _stopped_with_the_others(c))),
        readable=any(c.exit_code is not None for c in containers),
    )


def _collateral(container: Container, other_essentials: Sequence[Container]) -> bool:
    return _stopped_with_the_others(container) and any(_ended_by_itself(other) for other in other_essentials)


def _stopped_with_the_others(container: Container) -> bool:
    return container.exit_code in _STOPPED_WITH_THE_OTHERS and not (container.reason or "").strip()


def _ended_by_itself(container: Container) -> bool:
    code = container.exit_code
    return code is not None and (code not in _STOPPED_WITH_THE_OTHERS or out_of_memory(container))


def _cause(container: Container, memory_ran_out: bool) -> Cause:
    code = container.exit_code or 0
    if out_of_memory(container) or (code == _SIGKILL and memory_ran_out):
        return Cause.OOM
    return cause_of_code(code)


def _worst_first(culprit: tuple[Container, Cause]) -> bool:
    return culprit[1] is Cause.TERMINATED
