"""Events and the one rule of `TAKERS` that has to route each, or none.

Whatever could alert comes in; what is surely normal stays out, and each hit has a near miss. `make judge-patterns`
puts the same cases before AWS's own Event Ruler.
"""

from tests.template.bus import (
    DROP,
    ESSENTIAL_EXITED,
    MAINTENANCE,
    SCALING,
    TARGET_TRACKING,
    Event,
    a_container,
    a_deployment,
    a_running_task,
    a_service_action,
    a_stop,
    an_alarm,
    an_event,
    an_exit,
    an_upload,
)

ALERTS = "TaskAlerts"
# Of these one alone takes an event. The rollback guard weighs beside them: tests/template/test_guard_roads.py.
TAKERS = (ALERTS, "BatchRunner", "PolicySync")
ODD = "TaskAlertsOddStopRule"
NO_CODE = "TaskAlertsNoStopCodeRule"
EXIT = "TaskAlertsContainerExitRule"
SCHEDULER = "TaskAlertsSchedulerStopRule"
LOST = "TaskAlertsLostTaskRule"
SIDECAR = "TaskAlertsSidecarRule"
SERVICE = "TaskAlertsServiceRule"
HOOK = "TaskAlertsHookRule"
HEALTH = "TaskAlertsInstanceHealthRule"
THRESHOLD = "TaskAlertsThresholdRule"
RUN = "BatchRunnerStopRule"
POLICY = "PolicySyncRule"

Case = tuple[str, Event, str | None]

SPOT = "Your Spot Task was interrupted."
HOST = "Host EC2 (instance i-0abc1234def567890) terminated."
ELB = "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:us-east-1:111122223333:t/x)"
ROLLING_BACK = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1."
TASK = "ECS Task State Change"
CHECKED = {"group": "breakwater-check:prod/web", "startedBy": "breakwater/check/0123456789ab"}
OUR_RUN = "breakwater/run/nightly/20260414T120000Z-0123456789ab/1"


def a_checks_task() -> Event:
    """A task of a check that runs on although its sidecar failed."""
    event = a_running_task(a_container(status="RUNNING"), a_container(1, name="agent"))
    return event | {"detail": event["detail"] | CHECKED}


