"""Cases that the property test found first, kept as they were."""

from sandbox.ecs.definitions import DeploymentSettings
from sandbox.ecs.workloads import Workload, slow_start
from tests.unit.ecs.build import CLUSTER, a_model, a_service, deploy


def test_a_condemned_task_is_replaced_when_launches_are_no_longer_held_back() -> None:
    model, _told = a_model()
    service = a_service(model, 1, settings=DeploymentSettings(), behind=model.catalogue.create_target_group("web"))
    deploy(model, service, slow_start(90))
    model.advance(7)
    model.faults.shortage(after_placement=True)
    model.advance(90)
    settings = DeploymentSettings(minimum_healthy_percent=0, maximum_percent=100)
    model.update_service(CLUSTER, "web", settings=settings)
    model.faults.shortage(over=True)
    model.faults.set_workload("web:2", Workload())
    assert model.settle()
    assert len(service.tasks) == 1
