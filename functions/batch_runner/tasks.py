"""What batch_runner asks of ECS: begin a task, stop it, look at it. Answers are those of `classes`.

RunTask's errors are read here and not by `translated_errors`: what follows from one depends on whether a task may have
begun nonetheless.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from breakwater.aws import translated_errors
from breakwater.errors import BreakwaterError, NotFoundError
from breakwater.redact import redact
from breakwater.store import chunks

from .classes import Launch, Rejected, Started, Unknown, class_of_error, class_of_reason

TASKS_PER_CALL = 100
LONGEST_REASON = 255


class Tasks:
    """Tasks of ECS, through a client that is made when it is first needed."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def run(self, request: Mapping[str, Any]) -> Launch:
        """Call RunTask once. It answers 200 with `failures[]` where there was no room."""
        from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

        try:
            answer = self._client().run_task(**request)
        except ParamValidationError as error:
            return class_of_error("ParamValidationError", 400, redact(str(error)))
        except ClientError as error:
            details = error.response.get("Error", {})
            code = str(details.get("Code", "unknown"))
            if code == "ConflictException":
                return self._found(str(request["cluster"]), str(request["startedBy"]))
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
            return class_of_error(code, status, redact(str(details.get("Message", ""))))
        except BotoCoreError as error:
            return Unknown(f"no answer came: {redact(str(error))}")
        tasks = answer.get("tasks") or []
        if tasks:
            return Started(tasks[0]["taskArn"], tasks[0].get("taskDefinitionArn"))
        failures = answer.get("failures") or []
        if not failures:
            return Unknown("the answer names neither a task nor a failure")
        rejected: Rejected = class_of_reason(_text(failures[0].get("reason")), _text(failures[0].get("detail")))
        return rejected

    def _found(self, cluster: str, started_by: str) -> Launch:
        """The token was used with other parameters: the policy has changed since the call. So a call went through."""
        try:
            for status in ("RUNNING", "STOPPED"):
                with translated_errors("list the tasks of a run"):
                    answer = self._client().list_tasks(cluster=cluster, startedBy=started_by, desiredStatus=status)
                if answer["taskArns"]:
                    return Started(answer["taskArns"][0])
        except BreakwaterError as error:
            return Unknown(redact(str(error)))
        return Unknown("the token was used before, and the task is not to be seen yet")

    def stop(self, cluster: str, task: str, reason: str) -> None:
        """Ask a task to stop. One that is gone is stopped."""
        try:
            with translated_errors("stop a task"):
                self._client().stop_task(cluster=cluster, task=task, reason=reason[:LONGEST_REASON])
        except NotFoundError:
            return
        except BreakwaterError as error:
            if "The referenced task was not found" not in str(error):
                raise

    def describe(self, cluster: str, arns: Iterable[str]) -> tuple[list[dict[str, Any]], set[str]]:
        """The tasks as ECS has them, and those that it does not know."""
        found: list[dict[str, Any]] = []
        unknown: set[str] = set()
        for chunk in chunks(list(arns), TASKS_PER_CALL):
            with translated_errors("describe tasks"):
                answer = self._client().describe_tasks(cluster=cluster, tasks=list(chunk))
            found += answer.get("tasks", [])
            unknown |= {each.get("arn", "") for each in answer.get("failures", []) if each.get("reason") == "MISSING"}
        return found, unknown

    def only_container(self, task_definition: str) -> str | None:
        """The name of the container that a task definition has, if it has one, or of its only essential one."""
        with translated_errors("describe a task definition"):
            answer = self._client().describe_task_definition(taskDefinition=task_definition)
        containers = answer["taskDefinition"].get("containerDefinitions", [])
        essential = [each["name"] for each in containers if each.get("essential", True)]
        return essential[0] if len(essential) == 1 else None


def _text(value: object) -> str | None:
    return redact(value) if isinstance(value, str) else None
