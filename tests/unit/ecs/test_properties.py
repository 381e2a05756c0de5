"""Whatever people and AWS do, in whatever order: what must hold at every change, and in the end."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from sandbox.ecs import EcsError, Model
from sandbox.ecs.definitions import (
    CircuitBreaker,
    ContainerDefinition,
    DeploymentAlarms,
    DeploymentSettings,
    LoadBalancer,
    PortMapping,
    Threshold,
)
from sandbox.ecs.log import Change
from sandbox.ecs.rollouts import ONGOING
from sandbox.ecs.scheduler import most
from sandbox.ecs.state import LIVE, Service, Task
from sandbox.ecs.workloads import (
    Workload,
    background_crashes,
    crash_after,
    crash_on_start,
    crash_once_healthy,
    flaky,
    ignores_sigterm,
    image_missing,
    never_healthy,
    out_of_memory,
    slow_start,
)

CLUSTER = "prod"
ORDER = ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED")
WITH_EVENTS = {"task", "deployment", "service_action", "instance", "instance_health", "hook"}
WORKLOADS = st.sampled_from(
    [
        Workload(),
        slow_start(90),
        crash_on_start(),
        crash_after(50),
        crash_once_healthy(5),
        flaky(0.4),
        background_crashes(3.0),
        image_missing(),
        never_healthy(),
        ignores_sigterm(),
        out_of_memory(20),
    ]
)
SETTINGS = st.builds(
    lambda bounds, enable, rollback, threshold, reset, alarms: DeploymentSettings(
        minimum_healthy_percent=bounds[0],
        maximum_percent=bounds[1],
        circuit_breaker=CircuitBreaker(enable, rollback, Threshold(*threshold), reset),
        alarms=DeploymentAlarms(("errors",), enable=alarms, rollback=True),
    ),
    st.sampled_from([(100, 200), (0, 100), (50, 200), (0, 150)]),  # none of them can block a deployment
    st.booleans(),
    st.booleans(),
    st.sampled_from([("COUNT", 3), ("BOUNDED_PERCENT", 50), ("UNBOUNDED_PERCENT", 25)]),
    st.booleans(),
    st.booleans(),
)


class Account(RuleBasedStateMachine):
    """A service on Fargate behind a target group, one on container instances, and what befalls them."""

    def __init__(self) -> None:
        super().__init__()
        self.versions: dict[str, int] = {}
        self.statuses: dict[str, str] = {}
        self.serial = 0

    @initialize(
        seed=st.integers(0, 10_000),
        one=SETTINGS,
        other=SETTINGS,
        wanted=st.integers(1, 6),
        grace=st.sampled_from([0, 120]),
    )
    def begin(self, seed: int, one: DeploymentSettings, other: DeploymentSettings, wanted: int, grace: int) -> None:
        self.model = Model(seed=seed)
        self.model.listen(self.hear)
        self.model.catalogue.create_cluster(CLUSTER)
        self.group = self.model.catalogue.create_target_group("web", deregistration_delay_seconds=60)
        self.model.catalogue.register_instance(CLUSTER, cpu=2048, memory=4096)
        behind = [LoadBalancer(self.group.arn, "app", 80)]
        for name, launch_type, more in (
            ("web", "FARGATE", {"load_balancers": behind, "grace_seconds": grace}),
            ("data", "EC2", {}),
        ):
            arn = self.revise(name, Workload())
            chosen = one if name == "web" else other
            self.model.create_service(CLUSTER, name, arn, wanted, settings=chosen, launch_type=launch_type, **more)  # type: ignore[arg-type]

    # ── what must hold at every change ──────────────────────────────────────────────────────────────────────────────
    def hear(self, change: Change, event: dict[str, Any] | None) -> None:
        assert (event is not None) == (change.kind in WITH_EVENTS), f"{change} must have exactly one event or none"
        if change.kind in ("task", "instance"):
            assert change.version == self.versions.get(change.subject, 0) + 1, f"{change}: versions rise by one"
            self.versions[change.subject] = change.version
            assert event is not None
            assert event["detail"]["version"] == change.version
        if change.kind == "task":
            assert event is not None
            assert event["detail"]["lastStatus"] == change.status
            before = self.statuses.get(change.subject, "PROVISIONING")
            assert before != "STOPPED", f"{change}: a stopped task is final"
            assert ORDER.index(change.status) >= ORDER.index(before), f"{change}: no way back from {before}"
            self.statuses[change.subject] = change.status
            if change.version == 1:
                self.launched(self.model.task(CLUSTER, change.subject))

    def launched(self, task: Task) -> None:
        """No launch takes a service above its maximum percent."""
        if task.service is not None:
            live = sum(other.last_status in LIVE for other in task.service.tasks.values())
            assert live <= most(task.service), f"{live} tasks of {task.service.desired} with {task.service.settings}"

    # ── what people and AWS do ──────────────────────────────────────────────────────────────────────────────────────
    @property
    def services(self) -> list[Service]:
        return list(self.model.catalogue.cluster(CLUSTER).services.values())

    def some_task(self, number: int) -> Task | None:
        tasks = [task for service in self.services for task in service.tasks.values()]
        return tasks[number % len(tasks)] if tasks else None

    def revise(self, name: str, workload: Workload) -> str:
        self.serial += 1
        image = f"{name}:{self.serial}"
        self.model.faults.set_workload(image, workload)
        app = ContainerDefinition("app", image, ports=(PortMapping(80),))
        mode = "awsvpc" if name == "web" else "bridge"
        return self.model.catalogue.register(name, [app], cpu=256, memory=512, network_mode=mode).arn

    @rule(seconds=st.sampled_from([1, 7, 30, 90, 300, 1200]))
    def time_passes(self, seconds: int) -> None:
        self.model.advance(seconds)
        self.look()

    @rule(name=st.sampled_from(["web", "data"]), workload=WORKLOADS)
    def deploy(self, name: str, workload: Workload) -> None:
        self.model.update_service(CLUSTER, name, task_definition=self.revise(name, workload))

    @rule(name=st.sampled_from(["web", "data"]), desired=st.integers(0, 7))
    def scale(self, name: str, desired: int) -> None:
        self.model.update_service(CLUSTER, name, desired=desired)

    @rule(name=st.sampled_from(["web", "data"]), chosen=SETTINGS)
    def change_settings(self, name: str, chosen: DeploymentSettings) -> None:
        self.model.update_service(CLUSTER, name, settings=chosen)

    @rule(name=st.sampled_from(["web", "data"]))
    def stop_deployment(self, name: str) -> None:
        rollout = self.model.active_service(CLUSTER, name).service_deployments[-1]
        with suppress(EcsError):
            self.model.stop_service_deployment(rollout.arn)

    @rule(
        number=st.integers(0, 20),
        what=st.sampled_from(
            ["stop", "spot_interruption", "maintenance", "crash", "break_health", "infrastructure_failure"]
        ),
    )
    def befall_a_task(self, number: int, what: str) -> None:
        task = self.some_task(number)
        if task is None:
            return
        if what == "stop":
            self.model.stop_task(CLUSTER, task.id, "by hand")
        else:
            getattr(self.model.faults, what)(task)

    @rule(count=st.integers(1, 3), launch_type=st.sampled_from(["FARGATE", "EC2"]))
    def run_a_job(self, count: int, launch_type: str) -> None:
        name = "web" if launch_type == "FARGATE" else "data"
        self.model.run_task(CLUSTER, name, count=count, launch_type=launch_type)

    @rule(what=st.sampled_from(["lose_instance", "spot_instance_interruption"]))
    def befall_an_instance(self, what: str) -> None:
        instances = list(self.model.catalogue.cluster(CLUSTER).instances.values())
        if instances:
            getattr(self.model.faults, what)(instances[0])

    @rule(status=st.sampled_from(["ACTIVE", "DRAINING"]))
    def drain(self, status: str) -> None:
        for instance in list(self.model.catalogue.cluster(CLUSTER).instances.values())[:1]:
            self.model.catalogue.set_instance_status(CLUSTER, instance.id, status)

    @precondition(lambda self: len(self.model.catalogue.cluster(CLUSTER).instances) < 4)
    @rule(cpu=st.sampled_from([512, 2048]))
    def add_an_instance(self, cpu: int) -> None:
        self.model.catalogue.register_instance(CLUSTER, cpu=cpu, memory=4096)

    @rule(over=st.booleans(), late=st.booleans())
    def shortage(self, over: bool, late: bool) -> None:
        self.model.faults.shortage(over=over, after_placement=late)

    @rule(over=st.booleans())
    def registry_outage(self, over: bool) -> None:
        self.model.faults.registry_outage(over=over)

    @rule(state=st.sampled_from(["OK", "ALARM"]))
    def alarm(self, state: str) -> None:
        self.model.faults.set_alarm("errors", state)

    # ── what must hold whenever one looks ───────────────────────────────────────────────────────────────────────────
    def look(self) -> None:
        for service in self.services:
            assert [one.status for one in service.deployments[:1]] == ["PRIMARY"]
            assert all(one.status == "ACTIVE" for one in service.deployments[1:])
            for task in service.tasks.values():
                assert task.last_status != "STOPPED"
                assert (task.desired_status == "STOPPED") == (task.stop_code is not None)
            ongoing = [one for one in service.service_deployments if one.status in ONGOING]
            assert len(ongoing) <= 1, "there is one service deployment at a time"
        for instance in self.model.catalogue.cluster(CLUSTER).instances.values():
            used = sum(task.definition.cpu for task in instance.tasks.values())
            assert instance.cpu == instance.cpu_registered - used >= 0

    def teardown(self) -> None:
        """Every fault ends; then every service gets back to its desired count, and every deployment has an end."""
        if not hasattr(self, "model"):
            return
        self.model.faults.shortage(over=True)
        self.model.faults.registry_outage(over=True)
        self.model.faults.set_alarm("errors", "OK")
        for image in list(self.model.world.images):
            self.model.faults.set_workload(image, Workload())
        self.model.catalogue.register_instance(CLUSTER, cpu=16384, memory=32768)
        self.model.settle(timedelta(hours=2))
        for service in self.services:
            if service.primary.stalled:  # nothing but a new deployment helps here, as on AWS
                self.model.update_service(CLUSTER, service.name, task_definition=self.revise(service.name, Workload()))
        assert self.model.settle(timedelta(hours=12)), [
            (one.name, one.desired, one.settings, [(t.last_status, t.healthy, t.condemned) for t in one.tasks.values()])
            for one in self.services
        ]
        self.look()
        for service in self.services:
            statuses = [task.last_status for task in service.tasks.values()]
            assert statuses == ["RUNNING"] * service.desired
            assert not [one for one in service.service_deployments if one.status in ONGOING]
            assert service.primary.rollout_state == "COMPLETED"
            assert len(service.deployments) == 1, "what is completely replaced is no longer listed"


TestAccount = Account.TestCase
TestAccount.settings = settings(
    max_examples=80, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
