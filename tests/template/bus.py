"""Events as they lie on the bus, small: what a pattern looks at and no more. `DROP` stands for what is left out."""

from typing import Any, Final

from tests.template.reading import ACCOUNT, REGION

Event = dict[str, Any]

DROP: Final = object()
SCALING = "Scaling activity initiated by (deployment ecs-svc/3987654321098765432)"
MAINTENANCE = "ECS is performing maintenance on the underlying infrastructure hosting the task"
TARGET_TRACKING = "TargetTracking-service/prod/orders-api-AlarmLow-5f1d3c7e"
ESSENTIAL_EXITED = "Essential container in task exited"


def an_event(detail_type: str, detail: Any, source: str = "aws.ecs", **envelope: Any) -> Event:
    """An envelope of this account and Region around `detail`."""
    whole = {
        "version": "0",
        "id": "7bf73129-1428-4cd3-a780-95db273d1602",
        "detail-type": detail_type,
        "source": source,
        "account": ACCOUNT,
        "time": "2026-03-02T10:05:00Z",
        "region": REGION,
        "resources": [],
        "detail": detail,
    }
    return _without_dropped(whole | envelope)


def an_upload(bucket: str, key: str, reason: str = "PutObject") -> Event:
    """A new object in a bucket."""
    detail = {"bucket": {"name": bucket}, "object": {"key": key, "size": 1}, "reason": reason}
    return an_event("Object Created", detail, "aws.s3")


def a_container(exit_code: Any = DROP, status: str = "STOPPED", **more: Any) -> Any:
    """One entry of `containers`."""
    return _without_dropped({"name": "app", "lastStatus": status, "exitCode": exit_code} | more)


def a_stop(code: Any, reason: Any = DROP, *exit_codes: Any, **detail: Any) -> Event:
    """The final state of a task of the service orders-api, with one container for each exit code."""
    return an_event(
        "ECS Task State Change",
        _without_dropped(
            {
                "lastStatus": "STOPPED",
                "desiredStatus": "STOPPED",
                "group": "service:orders-api",
                "stopCode": code,
                "stoppedReason": reason,
                "containers": [a_container(exit_code) for exit_code in exit_codes],
            }
            | detail
        ),
    )


def an_exit(*exit_codes: Any, **detail: Any) -> Event:
    """A stop because an essential container exited."""
    return a_stop("EssentialContainerExited", ESSENTIAL_EXITED, *exit_codes, **detail)


def a_running_task(*containers: Any, desired: str = "RUNNING") -> Event:
    """A task that runs, with these containers."""
    detail = {
        "lastStatus": "RUNNING",
        "desiredStatus": desired,
        "group": "service:orders-api",
        "containers": list(containers),
    }
    return an_event("ECS Task State Change", detail)


def a_service_action(name: Any, severity: Any, reason: Any = DROP) -> Event:
    """An ECS Service Action."""
    detail = {"eventName": name, "eventType": severity, "reason": reason}
    return an_event("ECS Service Action", _without_dropped(detail))


def a_deployment(name: Any, severity: Any = "INFO", reason: Any = DROP) -> Event:
    """An ECS Deployment State Change."""
    detail = {"eventName": name, "eventType": severity, "reason": reason, "deploymentId": "ecs-svc/1"}
    return an_event("ECS Deployment State Change", _without_dropped(detail))


def an_alarm(value: str, *namespaces: str, before: str = "OK", name: Any = "an-alarm") -> Event:
    """An alarm that changed its state; a namespace of `""` is a metric-math expression."""
    metrics = [
        {"id": f"m{at}", "metricStat": {"metric": {"namespace": namespace, "name": "x"}}}
        if namespace
        else {"id": f"m{at}", "expression": "m1 / m2"}
        for at, namespace in enumerate(namespaces)
    ]
    detail = {
        "alarmName": name,
        "state": {"value": value},
        "previousState": {"value": before},
        "configuration": {"metrics": metrics},
    }
    return an_event("CloudWatch Alarm State Change", _without_dropped(detail), source="aws.cloudwatch")


def _without_dropped(mapping: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if value is not DROP}
