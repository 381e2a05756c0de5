"""The last lines that a container wrote, from CloudWatch Logs."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from breakwater.aws import translated_errors
from breakwater.ecs import LogTarget, TaskDefinitions
from breakwater.errors import BreakwaterError, NotFoundError, RefusedError
from breakwater.model import Finding, LogTail
from breakwater.policies import AlertPolicy
from breakwater.redact import redact_lines

LONGEST_LINE = 500


def log_reader(
    client: Callable[[], Any], definitions: TaskDefinitions, policy: Callable[[], AlertPolicy], region: str
) -> Callable[[Finding], LogTail | None]:
    """What reads the log tail of the container that a finding blames, if the policy wants one."""

    def read_log(finding: Finding) -> LogTail | None:
        """`None`: there is no log to read, or nobody wants it."""
        container, evidence, said = finding.diagnosis.container, finding.evidence, policy()
        if not (said.log_tail and container and evidence.task_arn and evidence.task_definition):
            return None
        definition = definitions.read([evidence.task_definition], datetime.now(UTC)).get(evidence.task_definition)
        if definition is None:
            return LogTail(missing="the task definition could not be read, so the log group is not known")
        return read_tail(
            client,
            definition.logs.get(container),
            container,
            evidence.task_arn,
            region=region,
            lines=said.log_lines,
            scrub=finding.scrub,
        )

    return read_log


def read_tail(
    client: Callable[[], Any],
    target: LogTarget | None,
    container: str,
    task_arn: str,
    *,
    region: str,
    lines: int,
    scrub: Iterable[str] = (),
) -> LogTail:
    """Read the last `lines` lines of one container of one task, redacted; or say why there are none.

    The stream of the `awslogs` driver is `prefix/container/task-id`. A failure to read is an answer, not an error:
    an alert without its log is better than none.
    """
    if target is None:
        return LogTail(missing="the task definition says nothing of this container's log")
    if target.driver != "awslogs":
        return LogTail(missing=f"the container logs through {target.driver}, which cannot be read from here")
    if not target.group or not target.prefix:
        return LogTail(group=target.group, missing="no awslogs-stream-prefix is set, so the stream cannot be named")
    if target.region and target.region != region:
        return LogTail(group=target.group, missing=f"the log is kept in {target.region}")
    stream = f"{target.prefix}/{container}/{task_arn.rpartition('/')[2]}"
    try:
        with translated_errors(f"read the log stream {stream}"):
            answer = client().get_log_events(
                logGroupName=target.group, logStreamName=stream, limit=lines, startFromHead=False
            )
    except NotFoundError:
        return LogTail(target.group, stream, missing="the log stream does not exist: the container wrote nothing")
    except RefusedError:
        return LogTail(target.group, stream, missing="reading this log group was refused by IAM")
    except BreakwaterError:
        return LogTail(target.group, stream, missing="the log could not be read just now")
    messages = [event["message"] for event in answer["events"][-lines:]]
    tail = tuple(_cut(line) for line in redact_lines(messages, scrub))
    return LogTail(target.group, stream, tail, missing=None if tail else "the log stream is empty")


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"
