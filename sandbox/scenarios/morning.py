"""A morning of an account: two thousand events between seven and noon, most of them normal.

What is normal fills the morning by chance; thirteen troubles have their hour. Some events come twice, some late, some
in the wrong order, one from another account, one malformed. Everything follows from the seed.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sandbox.scenarios import troubles
from sandbox.scenarios.account import ACCOUNT, FOREIGN_ACCOUNT, JOBS, REGION, SERVICES, find, task_definition
from sandbox.scenarios.normal import HAPPENINGS, LARGEST, Happening, placement
from sandbox.scenarios.scenario import Delivery, Scenario
from sandbox.scenarios.shapes import Stop, envelope, task_event
from sandbox.scenarios.stage import Stage

EVENTS = 2000
START = datetime(2026, 3, 2, 7, tzinfo=UTC)
NOON = START + timedelta(hours=5)
QUIET = timedelta(minutes=45)
DUPLICATES = 24

TROUBLES: tuple[tuple[timedelta, Happening], ...] = (
    (timedelta(minutes=6), troubles.spot_takes_a_job),
    (timedelta(minutes=15), troubles.job_fails),
    (timedelta(minutes=42), troubles.crash_loop),
    (timedelta(minutes=63), troubles.image_not_found),
    (timedelta(minutes=86), troubles.out_of_memory),
    (timedelta(minutes=108), troubles.out_of_memory_with_sidecar),
    (timedelta(minutes=122), troubles.secret_missing),
    (timedelta(minutes=134), troubles.no_capacity),
    (timedelta(minutes=151), troubles.database_fails_over),
    (timedelta(minutes=188), troubles.health_checks_fail),
    (timedelta(minutes=202), troubles.sidecar_fails),
    (timedelta(minutes=220), troubles.deployment_fails),
    (timedelta(minutes=245), troubles.hostile),
)


def morning(seed: int = 7, events: int = EVENTS) -> Scenario:
    """Write the morning. With fewer `events` than the default less of it is normal; the troubles stay."""
    room = events - DUPLICATES - 2
    stage = _filled(seed, room)
    if _count(stage) > room:
        raise ValueError(f"{events} events are too few: the troubles alone take {_count(stage) + DUPLICATES + 2}")
    while _count(stage) < room:
        placement(stage, START + _minutes(stage.rng, 298))
    _disturb(stage)
    deliveries = sorted(stage.deliveries, key=lambda delivery: (delivery.at, str(delivery.event["id"])))
    last = max(delivery.at for delivery in deliveries)
    return Scenario(
        title="a morning of an account",
        seed=seed,
        account=ACCOUNT,
        region=REGION,
        start=START,
        end=max(last, NOON) + QUIET,
        deliveries=tuple(deliveries),
        logs=tuple(sorted(stage.logs, key=lambda output: (output.at, output.stream))),
        task_definitions=tuple(_definitions(stage)),
        services=tuple(sorted(stage.services, key=lambda state: state.at)),
        troubles=tuple(stage.troubles),
        canaries=tuple(stage.canaries),
        cast={
            "clusters": len({work.cluster for work in SERVICES}),
            "services": len(SERVICES),
            "jobs": len(JOBS),
        },
    )


def _filled(seed: int, room: int) -> Stage:
    """The morning with as much that is normal as there is room for, found by going there and stepping back."""
    agenda = _agenda(seed)
    stage = _played(seed, [])
    alone, happenings = _count(stage), 0
    each = 8.0
    for _ in range(2):
        happenings = min(len(agenda), max(0, round((room - alone) / each)))
        stage = _played(seed, agenda[:happenings])
        each = max(1.0, (_count(stage) - alone) / max(1, happenings))
    while _count(stage) > room and happenings:
        happenings -= 1 + int((_count(stage) - room) // LARGEST)
        stage = _played(seed, agenda[: max(0, happenings)])
    return stage


def _agenda(seed: int) -> list[tuple[datetime, Happening]]:
    """More of what is normal than fits, at random times."""
    rng = random.Random(f"agenda {seed}")
    weights = [weight for weight, _ in HAPPENINGS]
    drawn = rng.choices([happening for _, happening in HAPPENINGS], weights, k=EVENTS // 4)
    return [(START + _minutes(rng, 286), happening) for happening in drawn]


def _played(seed: int, agenda: Sequence[tuple[datetime, Happening]]) -> Stage:
    """The morning with these normal happenings and all troubles, in order of time."""
    stage = Stage(seed, START)
    for work in SERVICES:
        stage.describe(work, START - timedelta(minutes=1), "COMPLETED")
    troubled = [(START + after, trouble) for after, trouble in TROUBLES]
    for at, happens in sorted((*troubled, *agenda), key=lambda entry: entry[0]):
        happens(stage, at)
    return stage


def _count(stage: Stage) -> int:
    return len(stage.deliveries)


def _minutes(rng: random.Random, most: int) -> timedelta:
    return timedelta(seconds=rng.randrange(most * 60))


def _disturb(stage: Stage) -> None:
    """What delivery does to events: some twice, some late; one is not ours, one is not right."""
    rng = stage.rng
    finals = [
        position
        for position, delivery in enumerate(stage.deliveries)
        if delivery.trouble and delivery.event["detail"].get("lastStatus") == "STOPPED"
    ]
    for number, position in enumerate(sorted(rng.sample(finals, DUPLICATES))):
        original = stage.deliveries[position]
        # Half of them at once, as ECS sends one state under two ids; the others hours later, as a redrive does.
        late = timedelta(seconds=rng.randrange(1, 9)) if number % 2 else timedelta(minutes=rng.randrange(60, 130))
        again = {**original.event, "id": str(UUID(int=rng.getrandbits(128)))}
        stage.deliveries.append(Delivery(original.at + late, again, "delivered again", original.trouble))
    loop = [position for position in finals if stage.deliveries[position].trouble == "crash loop"]
    slow = loop[len(loop) // 2]
    stage.deliveries[slow] = replace(
        stage.deliveries[slow], at=stage.deliveries[slow].at + timedelta(minutes=100), label="delivered late"
    )
    _foreign(stage, START + timedelta(minutes=170))
    _malformed(stage, START + timedelta(minutes=195))


def _foreign(stage: Stage, at: datetime) -> None:
    """Another account forwards a crash of its own."""
    task = stage.task(find("prod/payments"), at - timedelta(minutes=9))
    stop = Stop("EssentialContainerExited", "Essential container in task exited", {"app": (1, None)})
    event = task_event(stage.rng, task, "STOPPED", at, 8, stop=stop) | {"account": FOREIGN_ACCOUNT}
    stage.emit(event, at, "foreign account")


def _malformed(stage: Stage, at: datetime) -> None:
    """A stopped task with little in it, and most of that of the wrong kind; all that can be read of it is normal."""
    detail = {
        "lastStatus": "STOPPED",
        "stopCode": "EssentialContainerExited",
        "containers": ["none", {"name": "app", "exitCode": 0, "cpu": None}, {"exitCode": "zero"}],
        "version": "six",
        "clusterArn": ["prod"],
    }
    stage.emit(envelope(stage.rng, "ECS Task State Change", at, "task", detail), at, "malformed")


def _definitions(stage: Stage) -> list[dict[str, object]]:
    """Every revision that was deployed, each with a secret in its environment."""
    secret = stage.canary("environment of the task definitions")
    workloads = {work.label: work for work in (*SERVICES, *JOBS)}
    revisions = {(workloads[label].name, number): workloads[label] for label, numbers in sorted(stage.revisions.items())
                 for number in sorted(numbers)}  # fmt: skip
    return [task_definition(work, number, secret) for (_, number), work in revisions.items()]
