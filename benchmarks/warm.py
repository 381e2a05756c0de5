"""What one event costs once a function is warm: reading and diagnosing it, next to a full pydantic model of it.

Both get the same decoded event of two containers. The peer is `parse` of Powertools with a model of every field that
task events document, times as datetimes. A figure is the median over rounds of ratios within a round.
"""

import json
import random
import statistics
import sys
import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from benchmarks._contract import Options, Outcome, main
from benchmarks.stops import ACCOUNT, REGION, task_stop
from breakwater.diagnosis import Facts, diagnose
from breakwater.events import read

CALLS = 1000


def run(options: Options) -> Outcome:
    """Time each operation in every round, in random order."""
    return measure(rounds=9 if options.quick else 51, seed=options.seed)


def measure(rounds: int, seed: int) -> Outcome:
    """Give the ratios to the peer."""
    from aws_lambda_powertools.utilities.parser import parse

    now = datetime.now(UTC)
    facts = Facts(now=now, account=ACCOUNT, region=REGION)
    raw = task_stop(now)
    text = json.dumps(raw)
    model = _full_model()
    operations: dict[str, Callable[[], object]] = {
        "peer": lambda: parse(raw, model=model),
        "aa": lambda: parse(raw, model=model),
        "json": lambda: json.loads(text),
        "read": lambda: read(raw),
        "read_and_diagnose": lambda: diagnose(read(raw), facts),
    }
    costs: dict[str, list[float]] = {name: [] for name in operations}
    shuffled = random.Random(seed)  # noqa: S311  # an order, not a secret
    for _ in range(rounds):
        for name in shuffled.sample(sorted(operations), len(operations)):
            costs[name].append(timeit.timeit(operations[name], number=CALLS) / CALLS)
    figures: dict[str, float] = {}
    noise: dict[str, float] = {"rounds": rounds}
    for name in (name for name in costs if name != "peer"):
        ratios = sorted(cost / peer for cost, peer in zip(costs[name], costs["peer"], strict=True))
        figures[f"ratio_{name}"] = statistics.median(ratios)
        noise[f"ratio_{name}_p10"] = ratios[round(0.1 * (rounds - 1))]
        noise[f"ratio_{name}_p90"] = ratios[round(0.9 * (rounds - 1))]
    figures["peer_microseconds"] = 1e6 * statistics.median(costs["peer"])
    return Outcome(figures, noise, _MEANING)


def _full_model() -> Any:
    from pydantic import BaseModel, ConfigDict
    from pydantic.alias_generators import to_camel

    class Model(BaseModel):
        model_config = ConfigDict(alias_generator=to_camel)

    class Container(Model):
        container_arn: str
        name: str
        last_status: str
        exit_code: int | None = None
        reason: str | None = None
        image: str
        image_digest: str | None = None
        network_interfaces: list[dict[str, str]] = []  # noqa: RUF012  # pydantic copies defaults

    class Task(Model):
        task_arn: str
        cluster_arn: str
        task_definition_arn: str
        version: int
        last_status: str
        desired_status: str
        group: str
        started_by: str | None = None
        stop_code: str | None = None
        stopped_reason: str | None = None
        launch_type: str | None = None
        platform_version: str | None = None
        cpu: str
        memory: str
        connectivity: str | None = None
        created_at: datetime
        started_at: datetime | None = None
        stopping_at: datetime | None = None
        stopped_at: datetime | None = None
        updated_at: datetime
        attachments: list[dict[str, Any]] = []  # noqa: RUF012  # pydantic copies defaults
        attributes: list[dict[str, str]] = []  # noqa: RUF012  # pydantic copies defaults
        containers: list[Container]
        overrides: dict[str, Any]

    class Event(BaseModel):
        id: str
        source: str
        account: str
        region: str
        time: datetime
        resources: list[str]
        detail: Task

    return Event


_MEANING = {
    "ratio_aa": "the peer against itself",
    "ratio_json": "json.loads of the event's text, which everybody pays",
    "ratio_read": "our reading of the event",
    "ratio_read_and_diagnose": "reading it and the rules",
    "peer_microseconds": "parse of Powertools with a full model, on this machine",
}


if __name__ == "__main__":
    sys.exit(main("A warm event: reading and diagnosing it ÷ parse of Powertools with a full pydantic model", run))