STOPS: list[Case] = [
    ("failed to start without any container", a_stop("TaskFailedToStart", "CannotPullContainerError: x"), ODD),
    ("failed to start, a sidecar ended with 0", a_stop("TaskFailedToStart", "Task failed to start", 0, DROP), ODD),
    ("failed to start, containers are null", a_stop("TaskFailedToStart", DROP, containers=None), ODD),
    ("a stop code from the future", a_stop("SomethingNewIn2027", "A reason nobody has seen", 0), ODD),
    ("a stop code in another spelling", a_stop("essentialContainerExited", DROP, 1), ODD),
    ("a stop code that is null", a_stop(None, DROP, 1), ODD),
    ("an empty stop code", a_stop("", DROP, 1), ODD),
    ("neither stop code nor reason", a_stop(DROP, DROP, 1), NO_CODE),
    ("no stop code, a text that tells of a crash", a_stop(DROP, ESSENTIAL_EXITED, 1), NO_CODE),
    ("no stop code, a text that tells of a health check", a_stop(DROP, ELB, 0), NO_CODE),
    ("no stop code, a person's text about scaling", a_stop(DROP, "why: " + SCALING, 1), NO_CODE),
    ("no stop code, a reason that is null", a_stop(DROP, None, 1), NO_CODE),
    ("no stop code, the text of a replacement", a_stop(DROP, SCALING, 1), None),
    ("exit code 1", an_exit(1), EXIT),
    ("exit code 137", an_exit(137), EXIT),
    ("exit code 143", an_exit(143), EXIT),
    ("a Windows access violation", an_exit(3221225477), EXIT),
    ("the largest Windows code", an_exit(4294967295), EXIT),
    ("a negative code", an_exit(-1), EXIT),
    ("an exit code that is a string of digits", an_exit("1"), EXIT),
    ("an exit code that is null", an_exit(None), EXIT),
    ("one container of three failed", an_exit(0, 0, 1), EXIT),
    ("the first container failed", an_exit(1, 0), EXIT),
    ("a job ended with 0 and its log router with 143", an_exit(0, 143), EXIT),
    ("no container has an exit code", an_exit(DROP, DROP), EXIT),
    ("no containers at all", an_exit(), EXIT),
    ("containers are null", an_exit(containers=None), EXIT),
    ("containers are missing", an_exit(containers=DROP), EXIT),
    ("containers are an object", an_exit(containers={"exitCode": 1}), EXIT),
    ("entries of containers are no objects", an_exit(containers=[None, "x", a_container(1)]), EXIT),
    ("a standalone task ended with 1", an_exit(1, group="family:nightly-report"), EXIT),
    ("no group, exit code 1", an_exit(1, group=DROP), EXIT),
    ("every container ended with 0", an_exit(0, 0), None),
    ("a container ended with 0, an injected one never started", an_exit(0, DROP), None),
    ("a standalone task ended with 0", an_exit(0, group="family:nightly-report"), None),
    ("exit code 1, but the task is still stopping", an_exit(1, lastStatus="STOPPING"), None),
    ("exit code 1, but the task is deprovisioning", an_exit(1, lastStatus="DEPROVISIONING"), None),
    ("the load balancer's health check failed", a_stop("ServiceSchedulerInitiated", ELB, 0), SCHEDULER),
    (
        "the container's health check failed",
        a_stop("ServiceSchedulerInitiated", "Task failed container health checks", 137),
        SCHEDULER,
    ),
    (
        "the scheduler gives a reason nobody has seen",
        a_stop("ServiceSchedulerInitiated", "A reason nobody has seen", 0),
        SCHEDULER,
    ),
    ("scale-in, exit code 143", a_stop("ServiceSchedulerInitiated", SCALING, 143), None),
    ("scale-in, exit code 1", a_stop("ServiceSchedulerInitiated", SCALING, 1), None),
    ("the scheduler gives no reason", a_stop("ServiceSchedulerInitiated", DROP, 1), None),
    ("maintenance of a service's task", a_stop("ServiceSchedulerInitiated", MAINTENANCE, 137), SCHEDULER),
    (
        "maintenance of a standalone task",
        a_stop("ServiceSchedulerInitiated", MAINTENANCE, 137, group="family:nightly-report"),
        SCHEDULER,
    ),
    ("maintenance, no group", a_stop("ServiceSchedulerInitiated", MAINTENANCE, 137, group=DROP), SCHEDULER),
    (
        "maintenance in words nobody has seen",
        a_stop("ServiceSchedulerInitiated", "AWS is performing maintenance", 137, group="family:nightly-report"),
        SCHEDULER,
    ),
    ("spot took a standalone task", a_stop("SpotInterruption", SPOT, 143, group="family:nightly-report"), LOST),
    ("spot took a task without a group", a_stop("SpotInterruption", SPOT, 143, group=DROP), LOST),
    ("spot took a task whose group is null", a_stop("SpotInterruption", SPOT, 143, group=None), LOST),
    ("a group that only resembles a service's", a_stop("SpotInterruption", SPOT, 143, group="service-batch"), LOST),
    ("the host of a standalone task is gone", a_stop("TerminationNotice", HOST, DROP, group="batch"), LOST),
    ("the infrastructure of a standalone task", a_stop("InfrastructureHealth", "x", 137, group="family:j"), LOST),
    ("spot took a task of a service", a_stop("SpotInterruption", SPOT, 137), None),
    ("the host of a service's task is gone", a_stop("TerminationNotice", HOST, DROP), None),
    ("the infrastructure of a service's task", a_stop("InfrastructureHealth", "x", 137), None),
    (
        "spot warns a standalone task that still runs",
        a_stop("SpotInterruption", SPOT, lastStatus="RUNNING", group="family:j"),
        None,
    ),
    ("a person stopped it", a_stop("UserInitiated", "Task stopped by user", 143), None),
    ("a person's text imitates a crash", a_stop("UserInitiated", ESSENTIAL_EXITED, 1), None),
]

RUNS: list[Case] = [
    ("a run ended with 0", an_exit(0, group="family:job", startedBy=OUR_RUN), RUN),
    ("a run ended with 1", an_exit(1, group="family:job", startedBy=OUR_RUN), RUN),
    ("a run failed to start", a_stop("TaskFailedToStart", "RESOURCE:CPU", startedBy=OUR_RUN), RUN),
    ("a run was stopped for its timeout", a_stop("UserInitiated", "breakwater: too long", 143, startedBy=OUR_RUN), RUN),
    ("spot took a run", a_stop("SpotInterruption", SPOT, 143, group="family:job", startedBy=OUR_RUN), RUN),
    ("a run without a stop code", a_stop(DROP, ESSENTIAL_EXITED, 1, startedBy=OUR_RUN), RUN),
    ("maintenance of a run", a_stop("ServiceSchedulerInitiated", MAINTENANCE, 137, startedBy=OUR_RUN), RUN),
    ("a run that still stops", an_exit(0, startedBy=OUR_RUN, lastStatus="STOPPING"), None),
    ("a check's task ended with 1", an_exit(1, **CHECKED), None),
    ("a check's task was out of time", a_stop("UserInitiated", "the check's time is up", 143, **CHECKED), None),
    ("a check's task failed to start", a_stop("TaskFailedToStart", "RESOURCE:CPU", **CHECKED), None),
    ("a check's task without a stop code", a_stop(DROP, ESSENTIAL_EXITED, 1, **CHECKED), None),
    ("a check's task was lost", a_stop("SpotInterruption", SPOT, 143, **CHECKED), None),
    ("a task that only names a check's group", an_exit(1, group="breakwater-check:prod/web"), EXIT),
    ("a task that somebody else started", an_exit(1, group="family:job", startedBy="breakwater"), EXIT),
    ("a task whose startedBy is null", an_exit(1, group="family:job", startedBy=None), EXIT),
    ("a task without a startedBy", an_exit(1, group="family:job", startedBy=DROP), EXIT),
    ("another account's run", an_exit(1, startedBy=OUR_RUN) | {"account": "999988887777"}, None),
]

