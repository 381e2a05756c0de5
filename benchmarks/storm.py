"""Ten thousand failing stops of five hundred services in one minute: who is told, what it costs, and is nothing lost?

The real template runs in the sandbox: the events go through its rules and its queue to the real handlers, those to the
table, the topic, the notifier, and from there to a mailbox and a Slack webhook. Time is virtual and goes on until every
digest is out. Calls are counted where botocore sends them. It is emulation: how many messages a batch holds and how
many pollers share a storm is the sandbox's model of SQS, so a real account will differ somewhat; no second of it is a
claim about AWS.
"""

import gc
import random
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

from benchmarks._contract import Goal, Options, Outcome, main, say
from benchmarks.stops import task_stop
from sandbox import Container, Sandbox, Secret

TEMPLATE = Path(__file__).resolve().parent.parent / "template.yaml"
ACCOUNT, REGION = "111122223333", "us-east-1"
START = datetime(2026, 3, 2, 10, tzinfo=UTC)
LANE = ("TaskAlertsFunction", "NotifierFunction")
SWEEPS = ("TaskAlertsSweepFunction", "NotifierSweepFunction")
AFTERMATH = timedelta(minutes=25)
"""Long enough for every digest, and less than the thirty minutes of quiet after which incidents resolve."""


@dataclass(frozen=True, slots=True)
class Storm:
    """How bad it is: stops of services, the n-th of them failing n^-skew as often as the first."""

    events: int = 10_000
    services: int = 500
    skew: float = 0.8
    duplicates: float = 0.01
    lasts: timedelta = timedelta(minutes=1)


def run(options: Options) -> Outcome:
    """Run the storm. It is the whole one with `--quick` too, since it fits."""
    return measure(Storm(), options.seed)


def measure(storm: Storm, seed: int) -> Outcome:
    """Send a storm through the sandbox, wait for the last digest and count."""
    gc.disable()  # a fifth of the time, in a process that ends with the storm
    try:
        return _measured(storm, seed)
    finally:
        gc.enable()


def _measured(storm: Storm, seed: int) -> Outcome:
    began = time.perf_counter()
    parameters: dict[str, str | Secret] = {
        "AlertEmail": "ops@example.com",
        "SlackSecretArn": Secret("https://hooks.slack.com/services/T/B/x"),
    }
    with Sandbox.deploy(TEMPLATE, parameters, account=ACCOUNT, region=REGION, start=START, seed=seed) as sandbox:
        names = [f"service-{number:04}" for number in range(storm.services)]
        logging = Container("app", log_group="/ecs/storm")
        revisions = {name: sandbox.register_task_definition(name, [logging]) for name in names}
        say(f"deployed after {time.perf_counter() - began:.1f} s")
        for at, event in _events(storm, revisions, random.Random(seed)):  # noqa: S311  # a storm, not a secret
            sandbox.put_event(event, at=at)
        sandbox.advance(START + storm.lasts)
        say(f"the minute is over after {time.perf_counter() - began:.1f} s")
        sandbox.advance(AFTERMATH)
        figures = _figures(storm, sandbox, names)
    figures["wall_seconds"] = time.perf_counter() - began
    goals = {
        "incidents": Goal(storm.services, exactly=True),
        "messages_per_minute_max": Goal(10),
        "causes_lost": Goal(0, exactly=True),
        "events_lost": Goal(0, exactly=True),
        "aws_calls_per_event": Goal(0.35),
        "ecs_reads": Goal(storm.services),
    }
    return Outcome(figures, {}, _MEANING, goals)


