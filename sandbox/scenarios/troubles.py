"""What goes wrong in the morning, each with the incidents that have to come of it."""

from datetime import datetime, timedelta
from typing import Any

from breakwater.model import Category, Cause
from sandbox.scenarios.account import Workload, find
from sandbox.scenarios.normal import replaced, roll_out
from sandbox.scenarios.scenario import Expected, Trouble
from sandbox.scenarios.shapes import Stop, deployment_event, service_action
from sandbox.scenarios.stage import Stage

Exits = dict[str, tuple[int | None, str | None]]

_EXITED = "Essential container in task exited"
_OUT_OF_MEMORY = "OutOfMemoryError: container killed due to memory usage"
_FAILOVER = (
    "payments", "identity", "cart", "shipping", "profile", "pricing", "orders-api", "recommendations", "catalog",
    "search", "web", "notifications",
)  # fmt: skip


def crash_loop(stage: Stage, at: datetime) -> None:
    """A deployment wants a variable that nobody set; every task of it dies at start until the next one."""
    name, work = "crash loop", find("prod/checkout-api")
    _told(stage, name, at, "checkout-api v43 needs a setting that production lacks; it crashes on start until v44",
          work, (Category.TASK_FAILED, Cause.APP_ERROR))  # fmt: skip
    password = stage.canary("log, password in a URL")
    stage.begin_deployment(work, at, name)
    gap, wave, over = timedelta(seconds=45), at + timedelta(seconds=14), at + timedelta(minutes=36)
    while wave < over:
        for _ in range(4 if wave > at + timedelta(minutes=1) else 2):
            task = stage.task(work, wave + timedelta(milliseconds=stage.rng.randrange(9000)))
            up = stage.start(task, name, name, joins=False)
            ends = up + timedelta(seconds=stage.rng.randrange(2, 6))
            stage.write(task, "app", ends, *_traceback(work, task.revision, password))
            exits: Exits = {"app": (1, None), "envoy": (143, None)}
            stage.stop(task, ends, Stop("EssentialContainerExited", _EXITED, exits), name, name)
        wave += gap + timedelta(seconds=40)
        gap = min(gap * 1.5, timedelta(minutes=4))
    roll_out(stage, work, over + timedelta(minutes=2), "deployment of the fix")


def _traceback(work: Workload, revision: int, password: str) -> tuple[str, ...]:
    return (
        f"INFO  {work.name} v{revision} starting, workers=4",
        f"INFO  database postgresql://checkout:{password}@orders-db.internal:5432/checkout",
        "Traceback (most recent call last):",
        '  File "/app/main.py", line 61, in <module>',
        "    app = create_app(load_settings(os.environ))",
        '  File "/app/checkout/settings.py", line 24, in load_settings',
        '    currency=env["PAYMENT_CURRENCY"],',
        "             ~~~^^^^^^^^^^^^^^^^^^^^",
        "KeyError: 'PAYMENT_CURRENCY'",
    )


def out_of_memory(stage: Stage, at: datetime) -> None:
    """A leak: the same service runs out of memory now and then, and again after it seemed over."""
    name, work = "out of memory", find("prod/orders-api")
    _told(stage, name, at, "orders-api leaks: killed for memory three times, and once more after an hour of quiet",
          work, (Category.TASK_FAILED, Cause.OOM))  # fmt: skip
    for minutes in (0, 13, 33, 118):
        _die(stage, work, at + timedelta(minutes=minutes), {"app": (137, _OUT_OF_MEMORY)}, name,
             "INFO  GET /orders/export?from=2019-01-01 200 in 41.8 s",
             "WARN  heap 981 MiB of 1024 MiB after full collection")  # fmt: skip


def out_of_memory_with_sidecar(stage: Stage, at: datetime) -> None:
    """The application runs out of memory; its proxy is stopped with it and is not to blame."""
    name, work = "out of memory beside a sidecar", find("prod/search")
    _told(stage, name, at, "search runs out of memory; its envoy ends with 143 because ECS stops it, and is not blamed",
          work, (Category.TASK_FAILED, Cause.OOM))  # fmt: skip
    _die(stage, work, at, {"app": (137, _OUT_OF_MEMORY), "envoy": (143, None)}, name,
         "INFO  rebuilding index products-v7: 4 812 330 documents")  # fmt: skip


