"""Batch work in the rough hours: each call of batch_runner and of its sweep is made at least once."""

from datetime import timedelta

from sandbox import Sandbox
from sandbox.ecs.workloads import crash_on_start, exits_zero
from sandbox.shop import BatchWork

SWEEP = "BatchRunnerSweepFunction"
POLICY = """\
version: 1
defaults: {mode: act}
"""
TASK = """\
    task:
      cluster: shop
      task_definition: reprice
      container: reprice
      launch_type: FARGATE
      network: {subnets: [subnet-0aa11bb22cc33dd44]}
"""
REPLACING = f"""\
jobs:
  - name: replacing
    schedule: cron(*/5 * * * ? *)
    overlap: replace
{TASK}"""
SLOW = f"""\
jobs:
  - name: slow
    schedule: cron(*/30 * * * ? *)
    timeout_minutes: 3
{TASK}"""
FAILING = f"""\
jobs:
  - name: failing
    schedule: cron(*/10 * * * ? *)
    retries: {{attempts: 2, exit_codes: any, backoff_seconds: 30}}
{TASK}"""
UNHEARD = FAILING.replace("failing", "unheard").replace("*/10", "*/30")


def run_batch_work(stack: Sandbox) -> None:
    """Uploads, runs that replace, fail, hang, end unheard, and calls of which nobody knows what came of them."""
    work = BatchWork(stack)
    work.prepare()
    work.upload()
    stack.ecs.faults.set_workload("reprice:1", exits_zero(1200))
    _push(work, REPLACING, minutes=12)
    # The wake-up at the timeout is lost, so the sweep stops the task.
    for function in ("BatchRunnerFunction", SWEEP):
        stack.fail("sqs", "SendMessage", "ThrottlingException", function=function)
    _push(work, SLOW, minutes=40)
    stack.ecs.faults.set_workload("reprice:1", crash_on_start(1))
    _push(work, FAILING, minutes=12)
    # Nobody hears of an end, and no wake-up comes: the sweep does it all. A token was used before, it seems.
    stack.chaos(drop=1.0)
    stack.fail("sqs", "SendMessage", "ThrottlingException", times=60, function=SWEEP)
    stack.fail("ecs", "RunTask", "ConflictException", function=SWEEP)
    _push(work, UNHEARD, minutes=60)
    stack.chaos()
    stack.fail("ecs", "RunTask", "ConflictException", function="BatchRunnerFunction")
    stack.fail("ecs", "RunTask", "ThrottlingException", times=2, function="BatchRunnerFunction")
    stack.advance(timedelta(minutes=32))
    work.push(POLICY.encode())


def _push(work: BatchWork, jobs: str, minutes: int) -> None:
    work.push((POLICY + jobs).encode())
    work.sandbox.advance(timedelta(minutes=minutes))