DOCUMENTS: list[Case] = [
    ("a policy was uploaded", an_upload("policybucket", "policy.yaml"), POLICY),
    (
        "a policy was uploaded in parts",
        an_upload("policybucket", "policy.yaml", reason="CompleteMultipartUpload"),
        POLICY,
    ),
    ("another object of the bucket", an_upload("policybucket", "old/policy.yaml"), None),
    ("a policy in a bucket of yours", an_upload("shop-inbox", "policy.yaml"), None),
    ("a policy was deleted", an_upload("policybucket", "policy.yaml") | {"detail-type": "Object Deleted"}, None),
    ("another account's policy", an_upload("policybucket", "policy.yaml") | {"account": "999988887777"}, None),
]

SIDECARS: list[Case] = [
    (
        "a sidecar failed, the task runs on",
        a_running_task(a_container(status="RUNNING"), a_container(1, name="agent")),
        SIDECAR,
    ),
    ("a sidecar of a check's task failed", a_checks_task(), None),
    (
        "a sidecar's code is a string",
        a_running_task(a_container(status="RUNNING"), a_container("137", name="agent")),
        SIDECAR,
    ),
    (
        "a sidecar that runs again still shows its code",
        a_running_task(a_container(1, status="RUNNING", name="agent")),
        None,
    ),
    (
        "one sidecar runs again with a code, another ended with 0",
        a_running_task(a_container(1, status="RUNNING"), a_container(0, name="init")),
        None,
    ),
    ("a sidecar ended without a code", a_running_task(a_container(status="RUNNING"), a_container()), None),
    ("a sidecar failed, the task shall stop", a_running_task(a_container(1), desired="STOPPED"), None),
]

SERVICES: list[Case] = [
    ("tasks cannot start", a_service_action("SERVICE_TASK_START_IMPAIRED", "WARN"), SERVICE),
    (
        "no room for a task",
        a_service_action("SERVICE_TASK_PLACEMENT_FAILURE", "ERROR", "RESOURCE:CPU"),
        SERVICE,
    ),
    ("an impaired start in the wrong severity", a_service_action("SERVICE_TASK_START_IMPAIRED", "INFO"), SERVICE),
    ("an impaired start without a severity", a_service_action("SERVICE_TASK_START_IMPAIRED", DROP), SERVICE),
    ("throttling without a severity", a_service_action("ECS_OPERATION_THROTTLED", DROP), SERVICE),
    ("an unhealthy target without a severity", a_service_action("VPC_LATTICE_TARGET_UNHEALTHY", DROP), SERVICE),
    ("an unknown error", a_service_action("SOMETHING_NEW", "ERROR"), SERVICE),
    ("an unknown name without a severity", a_service_action("SOMETHING_NEW", DROP), SERVICE),
    ("a severity from the future", a_service_action("SERVICE_HEALTH_UNKNOWN", "CRITICAL"), SERVICE),
    ("a failed deployment as a service action", a_service_action("SERVICE_DEPLOYMENT_FAILED", "ERROR"), SERVICE),
    (
        "a rollback as a service action",
        a_service_action("SERVICE_DEPLOYMENT_IN_PROGRESS", "INFO", ROLLING_BACK),
        SERVICE,
    ),
    (
        "a rollback as a service action without a severity",
        a_service_action("SERVICE_DEPLOYMENT_IN_PROGRESS", DROP, ROLLING_BACK),
        SERVICE,
    ),
    ("steady state", a_service_action("SERVICE_STEADY_STATE", "INFO"), None),
    ("steady state without a severity", a_service_action("SERVICE_STEADY_STATE", DROP), None),
    ("an unknown piece of information", a_service_action("SOMETHING_NEW", "INFO"), None),
    (
        "a deployment as a service action",
        a_service_action("SERVICE_DEPLOYMENT_IN_PROGRESS", "INFO", "ECS deployment ecs-svc/1 in progress."),
        None,
    ),
    ("a failed deployment", a_deployment("SERVICE_DEPLOYMENT_FAILED", "ERROR", "alarm(s) detected"), SERVICE),
    ("a failed deployment without a severity", a_deployment("SERVICE_DEPLOYMENT_FAILED", DROP), SERVICE),
    ("throttling as news of a deployment", a_deployment("ECS_OPERATION_THROTTLED"), SERVICE),
    ("steady state as news of a deployment", a_deployment("SERVICE_STEADY_STATE"), None),
    ("a rollback", a_deployment("SERVICE_DEPLOYMENT_IN_PROGRESS", "INFO", ROLLING_BACK), SERVICE),
    ("an unknown deployment error", a_deployment("SERVICE_DEPLOYMENT_LOST", "ERROR"), SERVICE),
    ("a deployment", a_deployment("SERVICE_DEPLOYMENT_IN_PROGRESS", "INFO", "in progress."), None),
    ("a deployment without a reason", a_deployment("SERVICE_DEPLOYMENT_IN_PROGRESS"), None),
    ("a completed deployment", a_deployment("SERVICE_DEPLOYMENT_COMPLETED"), None),
    ("unknown news of a deployment", a_deployment("SERVICE_DEPLOYMENT_PAUSED"), None),
]