def image_not_found(stage: Stage, at: datetime) -> None:
    """A deployment names a tag that was never pushed."""
    name, work = "image not found", find("staging/web")
    _told(stage, name, at, "web in staging is deployed with an image tag that was never pushed; soon ECS itself warns",
          work, (Category.TASK_START_FAILED, Cause.IMAGE_PULL),
          (Category.SERVICE_IMPAIRED, Cause.START_IMPAIRED))  # fmt: skip
    revision = stage.revision(work) + 1
    image = f"111122223333.dkr.ecr.us-east-1.amazonaws.com/web:v{revision}"
    text = (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
        f"failed to resolve ref {image}: {image}: not found"
    )
    stage.begin_deployment(work, at, name)
    for number in range(6):
        task = stage.task(work, at + timedelta(seconds=15 + 80 * number))
        exits: Exits = {"app": (None, None)}
        stage.never_start(task, Stop("TaskFailedToStart", text, exits), name, name)
    stuck = at + timedelta(minutes=6)
    impaired = service_action(stage.rng, work, "SERVICE_TASK_START_IMPAIRED", stuck, severity="WARN")
    stage.emit(impaired, stuck, name, name)
    roll_out(stage, work, at + timedelta(minutes=10), "deployment of the fix")


def secret_missing(stage: Stage, at: datetime) -> None:
    """The secret that a task definition names does not exist."""
    name, work = "secret missing", find("prod/invoices")
    _told(stage, name, at, "invoices is deployed with a secret that does not exist in this account",
          work, (Category.TASK_START_FAILED, Cause.SECRETS))  # fmt: skip
    text = (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
        "unable to retrieve secret from asm: service call has been retried 5 time(s): failed to fetch secret "
        "arn:aws:secretsmanager:us-east-1:111122223333:secret:invoices/smtp-AbC123 from secrets manager: "
        "ResourceNotFoundException: Secrets Manager can't find the specified secret."
    )
    stage.begin_deployment(work, at, name)
    for number in range(4):
        task = stage.task(work, at + timedelta(seconds=20 + 95 * number))
        exits: Exits = {"app": (None, None)}
        stage.never_start(task, Stop("TaskFailedToStart", text, exits), name, name)
    roll_out(stage, work, at + timedelta(minutes=9), "deployment of the fix")


def spot_takes_a_job(stage: Stage, at: datetime) -> None:
    """Spot takes a task that belongs to no service: nobody starts it again."""
    name, work = "spot takes a job", find("data/nightly-etl")
    _told(stage, name, at, "nightly-etl is taken by Spot after five hours; no service starts it again",
          work, (Category.INTERRUPTED, Cause.SPOT_INTERRUPTION))  # fmt: skip
    task = stage.task(work, at - timedelta(hours=5))
    stop = Stop("SpotInterruption", "Your Spot Task was interrupted.", {"app": (143, None)})
    stage.step(task, "RUNNING", at, name, name, stop)
    stage.stop(task, at + timedelta(seconds=115), stop, name, name)


def job_fails(stage: Stage, at: datetime) -> None:
    """A scheduled job fails, and prints a token that it was started with."""
    name, work = "scheduled job fails", find("data/daily-report")
    _told(stage, name, at, "daily-report fails with exit 1 because its token has expired, and prints that token",
          work, (Category.TASK_FAILED, Cause.APP_ERROR))  # fmt: skip
    token = stage.canary("command of the overrides, and the log that prints it", prefix="rpt-")
    key = stage.canary("environment of the overrides")
    bearer = stage.canary("log, bearer token", prefix="eyJh")
    overrides: dict[str, Any] = {
        "name": "app",
        "command": ["report", "--day", "2026-03-01", "--token", token],
        "environment": [{"name": "EXPORT_API_KEY", "value": key}],
    }
    task = stage.task(work, at, [overrides])
    up = stage.start(task, name, name)
    ends = up + timedelta(seconds=75)
    stage.write(
        task, "app", ends,
        f"running: report --day 2026-03-01 --token {token}",
        "INFO  collected 18 402 rows of 2026-03-01",
        f"DEBUG POST https://exports.example.com/v1/reports Authorization: Bearer {bearer}",
        f"DEBUG x-api-key {key}",
        "ERROR export refused: 401 token expired on 2026-03-01",
    )  # fmt: skip
    stage.stop(task, ends, Stop("EssentialContainerExited", _EXITED, {"app": (1, None)}), name, name)


