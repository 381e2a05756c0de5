"""How full a cluster of container instances may get before there is no room for its largest task any more.

The rule: threshold = (1 - largest reservation / capacity of one instance) x 100, for CPU and for memory, and the lower
of the two for both. Above it, the next task may find no instance, although the cluster as a whole has room.

It is an alarm and advice, never a second scaler: where a capacity provider with managed scaling runs the instances,
Breakwater says what it would watch and leaves the cluster alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

PREFIX = "breakwater-headroom"
NAMESPACE = "AWS/ECS"
METRICS = {"cpu": "CPUReservation", "memory": "MemoryReservation"}
MARGIN = 10
"""Percentage points that a smaller cluster has to stay below the threshold before an instance is called spare."""
SPARE_INSTANCES = 2
"""How many instances a cluster keeps in any case: with one, every failure of it is an outage."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """One container instance: CPU units and memory (MiB) that it registered, and what is left of them."""

    cpu: int
    memory: int
    cpu_left: int = 0
    memory_left: int = 0


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one running task definition reserves on its instance: CPU units and memory in MiB, all containers together.

    A task is placed whole. A container reserves its memoryReservation, or without one its memory.
    """

    task_definition: str
    cpu: int
    memory: int


@dataclass(frozen=True, slots=True)
class ClusterSnapshot:
    """A cluster as it was found. `managed` names the capacity providers with managed scaling."""

    name: str
    instances: Sequence[Capacity] = ()
    reservations: Sequence[Reservation] = ()
    managed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Alarm:
    """One CloudWatch alarm as it should be. Percent, over periods of a minute."""

    name: str
    metric: str
    cluster: str
    threshold: float
    description: str

    @property
    def dimensions(self) -> list[dict[str, str]]:
        """The dimension that ECS publishes reservations under."""
        return [{"Name": "ClusterName", "Value": self.cluster}]


@dataclass(frozen=True, slots=True)
class Watch:
    """Keep these alarms. `advice` says when an instance is spare."""

    alarms: tuple[Alarm, ...]
    reason: str
    advice: str


@dataclass(frozen=True, slots=True)
class Advise:
    """Say it and set no alarm: something else runs the instances."""

    reason: str


@dataclass(frozen=True, slots=True)
class TooBig:
    """A task that runs does not fit on the smallest instance: no threshold can keep room for it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is nothing to watch."""

    reason: str


HeadroomDecision = Watch | Advise | TooBig | Nothing


def threshold(largest: int, capacity: int) -> float:
    """(1 - largest reservation / capacity of one instance) x 100, in percent with one decimal, rounded down.

    >>> threshold(512, 2048)
    75.0
    """
    return floor((capacity - largest) * 1000 / capacity) / 10


def decide_headroom(cluster: ClusterSnapshot) -> HeadroomDecision:
    """What to watch of a cluster. Where instances differ the smallest counts: the lowest, most careful threshold."""
    if not cluster.instances:
        return Nothing(f"{cluster.name} has no container instances")
    if not cluster.reservations:
        return Nothing(f"no task runs on the instances of {cluster.name}")
    cpu_one, memory_one = (min(getattr(one, name) for one in cluster.instances) for name in ("cpu", "memory"))
    most_cpu = max(cluster.reservations, key=lambda each: each.cpu)
    most_memory = max(cluster.reservations, key=lambda each: each.memory)
    if most_cpu.cpu > cpu_one or most_memory.memory > memory_one:
        what = most_cpu.task_definition if most_cpu.cpu > cpu_one else most_memory.task_definition
        return TooBig(
            f"{what} does not fit on the smallest instance of {cluster.name} ({cpu_one} CPU, {memory_one} MiB)"
        )
    by_cpu, by_memory = threshold(most_cpu.cpu, cpu_one), threshold(most_memory.memory, memory_one)
    lower = min(by_cpu, by_memory)
    largest = (
        f"{most_cpu.task_definition} reserves {most_cpu.cpu} of {cpu_one} CPU ({by_cpu:g} %), "
        f"{most_memory.task_definition} reserves {most_memory.memory} of {memory_one} MiB ({by_memory:g} %)"
    )
    reason = f"above {lower:g} % {cluster.name} may have no room for one more task: {largest}"
    if cluster.managed:
        return Advise(f"{reason}. Managed scaling of {', '.join(cluster.managed)} looks after it, so no alarm is set")
    if lower >= 100:
        return Nothing(f"no task on {cluster.name} reserves anything")
    alarms = tuple(
        Alarm(f"{PREFIX}-{cluster.name}-{kind}", metric, cluster.name, lower, f"Breakwater: {reason}.")
        for kind, metric in METRICS.items()
    )
    return Watch(alarms, reason, _advice(cluster, lower))


def _advice(cluster: ClusterSnapshot, lower: float) -> str:
    """Whether an instance is spare: without the largest one, both reservations would stay well below the threshold."""
    count = len(cluster.instances)
    if count <= SPARE_INSTANCES:
        return f"none of the {count} is spare: fewer than {SPARE_INSTANCES} are an outage when one fails"
    after = max(_without_largest(cluster, "cpu"), _without_largest(cluster, "memory"))
    limit = lower - MARGIN
    words = f"with {count - 1} instances the reservation would be {after:.0f} %"
    if after < limit:
        return f"{words}, below {limit:g} %: one instance is spare if that holds through the busiest day"
    return f"{words}, not below {limit:g} %: keep the {count} instances"


def _without_largest(cluster: ClusterSnapshot, name: str) -> float:
    whole: list[int] = [getattr(one, name) for one in cluster.instances]
    left: list[int] = [getattr(one, f"{name}_left") for one in cluster.instances]
    return (sum(whole) - sum(left)) * 100 / max(sum(whole) - max(whole), 1)
