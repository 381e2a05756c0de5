"""Tasks: run, stopped, described, listed."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sandbox.ecs.definitions import Override
from sandbox.ecs.errors import EcsError, conflict, invalid
from sandbox.ecs.model import Model
from sandbox.ecs.names import moment
from sandbox.ecs.state import Cluster, Task
from sandbox.ecs_api.clusters import DEFAULT, counted, missing, short
from sandbox.ecs_api.definitions import Definitions
from sandbox.ecs_api.kept import Json, Kept, Run
from sandbox.ecs_api.paging import Pages
from sandbox.ecs_api.settings import Where, check_network, where
from sandbox.ecs_api.views import task_view

Params = Mapping[str, Any]
MAX_OVERRIDES = 8192
MAX_TOKEN = 64
MAX_STARTED_BY = 128
TOKEN_KEPT = timedelta(hours=24)
_FILTERS = ("containerInstance", "family", "startedBy", "serviceName", "launchType")


class Tasks:
    """The operations on tasks."""

    def __init__(self, model: Model, kept: Kept, pages: Pages, definitions: Definitions) -> None:
        self._model, self._kept, self._pages, self._definitions = model, kept, pages, definitions

    def run(self, params: Params) -> Json:
        """RunTask. Tasks without room are failures in a 200, one for each, and no event tells of them (ecs 7)."""
        cluster = self._model.catalogue.cluster(params.get("cluster", DEFAULT))
        token = params.get("clientToken")
        if token is None:
            return self._answer(*self._run(cluster, params))
        if not 1 <= len(token) <= MAX_TOKEN:
            raise invalid(f"clientToken must have at most {MAX_TOKEN} characters.")
        asked = json.dumps({**params, "cluster": cluster.name}, sort_keys=True, default=str)
        before = self._kept.runs.get((cluster.name, token))
        if before is not None and self._model.now < before.until:
            if before.asked != asked:
                raise conflict("The clientToken was used before with other parameters.")
            return self._answer(before.tasks, before.reasons)
        tasks, reasons = self._run(cluster, params)
        self._kept.runs[cluster.name, token] = Run(self._model.now + TOKEN_KEPT, asked, tasks, reasons)
        return self._answer(tasks, reasons)

    def _run(self, cluster: Cluster, params: Params) -> tuple[list[Task], list[str]]:
        overrides = params.get("overrides", {})
        if len(json.dumps(overrides)) > MAX_OVERRIDES:
            raise invalid(f"Overrides have at most {MAX_OVERRIDES} characters, their JSON included.")
        if len(params.get("startedBy", "")) > MAX_STARTED_BY:
            raise invalid(f"startedBy must have at most {MAX_STARTED_BY} characters.")
        if params.get("group", "").startswith("service:"):
            raise invalid("Invalid namespace for group.")
        if params.get("propagateTags", "NONE") == "SERVICE":
            raise invalid("propagateTags SERVICE is for tasks of a service.")
        on = where(params, "RunTask") or Where("EC2", None)
        definition = self._model.catalogue.usable(params["taskDefinition"])
        fits = self._definitions.for_fargate(definition)
        check_network(definition, on, params.get("networkConfiguration"), for_fargate=fits)
        tasks, reasons = self._model.run_task(
            cluster.name,
            definition.arn,
            count=params.get("count", 1),
            group=params.get("group"),
            started_by=params.get("startedBy"),
            launch_type=on.launch_type,
            capacity_provider=on.provider,
            overrides=[_override(one) for one in overrides.get("containerOverrides", [])],
        )
        of_definition = self._kept.tagged(definition.arn) if params.get("propagateTags") == "TASK_DEFINITION" else []
        for task in tasks:
            self._kept.tag(task.arn, [*of_definition, *params.get("tags", [])])
            roles = {name: overrides[name] for name in ("taskRoleArn", "executionRoleArn") if name in overrides}
            if roles:
                self._kept.overrides[task.arn] = roles
        return tasks, reasons

    def _answer(self, tasks: Any, reasons: Any) -> Json:
        return {
            "tasks": [task_view(task, self._kept, tags=True) for task in tasks],
            "failures": [{"reason": reason} for reason in reasons],
        }

    def stop(self, params: Params) -> Json:
        """StopTask."""
        cluster = self._model.catalogue.cluster(params.get("cluster", DEFAULT))
        stopped = self._model.stop_task(cluster.name, params["task"], params.get("reason"))
        return {"task": task_view(stopped, self._kept)}

    def describe(self, params: Params) -> Json:
        """DescribeTasks. A task that stopped more than an hour ago is MISSING, like one that never was."""
        cluster = self._model.catalogue.cluster(params.get("cluster", DEFAULT))
        tags = "TAGS" in params.get("include", [])
        found: list[Json] = []
        failures: list[Json] = []
        for name in counted(params["tasks"], 100, "Tasks"):
            try:
                found.append(task_view(self._model.task(cluster.name, name), self._kept, tags=tags))
            except EcsError:
                failures.append(missing(self._model.world.place.arn("task", f"{cluster.name}/{short(name)}")))
        return {"tasks": found, "failures": failures}

    def protect(self, params: Params) -> Json:
        """UpdateTaskProtection: for two hours, or as long as is said. Only tasks of a service can be protected."""
        minutes = params.get("expiresInMinutes", 120)
        if not 1 <= minutes <= 2880:
            raise invalid("expiresInMinutes must be between 1 and 2880.")
        until = self._model.world.now + minutes * 60_000 if params["protectionEnabled"] else None
        found, failures = self._protectable(params)
        for task in found:
            task.protected_until = until
            if until is not None and task.service is not None:
                service = task.service
                self._model.world.engine.background_at(until + 1, self._model.world.wake, service)
        return {"protectedTasks": [self._protection(task) for task in found], "failures": failures}

    def protection(self, params: Params) -> Json:
        """GetTaskProtection."""
        found, failures = self._protectable(params)
        return {"protectedTasks": [self._protection(task) for task in found], "failures": failures}

    def _protectable(self, params: Params) -> tuple[list[Task], list[Json]]:
        cluster = self._model.catalogue.cluster(params["cluster"])
        found: list[Task] = []
        failures: list[Json] = []
        for name in counted(params["tasks"], 10, "Tasks"):
            arn = self._model.world.place.arn("task", f"{cluster.name}/{short(name)}")
            task = cluster.tasks.get(short(name))
            if task is None:
                failures.append(missing(arn))
            elif task.service is None or not task.live:
                failures.append({"arn": arn, "reason": "TASK_NOT_VALID"})
            else:
                found.append(task)
        return found, failures

    def _protection(self, task: Task) -> Json:
        until = task.protected_until
        enabled = until is not None and until > self._model.world.now
        shown: Json = {"taskArn": task.arn, "protectionEnabled": enabled}
        return {**shown, "expirationDate": moment(until)} if enabled and until is not None else shown

    def all(self, params: Params) -> Json:
        """ListTasks: by default those that are meant to run."""
        cluster = self._model.catalogue.cluster(params.get("cluster", DEFAULT))
        filters = [name for name in _FILTERS if name in params]
        if "startedBy" in filters and len(filters) > 1:
            raise invalid("startedBy must be the only filter.")
        if "serviceName" in params and short(params["serviceName"]) not in cluster.services:
            raise EcsError("ServiceNotFoundException", "Service not found.")
        status = params.get("desiredStatus", "RUNNING")
        arns = [
            task.arn
            for task in cluster.tasks.values()
            if task.desired_status == status and not self._gone(task) and _matches(task, params)
        ]
        here, more = self._pages.page("ListTasks", params, sorted(arns))
        return {"taskArns": here, **more}

    def _gone(self, task: Task) -> bool:
        kept = self._model.world.timing.stopped_task_kept
        return task.stopped_at is not None and task.stopped_at < self._model.world.now - kept


def _matches(task: Task, params: Params) -> bool:
    return (
        params.get("family") in (None, task.definition.family)
        and params.get("startedBy") in (None, task.started_by)
        and params.get("launchType") in (None, task.launch_type)
        and ("serviceName" not in params or task.group == f"service:{short(params['serviceName'])}")
        and (
            "containerInstance" not in params
            or (task.instance is not None and task.instance.id == short(params["containerInstance"]))
        )
    )


def _override(given: Params) -> Override:
    if "name" not in given:
        raise invalid("A container override needs the name of its container.")
    environment = tuple((each["name"], each.get("value", "")) for each in given.get("environment", []))
    return Override(given["name"], tuple(given.get("command", ())), environment)