def sidecar_fails(stage: Stage, at: datetime) -> None:
    """A metrics agent dies while its task goes on; ECS repeats the running task, and at last the task is replaced."""
    name, work = "sidecar fails", find("prod/notifications")
    _told(stage, name, at, "The metrics agent of notifications dies while the task runs on",
          work, (Category.SIDECAR_FAILED, Cause.SIDECAR_ERROR))  # fmt: skip
    for number, task in enumerate(stage.running(work)[:2]):
        dies = at + timedelta(seconds=40 * number)
        stage.write(task, "metrics-agent", dies, "agent: cannot open /etc/agent.yaml: no such file or directory")
        first = stage.step(task, "RUNNING", dies, name, name, ended={"metrics-agent": 1})
        stage.step(task, "RUNNING", dies + timedelta(minutes=3), name, name, ended={"metrics-agent": 1})
        gone = stage.stop(task, dies + timedelta(minutes=21), replaced(stage, work, stage.deployment(work)), name, name)
        stage.start(stage.task(work, dies + timedelta(minutes=21)), name, name)
        if number == 0:  # and the first event once more, after the task has ended
            stage.emit(first.event, gone, "out of order", name, timedelta(seconds=70))


def health_checks_fail(stage: Stage, at: datetime) -> None:
    """The load balancer gives up on tasks that then end politely."""
    name, work = "load balancer's health checks", find("prod/catalog")
    _told(stage, name, at, "catalog answers its load balancer too slowly; ECS replaces five tasks",
          work, (Category.HEALTH_CHECK_FAILED, Cause.HEALTH_CHECK_ELB))  # fmt: skip
    group = "arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/catalog/6d0ecf831eec9f09"
    reason = f"Task failed ELB health checks in (target-group {group})"
    for number in range(5):
        task, when = stage.running(work)[0], at + timedelta(seconds=100 * number)
        stage.write(task, "app", when, "WARN  GET /healthz 200 in 6 214 ms (limit 5 000 ms), pool 50/50 in use")
        stage.stop(task, when, Stop("ServiceSchedulerInitiated", reason, {"app": (0, None)}), name, name)
        stage.start(stage.task(work, when + timedelta(seconds=20)), name, name)


def no_capacity(stage: Stage, at: datetime) -> None:
    """The container instances have no CPU left for one more task."""
    name, work = "no capacity", find("data/ml-scoring")
    _told(stage, name, at, "ml-scoring finds no container instance with enough CPU left",
          work, (Category.SERVICE_IMPAIRED, Cause.CAPACITY))  # fmt: skip
    for minutes in (0, 5, 11):
        when = at + timedelta(minutes=minutes)
        action = service_action(stage.rng, work, "SERVICE_TASK_PLACEMENT_FAILURE", when, severity="ERROR",
                                reason="RESOURCE:CPU")  # fmt: skip
        stage.emit(action, when, name, name)


