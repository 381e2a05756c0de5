"""Every cause that can wake somebody has an explanation and next steps."""

import json

import pytest

from breakwater.causes import exit_code_note, explanation
from breakwater.causes_table import BY_CATEGORY, EXPLANATIONS
from breakwater.model import Category, Cause

QUIET = {
    Cause.EXITED_ZERO,
    Cause.SUCCESS,
    Cause.SCALE_IN,
    Cause.USER_STOP,
    Cause.DRAIN,
    Cause.RECOVERED,
    Cause.UPLOAD,
    Cause.SCHEDULE,
    Cause.REFUSED,
    Cause.ROUTINE,
    Cause.NOT_FINAL,
    Cause.DUPLICATE,
    Cause.STALE,
    Cause.MALFORMED,
    Cause.FOREIGN,
}


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause not in QUIET], ids=str)
def test_every_cause_that_can_alert_is_explained(cause: Cause) -> None:
    told = explanation(cause)
    assert told is not None, f"add {cause} to breakwater/causes_table.py"
    assert told.title
    assert told.meaning.endswith(".")
    assert len(told.next_steps) >= 2
    assert all(step.endswith((".", "?")) for step in told.next_steps)


@pytest.mark.parametrize("cause", sorted(QUIET), ids=str)
def test_what_never_alerts_needs_no_explanation(cause: Cause) -> None:
    assert explanation(cause) is None


def test_a_category_may_have_words_of_its_own() -> None:
    efs = explanation(Cause.CONFIGURATION, Category.TASK_START_FAILED)
    assert efs is not None
    assert "EFS" in efs.title
    assert explanation(Cause.CONFIGURATION, Category.SERVICE_IMPAIRED) == explanation(Cause.CONFIGURATION)


def test_secrets_are_said_to_be_fetched_by_the_execution_role() -> None:
    told = EXPLANATIONS[Cause.SECRETS]
    assert "execution* role" in told.meaning
    assert "not with the task role" in told.meaning


def test_the_words_are_plain_text() -> None:
    words = [*EXPLANATIONS.values(), *BY_CATEGORY.values()]
    texts = [text for told in words for text in (told.title, told.meaning, *told.next_steps)]
    assert all(text.isprintable() and text.isascii() for text in texts), json.dumps(texts)


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (0, "outage"),
        (125, "runtime"),
        (126, "executed"),
        (127, "not found"),
        (134, "SIGABRT"),
        (137, "SIGKILL"),
        (139, "SIGSEGV"),
        (143, "SIGTERM"),
        (140, "128 plus"),
        (255, "entrypoint"),
        (3221225477, "Windows"),
    ],
)
def test_exit_codes_have_notes(code: int, word: str) -> None:
    note = exit_code_note(code)
    assert note is not None
    assert word in note


@pytest.mark.parametrize("code", [None, 3, 77, -1, 10**30])
def test_other_exit_codes_mean_what_the_application_says(code: int | None) -> None:
    assert exit_code_note(code) is None


@pytest.mark.parametrize("cause", [Cause.CIRCUIT_BREAKER, Cause.DEPLOYMENT_ALARM])
def test_a_failed_deployment_and_its_rollback_read_differently(cause: Cause) -> None:
    failed = explanation(cause, Category.DEPLOYMENT_FAILED)
    rolled_back = explanation(cause, Category.DEPLOYMENT_ROLLED_BACK)
    assert failed is not None
    assert rolled_back is not None
    assert failed.title != rolled_back.title
