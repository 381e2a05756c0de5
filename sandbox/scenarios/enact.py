"""A scenario brought into a sandbox: its task definitions, services and logs are there, its events arrive in order.

The one module of this package that is not pure. It reaches into moto where the API of AWS has no way to say what a
scenario needs: a task definition with a revision of its own, a deployment in a given state.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from moto.ecs.models import ecs_backends

from sandbox.front import Sandbox
from sandbox.scenarios.scenario import Delivery, LogOutput, Scenario, ServiceAt

Step = Delivery | LogOutput | ServiceAt
_NOBODY: Any = object()


def prepare(sandbox: Sandbox, scenario: Scenario) -> None:
    """Register the scenario's task definitions under their own revisions, and its clusters."""
    backend = ecs_backends[scenario.account][scenario.region]
    client = sandbox.client("ecs")
    for definition in sorted(scenario.task_definitions, key=lambda each: (each["family"], each["revision"])):
        family, revision = definition["family"], definition["revision"]
        known = backend.task_definitions.setdefault(family, {})
        if revision > 1:
            known.setdefault(revision - 1, _NOBODY)  # moto gives the next revision after the highest there is
        containers = [{"memory": 128, **container} for container in definition["containerDefinitions"]]
        client.register_task_definition(family=family, containerDefinitions=containers)
        if revision > 1 and known[revision - 1] is _NOBODY:
            del known[revision - 1]
    for cluster in sorted({str(state.service["clusterArn"]).rpartition("/")[2] for state in scenario.services}):
        client.create_cluster(clusterName=cluster)


def play(sandbox: Sandbox, scenario: Scenario, arrived: Callable[[int, bool], None]) -> None:
    """Let the scenario happen, to its end. `arrived` hears of each delivery, and whether a rule let it through."""
    for at, position, step in _steps(scenario):
        sandbox.advance(max(at, sandbox.now))
        match step:
            case Delivery():
                before = _matched(sandbox)
                sandbox.put_event(step.event)
                arrived(position, _matched(sandbox) > before)
            case LogOutput():
                sandbox.write_log(step.group, step.stream, step.lines, step.at)
            case ServiceAt():
                _describe(sandbox, scenario, step)
    sandbox.advance(max(scenario.end, sandbox.now))


def _steps(scenario: Scenario) -> Iterator[tuple[datetime, int, Step]]:
    """Everything in order of time; what the account knows before what it tells."""
    steps: list[tuple[datetime, int, int, Step]] = []
    steps += [(state.at, 0, number, state) for number, state in enumerate(scenario.services)]
    steps += [(output.at, 1, number, output) for number, output in enumerate(scenario.logs)]
    steps += [(delivery.at, 2, number, delivery) for number, delivery in enumerate(scenario.deliveries)]
    for at, _, position, step in sorted(steps, key=lambda entry: entry[:3]):
        yield at, position, step


def _matched(sandbox: Sandbox) -> int:
    return sum(rule.matched for rule in sandbox.account.bus.rules)


def _describe(sandbox: Sandbox, scenario: Scenario, state: ServiceAt) -> None:
    """Have DescribeServices answer with this deployment."""
    service, backend = state.service, ecs_backends[scenario.account][scenario.region]
    cluster, name = str(service["clusterArn"]).rpartition("/")[2], str(service["serviceName"])
    if f"{cluster}:{name}" not in backend.services:
        sandbox.client("ecs").create_service(
            cluster=cluster, serviceName=name, taskDefinition=service["taskDefinition"], desiredCount=1
        )
    primary = service["deployments"][0]
    backend.services[f"{cluster}:{name}"].deployments[0] |= {
        "id": primary["id"],
        "rolloutState": primary["rolloutState"],
        "taskDefinition": primary["taskDefinition"],
    }
