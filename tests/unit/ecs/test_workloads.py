"""What each workload looks like from outside: stop codes, reasons and exit codes as in ecs 11 and the corpus."""

from typing import Any

import pytest

from sandbox.ecs.definitions import ContainerDefinition, HealthCheck, Override
from sandbox.ecs.state import Task
from sandbox.ecs.workloads import (
    KINDS,
    ProcessResult,
    Workload,
    background_crashes,
    crash_after,
    crash_on_start,
    crash_once_healthy,
    exits_zero,
    flaky,
    ignores_sigterm,
    image_missing,
    never_healthy,
    never_healthy_at_target_group,
    out_of_memory,
    real_process,
    secret_missing,
    slow_start,
)
from tests.unit.ecs.build import CLUSTER, Told, a_model, a_service, deploy, guarded, revise

ESSENTIAL = "Essential container in task exited"
NOT_FOUND = (
    "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
    "failed to resolve ref job:1: job:1: not found"
)


def run(workload: Workload, seconds: float = 600, **more: Any) -> tuple[Task, Told]:
    """Run one task of its own."""
    model, told = a_model()
    [task], _ = model.run_task(CLUSTER, revise(model, workload, family="job", **more))
    model.advance(seconds)
    return task, told


@pytest.mark.parametrize(
    ("workload", "code", "reason", "exit_code", "container_reason"),
    [
        pytest.param(crash_on_start(3), "EssentialContainerExited", ESSENTIAL, 3, None, id="crash on start"),
        pytest.param(crash_after(60, 139), "EssentialContainerExited", ESSENTIAL, 139, None, id="crash after"),
        pytest.param(crash_once_healthy(), "EssentialContainerExited", ESSENTIAL, 1, None, id="crash once healthy"),
        pytest.param(flaky(0.999), "EssentialContainerExited", ESSENTIAL, 1, None, id="flaky"),
        pytest.param(background_crashes(1000), "EssentialContainerExited", ESSENTIAL, 1, None, id="background crash"),
        pytest.param(
            out_of_memory(30),
            "EssentialContainerExited",
            ESSENTIAL,
            137,
            "OutOfMemoryError: container killed due to memory usage",
            id="out of memory",
        ),
        pytest.param(image_missing(), "TaskFailedToStart", NOT_FOUND, None, None, id="image missing"),
        pytest.param(
            secret_missing(), "TaskFailedToStart", secret_missing().start_error, None, None, id="secret missing"
        ),
        pytest.param(exits_zero(30), "EssentialContainerExited", ESSENTIAL, 0, None, id="exits 0"),
    ],
)
def test_a_workload_ends_with_its_stop_code_reason_and_exit_code(
    workload: Workload, code: str, reason: str, exit_code: int | None, container_reason: str | None
) -> None:
    task, told = run(workload)
    detail = told.final(task)
    assert (detail["lastStatus"], detail["stopCode"], detail["stoppedReason"]) == ("STOPPED", code, reason)
    [container] = detail["containers"]
    assert (container.get("exitCode"), container.get("reason")) == (exit_code, container_reason)
    assert container["lastStatus"] == "STOPPED"


@pytest.mark.parametrize(
    "workload", [Workload(), slow_start(60), flaky(0.0), background_crashes(0.0)], ids=lambda one: one.kind
)
def test_a_good_workload_keeps_running(workload: Workload) -> None:
    task, told = run(workload)
    assert told.statuses(task) == ["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING"]
    assert task.healthy


def test_a_flaky_workload_fails_about_as_often_as_it_says() -> None:
    model, _told = a_model()
    revision = revise(model, flaky(0.2), family="job")
    started = [task for _ in range(60) for task in model.run_task(CLUSTER, revision, count=10)[0]]
    model.advance(600)
    assert 80 < sum(task.last_status == "STOPPED" for task in started) < 160


