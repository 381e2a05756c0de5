"""A scenario brought into a sandbox: its task definitions, services and logs are there, its events arrive in order.

The one module of this package that is not pure. What the API of AWS has no way to say (a task definition with a
revision of its own, a deployment in a given state) is posed: described beside the model of ECS, and never run there.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from sandbox.front import Sandbox
from sandbox.scenarios.scenario import Delivery, LogOutput, Scenario, ServiceAt

Step = Delivery | LogOutput | ServiceAt


def prepare(sandbox: Sandbox, scenario: Scenario) -> None:
    """Have the scenario's task definitions there under their own revisions, and its clusters."""
    for definition in scenario.task_definitions:
        sandbox.account.ecs.posed.pose_definition(definition)
    for cluster in sorted({str(state.service["clusterArn"]).rpartition("/")[2] for state in scenario.services}):
        sandbox.client("ecs").create_cluster(clusterName=cluster)


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
                sandbox.account.ecs.posed.pose_service(step.service)
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