OTHERS: list[Case] = [
    ("a hook waits", an_event("ECS Hook State Change", {"eventName": "HOOK_AWAITING_ACTION"}), HOOK),
    ("a hook failed", an_event("ECS Hook State Change", {"eventName": "HOOK_FAILED"}), HOOK),
    ("a hook timed out", an_event("ECS Hook State Change", {"eventName": "HOOK_TIMED_OUT"}), HOOK),
    ("a hook does something new", an_event("ECS Hook State Change", {"eventName": "HOOK_LOST"}), HOOK),
    ("a hook works", an_event("ECS Hook State Change", {"eventName": "HOOK_IN_PROGRESS"}), None),
    ("a hook succeeded", an_event("ECS Hook State Change", {"eventName": "HOOK_SUCCEEDED"}), None),
    (
        "an instance is impaired",
        an_event("ECS Container Instance Health Change", {"overallStatus": "IMPAIRED"}),
        HEALTH,
    ),
    ("an instance is well", an_event("ECS Container Instance Health Change", {"overallStatus": "OK"}), None),
    ("an instance drains", an_event("ECS Container Instance State Change", {"status": "DRAINING"}), None),
    ("an ECS alarm", an_alarm("ALARM", "AWS/ECS"), THRESHOLD),
    ("an alarm of Container Insights", an_alarm("ALARM", "ECS/ContainerInsights"), THRESHOLD),
    ("an alarm of metric math on ECS", an_alarm("ALARM", "", "AWS/SQS", "AWS/ECS"), THRESHOLD),
    ("an alarm out of missing data", an_alarm("ALARM", "AWS/ECS", before="INSUFFICIENT_DATA"), THRESHOLD),
    ("an ECS alarm without a name", an_alarm("ALARM", "AWS/ECS", name=DROP), THRESHOLD),
    ("an ECS alarm whose name is null", an_alarm("ALARM", "AWS/ECS", name=None), THRESHOLD),
    (
        "an alarm of a person about target tracking",
        an_alarm("ALARM", "AWS/ECS", name="orders-TargetTracking-is-at-its-maximum"),
        THRESHOLD,
    ),
    ("an alarm of target tracking", an_alarm("ALARM", "AWS/ECS", name=TARGET_TRACKING), None),
    ("an ECS alarm is over", an_alarm("OK", "AWS/ECS", before="ALARM"), None),
    ("an ECS alarm lacks data", an_alarm("INSUFFICIENT_DATA", "AWS/ECS"), None),
    ("an alarm of our own dead-letter queues", an_alarm("ALARM", "AWS/SQS"), None),
    ("an alarm of our own functions", an_alarm("ALARM", "AWS/Lambda"), None),
    ("an alarm of no metric", an_alarm("ALARM"), None),
    ("another account's crash", an_exit(1) | {"account": "999988887777"}, None),
    ("another Region's crash", an_exit(1) | {"region": "eu-west-1"}, None),
    ("somebody else's event", an_exit(1) | {"source": "com.example"}, None),
    ("a replayed crash", an_exit(1) | {"replay-name": "r"}, EXIT),
    ("a crash from long ago", an_exit(1) | {"time": "2019-01-01T00:00:00Z"}, EXIT),
    ("no detail", an_event(TASK, DROP), None),
    ("a detail that is null", an_event(TASK, None), None),
    ("a detail that is a list", an_event(TASK, []), None),
    ("an unknown detail type", an_event("ECS Something New", {"lastStatus": "STOPPED"}), None),
]

CASES = STOPS + RUNS + DOCUMENTS + SIDECARS + SERVICES + OTHERS
