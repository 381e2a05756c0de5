"""Every operation, and what is the same for each: understood, done, written, or refused by its real name."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.aws import Answer, ServiceError
from sandbox.ecs.errors import EcsError
from sandbox.ecs.model import Model
from sandbox.ecs.names import Place
from sandbox.ecs.native import NativeStrategies
from sandbox.ecs_api import understood, wire
from sandbox.ecs_api.clusters import Clusters
from sandbox.ecs_api.definitions import Definitions
from sandbox.ecs_api.elbv2 import Elbv2
from sandbox.ecs_api.hooks import HookCalls
from sandbox.ecs_api.images import describe_images
from sandbox.ecs_api.kept import Json, Kept, check_tags
from sandbox.ecs_api.metrics import TrafficMetrics
from sandbox.ecs_api.paging import Pages
from sandbox.ecs_api.posed import Posed
from sandbox.ecs_api.services import Services
from sandbox.ecs_api.tasks import Tasks
from sandbox.errors import UnsupportedError

if TYPE_CHECKING:
    from sandbox.account import Account

Params = Mapping[str, Any]


class EcsApi:
    """ECS of one account: the model, and its answers to AWS calls."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.native = NativeStrategies(model)
        self.posed = Posed(model)
        kept, pages = Kept(), Pages()
        self.kept = kept
        definitions, clusters = Definitions(model, kept, self.posed, pages), Clusters(model, kept, pages)
        services = Services(model, self.native, kept, pages, definitions)
        tasks = Tasks(model, kept, pages, definitions)
        self._operations: dict[str, Callable[[Params], Json]] = {
            "RegisterTaskDefinition": definitions.register,
            "DescribeTaskDefinition": definitions.describe,
            "DeregisterTaskDefinition": definitions.deregister,
            "ListTaskDefinitions": definitions.all,
            "ListTaskDefinitionFamilies": definitions.families,
            "CreateCluster": clusters.create,
            "DescribeClusters": clusters.describe,
            "ListClusters": clusters.all,
            "RegisterContainerInstance": clusters.register_instance,
            "DescribeContainerInstances": clusters.describe_instances,
            "ListContainerInstances": clusters.instances,
            "UpdateContainerInstancesState": clusters.set_state,
            "TagResource": clusters.tag,
            "UntagResource": clusters.untag,
            "ListTagsForResource": clusters.tags,
            "CreateService": services.create,
            "UpdateService": services.update,
            "DeleteService": services.delete,
            "DescribeServices": services.describe,
            "ListServices": services.all,
            "ListServiceDeployments": services.deployments,
            "DescribeServiceDeployments": services.describe_deployments,
            "DescribeServiceRevisions": services.describe_revisions,
            "StopServiceDeployment": services.stop_deployment,
            "ContinueServiceDeployment": services.resume_deployment,
            "RunTask": tasks.run,
            "StopTask": tasks.stop,
            "DescribeTasks": tasks.describe,
            "ListTasks": tasks.all,
            "UpdateTaskProtection": tasks.protect,
            "GetTaskProtection": tasks.protection,
            "DescribeCapacityProviders": clusters.providers,
        }

    @classmethod
    def of(cls, account: "Account") -> "EcsApi":
        """Put a model into an account: on its clock, and with its events on the account's bus."""
        model = Model(seed=account.seed, start=account.clock.now, place=Place(account.id, account.region))
        model.listen(lambda change, event: None if event is None else account.bus.put(event))
        account.clock.beside = model
        api = cls(model)
        api.native.set_invoke(HookCalls(account, api.native).invoke)
        return api

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations that are served."""
        return tuple(self._operations)

    def answer(self, operation: str, params: Params) -> Json:
        """Answer one call whose parameters botocore has found to be of the right types."""
        if operation not in self._operations:
            raise UnsupportedError(f"ecs:{operation} is not part of this sandbox")
        try:
            understood.check(operation, params)
            check_tags(params.get("tags", ()))
            return wire.answered(operation, self._operations[operation](params))
        except EcsError as error:
            raise ServiceError(error.code, error.message) from error

    def answers(self) -> dict[tuple[str, str], Answer]:
        """Every operation for the gate."""

        def answer(operation: str) -> Answer:
            return lambda params: self.answer(operation, params)

        answers = {("ecs", operation): answer(operation) for operation in self._operations}
        return {
            **answers,
            **Elbv2(self.model, self.native).answers(),
            **TrafficMetrics(self.native, self.model).answers(),
            ("ecr", "DescribeImages"): lambda params: describe_images(self.model, params),
        }
