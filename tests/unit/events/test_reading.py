"""From raw JSON to typed events: tolerant of what AWS adds or garbles, strict on what we own."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from breakwater.events import (
    DeploymentStateChange,
    HookStateChange,
    ObjectOther,
    ServiceAction,
    TaskStateChange,
    Unreadable,
    parse_arn,
    parse_time,
    read,
    read_batch,
    read_json,
)
from tests.support import ABSENT, EVENTS, load_event

STOPPED = "task_stopped_nonzero_exit"


def _task(**changes: object) -> TaskStateChange:
    event = read(load_event(STOPPED, **changes))
    assert isinstance(event, TaskStateChange)
    return event


# What starts a release is the input of an execution, not an event; release.request reads it.
EXAMPLES = sorted(path.stem for path in EVENTS.glob("*.json") if not path.stem.startswith("release_"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_can_be_read(name: str) -> None:
    raw = load_event(name)
    assert not isinstance(read(raw), Unreadable) or read_batch(raw) is not None


@pytest.mark.parametrize(
    ("changes", "attribute", "expected"),
    [
        pytest.param({}, "service", "checkout", id="the service"),
        pytest.param({"group": 7}, "service", None, id="a group that is no text is absent"),
        pytest.param({}, "cluster", "shop", id="the cluster"),
        pytest.param({"cluster_arn": ABSENT}, "cluster", "shop", id="the cluster, from the task's ARN"),
        pytest.param({}, "revision", "checkout:118", id="the revision"),
        pytest.param({}, "family", "checkout", id="the family"),
        pytest.param({"task_definition_arn": []}, "revision", None, id="no revision"),
        pytest.param({"containers": {"name": "app"}}, "final", True, id="containers that are no list"),
        pytest.param({"resources": "x", "task_arn": None}, "task_arn", None, id="resources that are no list"),
        pytest.param({"resources": [5, "x"], "task_arn": None}, "task_arn", None, id="the second does not move up"),
        pytest.param({"news": {"a": [1]}}, "standalone", False, id="what AWS adds is ignored"),
    ],
)
def test_a_field_of_the_wrong_type_is_absent(changes: dict[str, object], attribute: str, expected: object) -> None:
    assert getattr(_task(**changes), attribute) == expected


def test_overrides_are_kept_only_to_be_struck_out() -> None:
    event = read(load_event("task_stopped_with_secrets_in_overrides"))
    assert isinstance(event, TaskStateChange)
    assert set(event.detail.scrub) == {"migrate", "--license", "FAKE-license-0815", "FAKE-canary-4711"}
    assert "FAKE-canary-4711" not in repr(event)


@pytest.mark.parametrize(
    "overrides",
    [
        pytest.param(None, id="null"),
        pytest.param([], id="a list"),
        pytest.param({"containerOverrides": {}}, id="an object for a list"),
        pytest.param({"containerOverrides": [None, 1, {"command": 5, "environment": 7}]}, id="odd entries"),
        pytest.param({"containerOverrides": [{"environment": [{"value": None}, {"value": {"a": 1}}]}]}, id="odd"),
    ],
)
def test_odd_overrides_do_no_harm(overrides: object) -> None:
    assert _task(overrides=overrides).detail.scrub == ()


@pytest.mark.parametrize(
    ("environment", "value"),
    [
        pytest.param({"A": "FAKEvalue"}, "FAKEvalue", id="an object"),
        pytest.param([{"name": "A", "value": 4711}], "4711", id="a number"),
        pytest.param(["FAKEvalue"], "FAKEvalue", id="bare values"),
    ],
)
def test_values_are_found_in_odd_shapes_too(environment: object, value: str) -> None:
    assert value in _task(overrides={"containerOverrides": [{"environment": environment}]}).detail.scrub


@pytest.mark.parametrize(
    ("name", "model", "service"),
    [
        pytest.param("deployment_failed", DeploymentStateChange, "checkout", id="a deployment"),
        pytest.param("deployment_failed_as_service_action", ServiceAction, "checkout", id="as a service action"),
        pytest.param("hook_awaiting_action", HookStateChange, "checkout", id="a hook"),
    ],
)
def test_events_of_services_name_the_service(name: str, model: type, service: str) -> None:
    event = read(load_event(name))
    assert isinstance(event, (DeploymentStateChange, ServiceAction, HookStateChange))
    assert (type(event), event.service, event.cluster) == (model, service, "shop")


def test_a_short_service_arn_has_no_cluster() -> None:
    event = load_event("deployment_failed", resources=["arn:aws:ecs:eu-central-1:111122223333:service/checkout"])
    del event["detail"]["clusterArn"]
    got = read(event)
    assert isinstance(got, DeploymentStateChange)
    assert (got.service, got.cluster) == ("checkout", None)


def test_any_event_of_s3_is_known() -> None:
    assert isinstance(read(load_event("object_created", detail_type="Object Tags Added")), ObjectOther)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-04-14T07:30:00Z", datetime(2026, 4, 14, 7, 30, tzinfo=UTC), id="seconds"),
        pytest.param("2026-04-14T07:30:00.618059641Z", datetime(2026, 4, 14, 7, 30, 0, 618059, UTC), id="nanoseconds"),
        pytest.param("2026-04-14T07:30:00.5Z", datetime(2026, 4, 14, 7, 30, 0, 500000, UTC), id="one digit"),
        pytest.param("2026-04-14T09:30:00.000+0200", datetime(2026, 4, 14, 7, 30, tzinfo=UTC), id="offset"),
        pytest.param("2026-04-14T07:30", datetime(2026, 4, 14, 7, 30, tzinfo=UTC), id="without offset it is UTC"),
        pytest.param("2026-13-14T07:30:00Z", None, id="no such month"),
        pytest.param("0001-01-01T00:00:00+14:00", None, id="before time"),
        pytest.param("<aws.scheduler.scheduled-time>", None, id="a placeholder"),
        pytest.param("٢٠٢٦-04-14T07:30:00Z", None, id="other digits"),
        pytest.param(1776151800, None, id="a number"),
    ],
)
def test_times_are_read_with_any_number_of_digits(text: object, expected: datetime | None) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize("text", ["", "arn", "arn:aws:ecs", "nra:aws:ecs:r:a:x", None])
def test_what_is_no_arn_has_no_parts(text: str | None) -> None:
    assert parse_arn(text) is None


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", "[" * 200_000, b"\xff\xfe\x00"])
def test_what_is_not_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|Expecting|nested|decode"):
        read_json(text)


def test_integers_of_any_length_are_json() -> None:
    value = read_json('{"a": -%s, "b": 7}' % ("9" * 5000))
    assert isinstance(value, dict)
    assert value["a"] < 0
    assert value["b"] == 7


def test_reading_an_event_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from breakwater.events import read\n"
        "read({'source': 'aws.ecs', 'detail-type': 'ECS Task State Change', 'detail': {}})\n"
        "heavy = {'boto3', 'botocore', 'asyncio', 'pydantic', 'importlib.metadata'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={"PYTHONPATH": _layer()}, capture_output=True, text=True)  # noqa: S603  (our own)
    assert done.returncode == 0, done.stderr


def _layer() -> str:
    return str(EVENTS.parent / "layers" / "core")
