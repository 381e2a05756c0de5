"""The embedded account: the parts of one sandbox and the few things that all of them need."""

import hashlib
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.loaders import Loader

from sandbox.clock import Clock
from sandbox.errors import SandboxError
from sandbox.metrics import Metrics

if TYPE_CHECKING:
    from sandbox.alarms import Alarm
    from sandbox.autoscaling import ScalableTargets
    from sandbox.buckets import Buckets
    from sandbox.bus import Bus
    from sandbox.ecs_api.api import EcsApi
    from sandbox.functions import Functions
    from sandbox.queues import Queues
    from sandbox.roles import Roles
    from sandbox.scheduler import SchedulerApi
    from sandbox.states.machines import Executions, Machine
    from sandbox.topics import Topics

_LOADER = Loader(extra_search_paths=[str(Path(boto3.__file__).parent / "data")])
"""Reads botocore's descriptions once a process: every sandbox has clients of its own."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Something that AWS would have dropped without a trace, and why."""

    at: datetime
    source: str
    target: str
    reason: str
    body: str


@dataclass(slots=True)
class Account:
    """One account in one Region at a virtual time. Parts are attached by `Sandbox`."""

    id: str
    region: str
    root: Path
    clock: Clock
    seed: int
    rng: random.Random = field(init=False)
    faults: list[Exception] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    queues: "Queues" = field(init=False)
    topics: "Topics" = field(init=False)
    functions: "Functions" = field(init=False)
    roles: "Roles" = field(init=False)
    bus: "Bus" = field(init=False)
    buckets: "Buckets" = field(init=False)
    scheduler: "SchedulerApi" = field(init=False)
    autoscaling: "ScalableTargets" = field(init=False)
    ecs: "EcsApi" = field(init=False)
    states: "Executions" = field(init=False)
    acting: "Machine | None" = None  # the state machine whose call is under way
    alarms: "list[Alarm]" = field(default_factory=list)
    metrics: Metrics = field(default_factory=Metrics)
    layers: dict[str, Path] = field(default_factory=dict)
    schedule_dead_letters: set[str] = field(default_factory=set)
    _clients: dict[str, Any] = field(default_factory=dict)
    _session: boto3.Session | None = None

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def arn(self, service: str, resource: str) -> str:
        """Name a regional resource of this account."""
        return f"arn:aws:{service}:{self.region}:{self.id}:{resource}"

    def uuid(self) -> str:
        """Draw an id from the seed."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def name(self, logical_id: str) -> str:
        """Name a resource as CloudFormation would, but the same for every run."""
        digest = hashlib.sha256(logical_id.encode()).hexdigest()[:12].upper()
        return f"breakwater-{logical_id}-{digest}"[:64]

    def client(self, service: str) -> Any:
        """Give a client of the account's administrator."""
        if service not in self._clients:
            if self._session is None:
                core = botocore.session.Session()
                core.register_component("data_loader", _LOADER)
                core.set_credentials("sandbox", "sandbox", "sandbox")
                self._session = boto3.Session(region_name=self.region, botocore_session=core)
            self._clients[service] = self._session.client(service)
        return self._clients[service]

    def dead_letter_queues(self) -> set[str]:
        """Name the queues that something gives its failures to."""
        found = {queue.redrive_to for queue in self.queues.all()}
        found |= {target.dead_letters for rule in self.bus.rules for target in rule.targets}
        found |= {function.on_failure for function in self.functions.all()}
        found |= {entry.dead_letters for topic in self.topics.all() for entry in topic.subscriptions}
        return {arn for arn in found | self.schedule_dead_letters if arn}

    def lose(self, source: str, target: str, reason: str, body: str) -> None:
        """Keep what AWS would have dropped."""
        self.lost.append(Lost(self.clock.now, source, target, reason, body))

    def raise_faults(self) -> None:
        """Raise what the sandbox could not do, even if a handler swallowed the error."""
        if self.faults:
            fault = self.faults[0]
            self.faults.clear()
            raise fault if isinstance(fault, SandboxError) else SandboxError(str(fault))

    def context(self, **known: str) -> Mapping[str, list[str]]:
        """Give the condition keys that every request has."""
        return {
            "aws:SecureTransport": ["true"],
            "aws:RequestedRegion": [self.region],
            **{f"aws:{key}": [value] for key, value in known.items()},
        }
