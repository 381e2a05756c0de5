"""The front door of the sandbox: deploy a template, send events, let virtual time pass, look at what happened."""

import gc
import itertools
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from boto3.dynamodb.types import TypeDeserializer
from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends
from moto.moto_api._internal import mock_random

from sandbox import containers, template
from sandbox.account import Account, Lost
from sandbox.autoscaling import ScalableTargets
from sandbox.aws import Calls, Failure, Gate
from sandbox.buckets import Buckets
from sandbox.bus import Bus, Chaos
from sandbox.clock import Clock
from sandbox.cloudformation import Resource, Stack, parameter_values
from sandbox.containers import Container
from sandbox.ecs import Model
from sandbox.ecs.native import NativeStrategies
from sandbox.ecs_api.api import EcsApi
from sandbox.errors import SandboxError
from sandbox.functions import Functions, Invocation, LogLine, Outcome
from sandbox.images import IMAGES
from sandbox.queues import Queues
from sandbox.resources import provision
from sandbox.roles import Roles
from sandbox.scheduler import SchedulerApi
from sandbox.seams import faster_dynamodb
from sandbox.services import own_services
from sandbox.sites import Sites
from sandbox.states.machines import Execution, Executions
from sandbox.topics import Mail, Topics
from sandbox.webhooks import Post, Webhooks

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
IDLE_LIMIT = timedelta(days=2)
COLLECTED_AFTER = 16  # sandboxes of this process
_closings = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Secret:
    """A parameter value that stands for the ARN of a Secrets Manager secret with this content."""

    content: str
    name: str = "breakwater/secret"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message in a dead-letter queue: which (logical id), why, and what AWS says in its attributes."""

    queue: str
    at: datetime
    body: str
    reason: str
    attributes: Mapping[str, str]


class Sandbox:
    """One embedded account with one stack. Use `Sandbox.deploy`, and close it or use it in a `with` statement.

    There can be one sandbox at a time in a process: moto and the patches of botocore are global.
    """

    _open: "Sandbox | None" = None

    def __init__(self, account: Account, stack: ExitStack) -> None:
        self.account = account
        self._stack = stack
        self._resources: dict[str, Resource] = {}
        self.outputs: dict[str, str] = {}
        account.queues, account.topics = Queues(account), Topics(account)
        account.functions, account.roles, account.bus = Functions(account), Roles(), Bus(account)
        account.buckets, account.scheduler = Buckets(account), SchedulerApi(account)
        account.autoscaling = ScalableTargets(account)
        account.ecs = EcsApi.of(account)
        account.states = Executions(account)
        stack.callback(account.states.close)
        self._gate = Gate(account, own_services(account))
        self.webhooks = Webhooks(account)
        self.sites = Sites(account)

    @classmethod
    def deploy(
        cls,
        template_path: str | Path,
        parameters: Mapping[str, str | Secret] | None = None,
        *,
        account: str = "111122223333",
        region: str = "us-east-1",
        start: datetime = START,
        seed: int = 0,
    ) -> Self:
        """Expand a SAM template and create its stack in a fresh account. There is no update: deploy a new sandbox."""
        if Sandbox._open is not None:
            raise SandboxError("another sandbox is open in this process")
        IMAGES.refresh()
        path = Path(template_path).resolve()
        state = Account(account, region, path.parent, Clock(start), seed)
        with ExitStack() as stack:
            stack.enter_context(mock_aws())
            mock_random.seed(seed)
            sandbox = cls(state, stack)
            for part in (faster_dynamodb(), sandbox._gate.open(), sandbox.webhooks.open(), sandbox.sites.open()):
                stack.enter_context(part)
            Sandbox._open = sandbox
            stack.callback(cls._closed)
            with state.clock.frozen():
                sandbox._create(path, parameters or {})
            sandbox._stack = stack.pop_all()
        return sandbox

    @classmethod
    def _closed(cls) -> None:
        Sandbox._open = None
        gc.unfreeze()  # a handler freezes what it imported; here that was 28 MB of each sandbox, for good
        # What was frozen counts for nothing when the collector decides whether to look at everything: it hardly ever
        # would, and a test run grew to gigabytes.
        if next(_closings) % COLLECTED_AFTER == 0:
            gc.collect()

    def _create(self, path: Path, parameters: Mapping[str, str | Secret]) -> None:
        given = {name: self._plain(value) for name, value in parameters.items()}
        source = template.load(path)
        pseudo = {
            "AWS::AccountId": self.account.id,
            "AWS::Region": self.account.region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": "breakwater",
            "AWS::StackId": self.account.arn("cloudformation", "stack/breakwater/sandbox"),
        }
        values = parameter_values(source, given)
        translated = template.expand(source, {**values, "AWS::Region": self.account.region}, self.account.region)
        stack = Stack(translated, values, pseudo, lambda name, kind, props: provision(self.account, name, kind, props))
        stack.create()
        self._resources = stack.resources
        self.outputs = stack.outputs()

    def _plain(self, value: str | Secret) -> str:
        if isinstance(value, str):
            return value
        made = self.account.client("secretsmanager").create_secret(Name=value.name, SecretString=value.content)
        return str(made["ARN"])

    def close(self) -> None:
        """End it; nothing is left of the account."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def now(self) -> datetime:
        """The virtual instant."""
        return self.account.clock.now

    def put_event(self, event: Mapping[str, Any] | Iterable[Mapping[str, Any]], at: datetime | None = None) -> None:
        """Put events on the default bus as an AWS service would, now or at a later instant.

        Nothing runs yet: handlers run when time passes (`advance`, `run_until_idle`).
        """
        events = [event] if isinstance(event, Mapping) else list(event)
        with self.account.clock.frozen():
            for one in events:
                if at is None:
                    self.account.bus.put(one)
                else:
                    self.account.clock.call_at(at, lambda one=one: self.account.bus.put(one), "event")  # type: ignore[misc]
        self.account.raise_faults()

    def advance(self, to: timedelta | datetime) -> None:
        """Let time pass by a span or to an instant; all that is due on the way runs, in order."""
        until = self.now + to if isinstance(to, timedelta) else to
        if until < self.now:
            raise SandboxError(f"time does not run backwards: it is {self.now.isoformat()} already")
        with self.account.clock.frozen():
            while self.account.clock.run_next(until):
                self.account.raise_faults()
            self.account.clock.pass_to(max(until, self.now))

    def run_until_idle(self, limit: timedelta = IDLE_LIMIT) -> None:
        """Let time pass until nothing waits but schedules and alarms; those that come up on the way run too."""
        until = self.now + limit
        with self.account.clock.frozen():
            while self.account.clock.busy:
                if not self.account.clock.run_next(until):
                    raise SandboxError(f"not idle after {limit}")
                self.account.raise_faults()

    def invoke(self, function: str, event: object) -> Outcome:
        """Invoke a function (by logical id) now and wait for its answer."""
        found = self.account.functions.get(function)
        if found is None:
            raise SandboxError(f"no function {function}")
        with self.account.clock.frozen():
            outcome = self.account.functions.invoke(found, event, "direct")
        self.account.raise_faults()
        return outcome

    def chaos(self, drop: float = 0.0, duplicate: float = 0.0, delay: timedelta = timedelta(0)) -> None:
        """Make the bus drop, double and delay (and so reorder) events from now on, by the seed."""
        self.account.bus.chaos = Chaos(drop, duplicate, delay)

    def fail(
        self, service: str, operation: str, code: str, *, times: int = 1, function: str | None = None, **more: Any
    ) -> None:
        """Answer the next calls of handlers to an operation with an error; `more` goes into the error's response."""
        self._gate.failures.append(Failure(service, operation, code, times, function, more))

    def client(self, service: str) -> Any:
        """Give a boto3 client of the account's administrator."""
        return self.account.client(service)

    def resource(self, logical_id: str) -> Resource:
        """Give a provisioned resource by its logical id in the translated template."""
        if logical_id not in self._resources:
            raise SandboxError(f"no resource {logical_id}")
        return self._resources[logical_id]

    @property
    def ecs(self) -> Model:
        """The model of ECS: clusters, services, what images do and what befalls them. Its time is the sandbox's."""
        return self.account.ecs.model

    @property
    def native(self) -> NativeStrategies:
        """Blue/green, linear and canary of that model: its load balancers, its listener rules, requests on them."""
        return self.account.ecs.native

    def register_task_definition(self, family: str, defined: Sequence[Container], **more: Any) -> str:
        """Register the next revision of a task definition and give its ARN."""
        with self.account.clock.frozen():
            return containers.register(self.account, family, defined, **more)

    def write_log(self, group: str, stream: str, lines: Sequence[str], at: datetime | None = None) -> None:
        """Put container log lines into CloudWatch Logs."""
        with self.account.clock.frozen():
            containers.write_log(self.account, group, stream, lines, at)

    @property
    def calls(self) -> Calls:
        """What the functions called."""
        return self._gate.calls

    @property
    def invocations(self) -> list[Invocation]:
        """Every run of a function, in order."""
        return self.account.functions.invocations

    @property
    def executions(self) -> list[Execution]:
        """Every execution of a state machine, in the order of their starts."""
        return self.account.states.all

    @property
    def messages(self) -> list[Mail]:
        """Every e-mail, in order."""
        return self.account.topics.mails

    @property
    def webhook_posts(self) -> list[Post]:
        """Every request to the chat service, in order."""
        return self.webhooks.posts

    @property
    def lost(self) -> list[Lost]:
        """What AWS would have dropped without a trace."""
        return self.account.lost

    @property
    def alarms(self) -> dict[str, str]:
        """The state of each alarm by its logical id."""
        return {alarm.logical_id: alarm.state for alarm in self.account.alarms}

    @property
    def dead_letters(self) -> list[DeadLetter]:
        """What lies in the dead-letter queues, queue by queue."""
        found: list[DeadLetter] = []
        arns = self.account.dead_letter_queues()
        for queue in self.account.queues.all():
            if queue.arn in arns:
                for message in queue.messages():
                    said = {name: str(value.get("StringValue")) for name, value in message.attributes.items()}
                    name = self._logical_id(queue.url)
                    found.append(DeadLetter(name, message.sent_at, message.body, message.failure or "", said))
        return found

    def _logical_id(self, physical_id: str) -> str:
        return next((r.logical_id for r in self._resources.values() if r.physical_id == physical_id), physical_id)

    def logs(self, function: str | None = None) -> list[LogLine]:
        """The log lines of one function (by logical id), or of all."""
        functions = self.account.functions.all()
        return [line for found in functions if function in (None, found.logical_id) for line in found.lines]

    def table_items(self, logical_id: str = "Table") -> list[dict[str, Any]]:
        """All items of a table as plain values, sorted by their keys; expired ones too."""
        table = dynamodb_backends[self.account.id][self.account.region].tables[self.resource(logical_id).physical_id]
        read = TypeDeserializer().deserialize
        items = [
            {name: read(value) for name, value in item.to_json()["Attributes"].items()} for item in table.all_items()
        ]
        keys = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
        return sorted(items, key=lambda item: tuple(str(item[key]) for key in keys))
