"""batch_runner over fakes: a table, a topic and a platform of tasks, in a time of their own."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from batch_runner.classes import Launch, Rejected, Started, Unknown, class_of_error, class_of_reason
from batch_runner.engine import Engine
from batch_runner.intake import Ask, End, run_at, wish_of
from batch_runner.specs import Specs
from breakwater.desk import IncidentDesk
from breakwater.diagnosis import Facts
from breakwater.incident_store import IncidentStore
from breakwater.model import Mode
from breakwater.policies import (
    AlertPolicy,
    BatchPolicy,
    JobSpec,
    Overlap,
    RetrySpec,
    RunRules,
    TaskSpec,
    UploadSpec,
)
from breakwater.run_store import RunStore
from breakwater.runs import Outcome, Run
from tests.fakes.table import FakeTable
from tests.fakes.topic import FakeTopic

ACCOUNT, REGION = "111122223333", "eu-central-1"
NOON = datetime(2026, 4, 14, 12, tzinfo=UTC)
TASK = TaskSpec("shop", "nightly", container="job", launch_type="FARGATE")
ACTING = RunRules(mode=Mode.ACT, timeout_minutes=60, retry=RetrySpec(3, (), 60))


def a_job(name: str = "nightly", schedule: str = "cron(0 12 * * ? *)", **changes: Any) -> JobSpec:
    """A job in act mode, in force for a long time."""
    arn = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/breakwater/{name}"
    words: dict[str, Any] = {"since": "2026-04-14T11:00:00Z", "rules": ACTING, "overlap": Overlap.SKIP, **changes}
    return JobSpec(name, words.pop("task", TASK), schedule, arn, **words)


def an_upload(name: str = "ingest", **changes: Any) -> UploadSpec:
    """A route in act mode: `incoming/*.csv` of one bucket, five at a time."""
    rules = RunRules(mode=Mode.ACT, retry=RetrySpec(2, None, 60))
    words: dict[str, Any] = {"bucket": "shop-inbox", "prefix": "incoming/", "suffix": ".csv", "rules": rules, **changes}
    return UploadSpec(name, words.pop("task", TASK), **words)


def an_object(key: str = "incoming/a.csv", version: str = "v1", at: datetime = NOON, **more: Any) -> dict[str, Any]:
    """S3 says that an object was created."""
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "account": ACCOUNT,
        "region": REGION,
        "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "resources": ["arn:aws:s3:::shop-inbox"],
        "detail": {"bucket": {"name": "shop-inbox"}, "object": {"key": key, "size": 7, "version-id": version}, **more},
    }


@dataclass
class FakeTask:
    """One task of the platform."""

    arn: str
    request: Mapping[str, Any]
    began: datetime
    stopped: datetime | None = None
    exit_code: int | None = None
    stop_code: str = "EssentialContainerExited"
    reason: str = "Essential container in task exited"

    def event(self) -> dict[str, Any]:
        """The event of its end."""
        container: dict[str, Any] = {"name": "job", "lastStatus": "STOPPED"}
        if self.exit_code is not None:
            container["exitCode"] = self.exit_code
        return {
            "source": "aws.ecs",
            "detail-type": "ECS Task State Change",
            "account": ACCOUNT,
            "region": REGION,
            "time": f"{self.stopped or self.began:%Y-%m-%dT%H:%M:%SZ}",
            "resources": [self.arn],
            "detail": {
                "taskArn": self.arn,
                "clusterArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/shop",
                "taskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/nightly:1",
                "group": "family:nightly",
                "startedBy": self.request["startedBy"],
                "lastStatus": "STOPPED" if self.stopped else "RUNNING",
                "desiredStatus": "STOPPED" if self.stopped else "RUNNING",
                "stopCode": self.stop_code,
                "stoppedReason": self.reason,
                "stoppedAt": f"{self.stopped or self.began:%Y-%m-%dT%H:%M:%SZ}",
                "containers": [container],
            },
        }


@dataclass
class FakePlatform:
    """RunTask with its tokens, StopTask and DescribeTasks. What goes wrong is queued in `answers`.

    Stricter than the API: a token with other parameters is a defect of the caller and fails the test.
    """

    now: datetime = NOON
    tasks: dict[str, FakeTask] = field(default_factory=dict)
    tokens: dict[str, tuple[Mapping[str, Any], Launch]] = field(default_factory=dict)
    answers: list[Launch | str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def run(self, request: Mapping[str, Any]) -> Launch:
        self.calls.append("run")
        token = request["clientToken"]
        if token in self.tokens:
            before, answer = self.tokens[token]
            if before != request:
                raise AssertionError("a token was used twice with other parameters")
            return answer
        planned = self.answers.pop(0) if self.answers else "start"
        if isinstance(planned, (Unknown, Rejected)):
            if isinstance(planned, Rejected) and planned.cause != "throttled":
                self.tokens[token] = (request, planned)
            return planned
        number = len(self.tasks) + 1
        arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/shop/{number:032x}"
        self.tasks[arn] = FakeTask(arn, request, self.now)
        started = Started(arn, f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/nightly:1")
        self.tokens[token] = (request, started)
        return Unknown("the answer was lost") if planned == "lost" else started

    def stop(self, cluster: str, task: str, reason: str) -> None:
        self.calls.append("stop")
        found = self.tasks[task]
        if found.stopped is None:
            found.stopped, found.exit_code = self.now, 143
            found.stop_code, found.reason = "UserInitiated", reason

    def describe(self, cluster: str, arns: Any) -> tuple[list[dict[str, Any]], set[str]]:
        self.calls.append("describe")
        known = {arn: self.tasks[arn] for arn in arns if arn in self.tasks}
        gone = {arn for arn, task in known.items() if task.stopped and self.now - task.stopped > timedelta(hours=1)}
        return [known[arn].event()["detail"] for arn in known if arn not in gone], gone

    def only_container(self, task_definition: str) -> str | None:
        return "job"

    @property
    def running(self) -> list[FakeTask]:
        return [task for task in self.tasks.values() if task.stopped is None]

    def end(self, task: FakeTask, exit_code: int | None = 0, **how: str) -> dict[str, Any]:
        """A task ends by itself, or as `how` says; gives the event."""
        task.stopped, task.exit_code = self.now, exit_code
        for name, value in how.items():
            setattr(task, name, value)
        return task.event()


@dataclass
class BatchHouse:
    """The automation over fakes. Time moves by `at`."""

    policy: BatchPolicy
    mode: Mode = Mode.ACT
    table: FakeTable = field(default_factory=FakeTable)
    topic: FakeTopic = field(default_factory=FakeTopic)
    platform: FakePlatform = field(default_factory=FakePlatform)
    wakes: list[tuple[datetime, str]] = field(default_factory=list)
    alerts: AlertPolicy = field(default_factory=AlertPolicy)

    @property
    def specs(self) -> Specs:
        return Specs(self.policy, self.mode)

    @property
    def store(self) -> RunStore:
        return RunStore(self.table)

    @property
    def now(self) -> datetime:
        return self.platform.now

    def at(self, when: datetime | timedelta) -> None:
        self.platform.now = when if isinstance(when, datetime) else self.now + when

    @property
    def engine(self) -> Engine:
        return Engine(
            store=self.store,
            tasks=self.platform,
            desk=IncidentDesk(IncidentStore(self.table), self.topic, "batch_runner", lambda: None),
            alerts=self.alerts,
            specs=self.specs,
            wake=lambda name, delay: self.wakes.append((self.now + delay, name)),
            now=lambda: self.now,
            pause=lambda: None,
        )

    def home(self) -> Facts:
        return self.specs.facts(self.now, ACCOUNT, REGION)

    def due(self, job: JobSpec, at: datetime | None = None) -> None:
        """The schedule of a job fires."""
        self.engine.admit(run_at(job, at or self.now, self.now), job)
        self.engine.dispatch(job.name)

    def hear(self, event: dict[str, Any], position: int = 0) -> None:
        """An event arrives."""
        wish = wish_of(event, self.specs, self.home())
        if isinstance(wish, Ask):
            spec = self.specs.of(wish.run.name)
            if spec is not None:
                self.engine.admit(wish.run, spec, position)
                self.engine.dispatch(wish.run.name)
        elif isinstance(wish, End):
            self.engine.stopped(wish.origin.name, wish.origin.id, wish.ended, wish.finding)
            self.engine.dispatch(wish.origin.name)

    def wake(self) -> None:
        """Wake-ups that are due arrive."""
        due = [name for at, name in self.wakes if at <= self.now]
        self.wakes = [(at, name) for at, name in self.wakes if at > self.now]
        for name in due:
            self.engine.look(name)

    def runs(self, name: str) -> list[Run]:
        return self.store.latest(name, 10_000)

    def outcomes(self, name: str) -> list[Outcome | None]:
        return [run.outcome for run in reversed(self.runs(name))]

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """What people heard, as (kind, subject, cause)."""
        return [
            (str(notice.kind), notice.incident.subject.name, str(notice.incident.cause))
            for notice in self.topic.published
        ]


NO_ROOM = class_of_reason("RESOURCE:FARGATE")
THROTTLED = class_of_error("ThrottlingException", 400, "Rate exceeded")
SILENCE = Unknown("no answer came")


def a_random(seed: int) -> random.Random:
    return random.Random(seed)