def _events(storm: Storm, revisions: Mapping[str, str], chance: random.Random) -> Iterator[tuple[datetime, Any]]:
    """The stops with the instant of each. Every service fails at least once; a duplicate comes seconds later."""
    names = list(revisions)
    shares = list(accumulate((rank + 1) ** -storm.skew for rank in range(len(names))))
    drawn = chance.choices(names, cum_weights=shares, k=max(0, storm.events - len(names)))
    failing = [*names, *drawn][: storm.events]
    chance.shuffle(failing)
    copies = round(storm.events * storm.duplicates)
    for number, name in enumerate(failing[: storm.events - copies]):
        at = START + storm.lasts * chance.random()
        where = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
        task = f"{where}:task/prod/{number:032x}"
        event = task_stop(
            at,
            taskArn=task,
            clusterArn=f"{where}:cluster/prod",
            taskDefinitionArn=revisions[name],
            group=f"service:{name}",
        )
        event |= {"account": ACCOUNT, "region": REGION, "resources": [task]}
        yield at, event | {"id": f"{number:032x}"}
        if number < copies:
            yield (
                min(at + timedelta(seconds=20) * chance.random(), START + storm.lasts),
                event | {"id": f"c{number:031x}"},
            )


def _figures(storm: Storm, sandbox: Sandbox, names: Sequence[str]) -> dict[str, float]:
    items = sandbox.table_items("Table")
    mail_topic = sandbox.resource("MailTopic").physical_id.rpartition(":")[2]
    mails = [mail for mail in sandbox.messages if mail.topic == mail_topic]
    posts = [post for post in sandbox.webhook_posts if post.status == 200]
    told = {
        "mail": "\n".join(f"{mail.subject}\n{mail.body}" for mail in mails),
        "slack": "\n".join(str(post.body) for post in posts),
    }
    busiest = max(most_in_a_minute([mail.at for mail in mails]), most_in_a_minute([post.at for post in posts]))
    counts: Counter[str] = Counter()
    definitions = 0
    for (function, _, operation), number in sandbox.calls.counts().items():
        counts[function] += number
        definitions += number if operation == "DescribeTaskDefinition" else 0
    lane = sum(counts[function] for function in LANE)
    figures: dict[str, float] = {
        "events": storm.events,
        "incidents": sum(item["sk"] == "INCIDENT" for item in items),
        "stops_counted": sum(item["sk"] == "FACT" for item in items),
        "messages": len(mails) + len(posts),
        "messages_per_minute_max": busiest,
        "causes_lost": sum(any(name not in text for text in told.values()) for name in names),
        "events_lost": len(sandbox.lost) + len(sandbox.dead_letters),
        "aws_calls_per_event": lane / storm.events,
        "write_units_per_event": sandbox.calls.write_units / storm.events,
        "ecs_reads": definitions,
        "log_reads": sandbox.calls.of("logs"),
        "invocations": len(sandbox.invocations),
    }
    for function in (*LANE, *SWEEPS):
        figures[f"aws_calls_{function}"] = counts[function]
    return figures


def most_in_a_minute(times: Sequence[datetime]) -> int:
    """The most messages within any sixty seconds, wherever those begin."""
    ordered = sorted(times)
    return max(
        (bisect_left(ordered, start + timedelta(minutes=1)) - place for place, start in enumerate(ordered)), default=0
    )


_MEANING = {
    "events": "failing stops sent, duplicates included",
    "incidents": "incidents in the table",
    "stops_counted": "distinct stops counted into them",
    "messages": "e-mails and Slack messages together",
    "messages_per_minute_max": "the most on one channel in any sixty seconds",
    "causes_lost": "incidents that some channel named in no message and no digest",
    "events_lost": "events in dead-letter queues, or dropped without one",
    "aws_calls_per_event": "AWS calls of the alert lane, notifier included",
    "write_units_per_event": "DynamoDB write units of all functions (a transaction counts double)",
    "ecs_reads": "DescribeTaskDefinition, by whichever function comes first",
    "log_reads": "GetLogEvents",
    "invocations": "of all functions, sweeps included",
    "wall_seconds": "real time on this machine",
} | {f"aws_calls_{function}": "of this function" for function in (*LANE, *SWEEPS)}


if __name__ == "__main__":
    sys.exit(main("A storm in the sandbox: 10,000 failing stops of 500 services in one minute", run))
