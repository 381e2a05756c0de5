"""The RunTask call: where the key of an object goes, and where nothing of it may go."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_runner.request import RefusedKeyError, overrides_for, run_task_request
from breakwater.policies import KeyPlace, TaskSpec
from breakwater.runs import Run, RunKind
from tests.fakes.batch import NOON, a_job, an_upload
from tests.thoroughness import so_many

TASK = TaskSpec(
    "shop", "ingest:3", container="job", command=("python", "-m", "ingest", "--"), environment=(("TABLE", "prices"),)
)


def a_run(key: str | None) -> Run:
    return Run("i", "ingest", RunKind.UPLOAD, "x", NOON, NOON, bucket="shop-inbox", key=key)


def override(place: KeyPlace, key: str, **changes: Any) -> dict[str, Any]:
    spec = an_upload(task=replace(TASK, **changes), key_place=place)
    found = overrides_for(spec, a_run(key), "job")["containerOverrides"]
    assert len(found) == 1
    (one,) = found
    assert isinstance(one, dict)
    return one


characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")


def _filled(piece: str, size: int) -> str:
    """A key of so many bytes, or a few less where the next character does not fit."""
    return (piece * size).encode()[:size].decode(errors="ignore") or "x"


keys = st.one_of(
    st.text(characters, min_size=1, max_size=60),
    st.builds(_filled, st.text(characters, min_size=1, max_size=12), st.integers(1, 1024)),
    st.builds(_filled, st.text(characters, min_size=1, max_size=12), st.just(1024)),
)
NASTY = [
    "--help",
    "-rf",
    "$(reboot)",
    "`id`",
    "a b",
    "a;b",
    "a\nb",
    "${OBJECT_KEY}",
    "{{ key }}",
    "%s",
    "'",
    '"',
    "\\",
    "a\tb",
    "=x",
    "é" * 512,
    "🌊" * 256,
]


@settings(max_examples=so_many(50, exhaustive=1000), deadline=None, derandomize=True)
@given(keys | st.sampled_from(NASTY))
def test_any_key_is_one_word_of_the_command_and_leaves_every_other_as_it_was(key: str) -> None:
    one = override(KeyPlace.ARGUMENT, key)
    assert one["command"] == [*TASK.command, key]
    assert one["environment"] == [
        {"name": "TABLE", "value": "prices"},
        {"name": "OBJECT_BUCKET", "value": "shop-inbox"},
    ]
    assert json.loads(json.dumps(one)) == one


@settings(max_examples=so_many(50, exhaustive=1000), deadline=None, derandomize=True)
@given(keys | st.sampled_from(NASTY))
def test_any_key_is_one_value_of_the_environment_and_leaves_the_command_as_it_was(key: str) -> None:
    one = override(KeyPlace.ENVIRONMENT, key)
    assert one["command"] == list(TASK.command)
    assert one["environment"] == [
        {"name": "TABLE", "value": "prices"},
        {"name": "OBJECT_KEY", "value": key},
        {"name": "OBJECT_BUCKET", "value": "shop-inbox"},
    ]


@settings(max_examples=so_many(50, exhaustive=500), deadline=None, derandomize=True)
@given(keys | st.builds("-{}".format, keys.filter(lambda key: len(key.encode()) < 1024)))
def test_a_key_that_looks_like_an_option_is_refused_unless_the_command_ends_its_options(key: str) -> None:
    command = ("python", "-m", "ingest")
    if key.startswith("-"):
        with pytest.raises(RefusedKeyError, match="option"):
            override(KeyPlace.ARGUMENT, key, command=command)
    else:
        assert override(KeyPlace.ARGUMENT, key, command=command)["command"] == [*command, key]


@pytest.mark.parametrize("key", NASTY, ids=lambda key: repr(key[:12]))
@pytest.mark.parametrize("place", KeyPlace)
def test_a_key_that_is_made_to_do_harm_is_one_word_too(place: KeyPlace, key: str) -> None:
    one = override(place, key)
    assert len(one["command"]) == len(TASK.command) + (place is KeyPlace.ARGUMENT)
    assert [*one["command"], *(each["value"] for each in one["environment"])].count(key) == 1


@pytest.mark.parametrize(
    ("key", "changes", "why"),
    [
        pytest.param("--help", {"command": ("ingest",)}, "option", id="an option"),
        pytest.param("-", {"command": ("ingest",)}, "option", id="a dash"),
        pytest.param("a.csv", {"command": ()}, "no command", id="a word without a command"),
        pytest.param("a\0b", {}, "NUL", id="a NUL character"),
        pytest.param("a\ud800", {}, "UTF-8", id="half a character"),
        pytest.param("ä" * 513, {}, "1026 bytes", id="a key too long"),
        pytest.param("", {}, "no key", id="no key"),
        pytest.param("a", {"environment": (("BIG", "x" * 8100),)}, "8192", id="overrides too long"),
    ],
)
def test_a_key_that_cannot_be_handed_over_is_refused_before_any_call(
    key: str, changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(RefusedKeyError, match=why):
        override(KeyPlace.ARGUMENT, key, **changes)


@pytest.mark.parametrize(("spare", "fits"), [(0, True), (1, False)])
def test_the_limit_of_ecs_counts_the_json_and_its_escapes(spare: int, fits: bool) -> None:
    spec = an_upload(task=replace(TASK, environment=()), key_name="K", bucket_name="")
    size = len(json.dumps(overrides_for(spec, a_run("é"), "job")))
    padded = replace(spec, task=replace(spec.task, command=(*TASK.command[:-1], "x" * (8192 - size + 2 + spare))))
    if fits:
        assert len(json.dumps(overrides_for(padded, a_run("é"), "job"))) == 8192
    else:
        with pytest.raises(RefusedKeyError, match="8193"):
            overrides_for(padded, a_run("é"), "job")


def test_a_job_without_command_or_environment_overrides_nothing() -> None:
    assert overrides_for(a_job(), a_run(None), "") == {}


def test_a_variable_of_the_task_that_is_the_keys_own_is_replaced_in_its_place() -> None:
    one = override(KeyPlace.ENVIRONMENT, "k", environment=(("OBJECT_KEY", "old"), ("Z", "1")))
    assert [each["name"] for each in one["environment"]] == ["OBJECT_KEY", "Z", "OBJECT_BUCKET"]
    assert one["environment"][0]["value"] == "k"


@pytest.mark.parametrize("attempt", [1, 999])
def test_the_request_keeps_the_limits_of_token_and_started_by(attempt: int) -> None:
    run = replace(a_run("k"), name="n" * 64, id="20260414T120000Z-0123456789ab", attempt=attempt)
    request = run_task_request(TASK, run, {})
    assert len(request["clientToken"]) == 64
    assert len(request["startedBy"]) <= 128


def test_each_attempt_has_a_token_of_its_own_and_keeps_it() -> None:
    tokens = [replace(a_run("k"), attempt=attempt).token for attempt in (1, 2, 1)]
    assert tokens[0] == tokens[2] != tokens[1]
