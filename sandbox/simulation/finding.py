"""What the names in a step stand for in the account, at that moment."""

from collections.abc import Iterable, Iterator, Sequence

from sandbox.ecs.state import Instance, Service, Task
from sandbox.simulation import mishaps
from sandbox.simulation.build import ScenarioError, Stage


def cluster_of(stage: Stage, service: str) -> str:
    """The cluster of a service."""
    return stage.scenario.services[service].cluster


def service_of(stage: Stage, name: str) -> Service:
    """A service as the model has it."""
    return stage.sandbox.ecs.active_service(cluster_of(stage, name), name)


def rollout_of(stage: Stage, service: str) -> str:
    """The service's latest deployment."""
    found = stage.aws("ecs").list_service_deployments(cluster=cluster_of(stage, service), service=service)
    return str(found["serviceDeployments"][0]["serviceDeploymentArn"])


def next_revision(stage: Stage, service: str, image: str, container: str | None) -> str:
    """The service's own revision once more, with another image in one container: registered, and its ARN."""
    ecs, there = stage.aws("ecs"), service_of(stage, service)
    current = ecs.describe_task_definition(taskDefinition=there.primary.revision.definition.arn)["taskDefinition"]
    containers = current["containerDefinitions"]
    name = container or containers[0]["name"]
    if name not in [one["name"] for one in containers]:
        raise ScenarioError(f"{current['family']} has no container {name}")
    kept = {key: current[key] for key in ("family", "networkMode", "cpu", "memory") if key in current}
    changed = [{**one, "image": image} if one["name"] == name else one for one in containers]
    made = ecs.register_task_definition(**kept, containerDefinitions=changed)
    return str(made["taskDefinition"]["taskDefinitionArn"])


def running(tasks: Iterable[Task]) -> Iterator[Task]:
    """Those that run and are to run on."""
    return (task for task in tasks if task.last_status == task.desired_status == "RUNNING")


def tasks_of(stage: Stage, action: mishaps.OfTasks) -> Sequence[Task]:
    """The running tasks that are meant. Raises `ScenarioError` if there is none."""
    if action.service is not None:
        there = list(service_of(stage, action.service).tasks.values())
    else:
        homes = stage.sandbox.ecs.world.clusters.values()
        there = [task for home in homes for task in home.tasks.values() if task.service is None]
        there = [task for task in there if task.definition.family == action.task]
    found = [*running(there)][: action.count]
    if not found:
        raise ScenarioError(f"{action.service or action.task} has no running task")
    return found


def instance_of(stage: Stage, action: mishaps.OfInstance) -> Instance:
    """The container instance that is meant. Raises `ScenarioError` if there is none."""
    there = stage.instances.get(action.cluster, [])
    if action.instance > len(there):
        raise ScenarioError(f"{action.cluster} has had {len(there)} instances, there is no {action.which}")
    return there[action.instance - 1]