def test_background_crashes_come_at_about_their_rate() -> None:
    model, _told = a_model()
    revision = revise(model, background_crashes(1.0), family="job")
    started = [task for _ in range(60) for task in model.run_task(CLUSTER, revision, count=10)[0]]
    model.advance(1800 + 60)
    assert 190 < sum(task.desired_status == "STOPPED" for task in started) < 290  # 600 (1 - exp(-1/2)) = 236


@pytest.mark.parametrize(
    ("workload", "code", "seconds"),
    [
        pytest.param(Workload(), 143, 16, id="leaves on SIGTERM"),
        pytest.param(ignores_sigterm(), 137, 22, id="is killed at its stopTimeout"),
    ],
)
def test_sigterm_is_followed_by_sigkill_at_the_stop_timeout(workload: Workload, code: int, seconds: int) -> None:
    model, told = a_model()
    [task], _ = model.run_task(CLUSTER, revise(model, workload, family="job", stop_timeout=7_000))
    model.advance(60)
    model.stop_task(CLUSTER, task.id, "no longer needed")
    model.advance(120)
    detail = told.final(task)
    assert (detail["stopCode"], detail["stoppedReason"]) == ("UserInitiated", "no longer needed")
    assert detail["containers"][0]["exitCode"] == code
    assert task.stopped_at is not None
    assert task.stopping_at is not None
    assert (task.stopped_at - task.stopping_at) / 1000 == seconds


def test_a_task_that_is_never_healthy_at_its_target_group_is_replaced_with_the_reason() -> None:
    model, told = a_model()
    group = model.catalogue.create_target_group("web")
    service = a_service(model, 1, behind=group)
    deploy(model, service, never_healthy_at_target_group())
    model.advance(300)
    stopped = [one for one in told.details("ECS Task State Change") if one["lastStatus"] == "STOPPED"]
    assert stopped[0]["stoppedReason"] == f"Task failed ELB health checks in (target-group {group.arn})"
    assert stopped[0]["stopCode"] == "ServiceSchedulerInitiated"


def test_a_task_that_fails_its_container_check_is_replaced_with_the_reason() -> None:
    model, told = a_model()
    service = a_service(model, 1, check=HealthCheck())
    deploy(model, service, never_healthy(), check=HealthCheck())
    model.advance(300)
    stopped = [one for one in told.details("ECS Task State Change") if one["lastStatus"] == "STOPPED"]
    assert stopped[0]["stoppedReason"] == "Task failed container health checks"


def test_an_essential_container_takes_the_others_along() -> None:
    model, told = a_model()
    model.faults.set_workload("router", ignores_sigterm())
    model.faults.set_workload("proxy", Workload())
    others = [ContainerDefinition("router", "router", essential=False), ContainerDefinition("proxy", "proxy")]
    [task], _ = model.run_task(CLUSTER, revise(model, crash_after(60), family="job", others=others))
    model.advance(300)
    codes = {one["name"]: one["exitCode"] for one in told.final(task)["containers"]}
    assert codes == {"app": 1, "router": 137, "proxy": 143}


def test_a_sidecar_may_end_while_the_task_runs_on() -> None:
    model, told = a_model()
    model.faults.set_workload("agent", crash_after(10, 1))
    others = [ContainerDefinition("agent", "agent", essential=False)]
    [task], _ = model.run_task(CLUSTER, revise(model, None, family="job", others=others))
    model.advance(300)
    detail = told.final(task)
    assert (detail["lastStatus"], detail["desiredStatus"], detail["version"]) == ("RUNNING", "RUNNING", 5)
    assert {one["name"]: (one["lastStatus"], one.get("exitCode")) for one in detail["containers"]} == {
        "app": ("RUNNING", None),
        "agent": ("STOPPED", 1),
    }


def test_a_crash_may_have_a_reason_of_the_runtime() -> None:
    model, told = a_model()
    [task], _ = model.run_task(CLUSTER, revise(model, family="job"))
    model.advance(60)
    model.faults.crash(task, 139, reason="segmentation fault")
    model.advance(60)
    [container] = told.final(task)["containers"]
    assert (container["exitCode"], container["reason"]) == (139, "segmentation fault")