def deployment_fails(stage: Stage, at: datetime) -> None:
    """The circuit breaker ends a deployment whose tasks fail their health checks, and rolls back."""
    name, work = "failed deployment", find("staging/gateway")
    _told(stage, name, at, "gateway v131 never gets healthy; the circuit breaker fails the deployment, ECS rolls back",
          work, (Category.HEALTH_CHECK_FAILED, Cause.HEALTH_CHECK_CONTAINER),
          (Category.DEPLOYMENT_FAILED, Cause.CIRCUIT_BREAKER),
          (Category.DEPLOYMENT_ROLLED_BACK, Cause.CIRCUIT_BREAKER))  # fmt: skip
    before = stage.revision(work)
    failed = stage.begin_deployment(work, at, name)
    stop = Stop("ServiceSchedulerInitiated", "Task failed container health checks", {"app": (137, None)})
    for number in range(3):
        task = stage.task(work, at + timedelta(seconds=15 + 130 * number))
        up = stage.start(task, name, name, joins=False)
        stage.write(task, "app", up + timedelta(seconds=90), "listening on 0.0.0.0:8081",
                    "health: upstream auth not configured, answering 503")  # fmt: skip
        stage.stop(task, up + timedelta(seconds=92), stop, name, name)
    when = at + timedelta(minutes=8)
    breaker = "ECS deployment circuit breaker: tasks failed to start."
    stage.emit(deployment_event(stage.rng, work, failed, "FAILED", when, breaker), when, name, name)
    back = stage.begin_deployment(work, when + timedelta(seconds=24), name, revision=before)
    rolling = f"ECS deployment circuit breaker: rolling back to deploymentId {back}."
    event = deployment_event(stage.rng, work, back, "IN_PROGRESS", when + timedelta(seconds=25), rolling)
    stage.emit(event, when + timedelta(seconds=25), name, name)
    stage.complete_deployment(work, when + timedelta(minutes=2), name)


def database_fails_over(stage: Stage, at: datetime) -> None:
    """One database, twelve services, one minute: more incidents than a channel takes in a minute."""
    name = "database failover"
    services = [find(f"prod/{service}") for service in _FAILOVER]
    expected = tuple(Expected(work.label, Category.TASK_FAILED, Cause.APP_ERROR) for work in services)
    story = "The shared database fails over; a task of each of twelve services dies within half a minute"
    stage.troubles.append(Trouble(name, at, story, expected))
    password = stage.canary("log, connection string")
    for work in services:
        when = at + timedelta(seconds=stage.rng.randrange(26))
        exits: Exits = {spec.name: (1 if spec.name == "app" else 143, None) for spec in work.containers}
        _die(stage, work, when, exits, name,
             f"INFO  pool: host=orders-db.internal port=5432 user={work.name} password={password}",
             "psycopg.OperationalError: FATAL: terminating connection due to administrator command",
             told=False)  # fmt: skip


def hostile(stage: Stage, at: datetime) -> None:
    """Texts made to deceive: a forged line, terminal colours, chat markup, a script, a password in a URL."""
    name, work = "hostile text", find("prod/legacy-import")
    _told(stage, name, at, "legacy-import dies with a reason made to deceive those who read it",
          work, (Category.TASK_FAILED, Cause.APP_ERROR))  # fmt: skip
    password = stage.canary("reason of a container, password in a URL")
    key = stage.canary("log, access key", prefix="AKIA", digits=16)
    reason = (
        f"cannot connect to mysql://import:{password}@db.internal/legacy\r\nERROR forged line\x00\x1b[31m\u2028\u202e"
        " <!channel> <https://evil.example|all is well> <script>alert(1)</script>"
    )
    _die(stage, work, at, {"app": (3, reason)}, name,
         "</pre><img src=x onerror=alert(1)> <!here> *bold* `code`", f"aws: signing with {key}",
         "\x1b[2Jgone \u202etxt.exe")  # fmt: skip


def _die(stage: Stage, work: Workload, at: datetime, exits: Exits, name: str, *lines: str, told: bool = True) -> None:
    """One task of the service ends by itself, and the service starts another."""
    tasks = stage.running(work)
    task = tasks[0] if tasks else stage.task(work, at - timedelta(hours=2))
    stage.write(task, "app", at, *lines)
    stage.stop(task, at, Stop("EssentialContainerExited", _EXITED, exits), name, name)
    stage.start(stage.task(work, at + timedelta(seconds=25)), name if told else "replacement", name if told else None)


def _told(
    stage: Stage, name: str, at: datetime, story: str, work: Workload, *incidents: tuple[Category, Cause]
) -> None:
    expected = tuple(Expected(work.label, category, cause) for category, cause in incidents)
    stage.troubles.append(Trouble(name, at, story, expected))