def test_a_missing_secret_keeps_only_those_tasks_from_starting_that_ask_for_it() -> None:
    model, _told = a_model()
    model.faults.miss_secret("db")
    [asks], _ = model.run_task(CLUSTER, revise(model, None, family="asks", secrets=("db",)))
    [other], _ = model.run_task(CLUSTER, revise(model, None, family="other"))
    model.advance(120)
    assert (asks.last_status, other.last_status) == ("STOPPED", "RUNNING")


def test_a_registry_outage_hits_pulls_of_its_images_until_it_is_over() -> None:
    model, _told = a_model()
    model.faults.registry_outage("job")
    [first], _ = model.run_task(CLUSTER, revise(model, None, family="job"))
    [other], _ = model.run_task(CLUSTER, revise(model, None, family="web"))
    model.advance(120)
    model.faults.registry_outage("job", over=True)
    [second], _ = model.run_task(CLUSTER, "job")
    model.advance(120)
    assert (first.stop_code, other.last_status, second.last_status) == ("TaskFailedToStart", "RUNNING", "RUNNING")
    assert "CannotPullContainerError" in (first.stopped_reason or "")


def test_on_ec2_the_reason_of_a_failed_pull_is_on_the_container() -> None:
    model, told = a_model()
    model.catalogue.register_instance(CLUSTER)
    revision = revise(model, image_missing(), family="job", network_mode="bridge")
    [task], _ = model.run_task(CLUSTER, revision, launch_type="EC2")
    model.advance(120)
    detail = told.final(task)
    assert detail["stoppedReason"] == "Task failed to start"
    assert detail["containers"][0]["reason"].startswith("CannotPullContainerError: ")


def test_a_real_process_is_run_by_the_runner_with_the_overrides_of_its_task() -> None:
    asked: list[tuple[tuple[str, ...], dict[str, str]]] = []

    def runner(command: tuple[str, ...], environment: dict[str, str]) -> ProcessResult:
        asked.append((command, environment))
        return ProcessResult(5_000, 9)

    model, told = a_model(runner=runner)
    override = Override("app", ("python", "other.py"), (("DAY", "monday"),))
    [task], _ = model.run_task(
        CLUSTER, revise(model, real_process("python", "job.py"), family="job"), overrides=[override]
    )
    model.run_task(CLUSTER, "job")
    model.advance(300)
    assert asked == [(("python", "other.py"), {"DAY": "monday"}), (("python", "job.py"), {})]
    assert told.final(task)["containers"][0]["exitCode"] == 9
    assert told.final(task)["overrides"]["containerOverrides"][0]["command"] == ["python", "other.py"]


def test_every_workload_has_a_name_for_scenarios() -> None:
    assert set(KINDS) >= {
        "healthy", "slow_start", "crash_on_start", "crash_after", "crash_once_healthy", "flaky", "background_crashes",
        "out_of_memory", "image_missing", "secret_missing", "never_healthy", "ignores_sigterm", "exits_zero",
        "real_process",
    }  # fmt: skip


def test_a_slow_start_is_fatal_without_grace_and_fine_with_it() -> None:
    ends = []
    for grace in (0, 300):
        model, _told = a_model()
        group = model.catalogue.create_target_group("web")
        service = a_service(model, 2, behind=group, settings=guarded(), grace=grace)
        deploy(model, service, slow_start(120))
        assert model.settle()
        ends.append(service.service_deployments[-1].status)
    assert ends == ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]


def test_the_grace_period_covers_container_checks_too() -> None:
    ends = []
    for grace in (0, 200):
        model, _told = a_model()
        service = a_service(model, 2, check=HealthCheck(), grace=grace)
        deploy(model, service, slow_start(120), check=HealthCheck())
        assert model.settle()
        ends.append(service.service_deployments[-1].status)
    assert ends == ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]
