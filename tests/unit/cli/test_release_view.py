"""From the history of a release to what is shown of it: the steps, and what is new between two looks."""

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from breakwater.model import Mode
from cli.release_changes import Change, End, Event, Progress, changes, data_of, text_of
from cli.release_changes import Question as Asks
from cli.release_screen import Display, ending, page
from cli.release_view import How, Now, Seen, Step, View, view_of
from release.record import Before, Ending, Line, Question, Release, Stage
from release.record import Progress as SeenAt

NOON = datetime(2026, 4, 14, 12, 0, tzinfo=UTC)
EXECUTION = "arn:aws:states:eu-central-1:111122223333:execution:breakwater-release:prod-web-43-1f3a"
DEPLOYMENT = "arn:aws:ecs:eu-central-1:111122223333:service-deployment/prod/web/x1"
DEFINITION = "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:"
BEGUN = ("begun", "13 preflight checks passed, 2 warn")
DEPLOYED = ("deploy", "web:43 in place of web:42")
CHECKED = ("check smoke", "Passed: 2 of 2 attempts passed")
TO_SHIFT = ("CONTINUE at POST_TEST_TRAFFIC_SHIFT", "smoke: 2 of 2 attempts passed")
LOOKED = ("look 1", "0 of 240 requests failed on the new side")
COMMANDS = {"approve": "breakwater release approve x", "abort": "breakwater release abort x"}
MARKS: Mapping[str, How] = {
    ".": How.AHEAD,
    "o": How.DOING,
    "?": How.ASKING,
    "v": How.DONE,
    "x": How.FAILED,
    "-": How.NOT_DONE,
}


def lines(*told: tuple[str, str]) -> tuple[Line, ...]:
    return tuple(Line(NOON + timedelta(minutes=number), *one) for number, one in enumerate(told))


def a_release(*told: tuple[str, str], **changed: Any) -> Release:
    base = Release(
        EXECUTION,
        "prod/web",
        Stage.FORWARD,
        Mode.ACT,
        NOON,
        task_definition=f"{DEFINITION}43",
        strategy="CANARY",
        token=1,
        before=Before(f"{DEFINITION}42", "ecs-svc/1", 2),
        service_deployment=DEPLOYMENT,
        lines=lines(*(told or (BEGUN,))),
    )
    return replace(base, **changed)


def seen(release: Release | None, status: str = "RUNNING", now: Now | None = None, **more: Any) -> Seen:
    return Seen(EXECUTION, status, NOON, "prod/web", release=release, now=now, **more)


def drawn(view: View) -> str:
    letters = {how: letter for letter, how in MARKS.items()}
    return "".join(letters[row.how] for row in view.rows)


def ended(error: str, cause: str, **more: Any) -> dict[str, Any]:
    return {"stage": Stage.OVER, "ending": Ending("failed", error, cause), **more}


@pytest.mark.parametrize(
    ("looked_at", "steps"),
    [
        pytest.param(seen(None), "o......", id="it has just been started"),
        pytest.param(seen(a_release(stage=Stage.ADMITTED, service_deployment=None)), "vvo....", id="admitted"),
        pytest.param(seen(a_release(BEGUN, DEPLOYED)), "vvo....", id="deployed"),
        pytest.param(
            seen(a_release(BEGUN, DEPLOYED), now=Now("IN_PROGRESS", "SCALE_UP", 0.0, 1, 2)), "vvo....", id="scaling up"
        ),
        pytest.param(
            seen(a_release(BEGUN, DEPLOYED), now=Now("IN_PROGRESS", "POST_TEST_TRAFFIC_SHIFT")),
            "vvvo...",
            id="ECS is further than the history",
        ),
        pytest.param(
            seen(a_release(BEGUN, DEPLOYED, progress=SeenAt("IN_PROGRESS BAKE_TIME 100.0", NOON))),
            "vvv-vo.",
            id="baking, and nothing was checked",
        ),
        pytest.param(seen(a_release(BEGUN, DEPLOYED, CHECKED, TO_SHIFT, LOOKED)), "vvvvo..", id="shifting"),
        pytest.param(
            seen(a_release(BEGUN, DEPLOYED, ("checks", "1 task runs"), question=Question("h", "few", NOON, NOON))),
            "vvv?...",
            id="a person is asked",
        ),
        pytest.param(
            seen(a_release(BEGUN, DEPLOYED, CHECKED, TO_SHIFT, settle_until=NOON)), "vvvvvvo", id="almost there"
        ),
        pytest.param(
            seen(
                a_release(
                    BEGUN,
                    DEPLOYED,
                    CHECKED,
                    TO_SHIFT,
                    LOOKED,
                    ("released", "fine"),
                    stage=Stage.OVER,
                    ending=Ending("released", "Released", "fine"),
                ),
                "SUCCEEDED",
            ),
            "vvvvvvv",
            id="released",
        ),
        pytest.param(
            seen(a_release(("refused", "no"), stage=Stage.TURNED, token=0), "FAILED", error="Refused", cause="no"),
            "x------",
            id="refused",
        ),
        pytest.param(seen(None, "FAILED", error="Refused", cause="no"), "x------", id="refused without a record"),
        pytest.param(
            seen(
                a_release(
                    ("rehearsed", "fine"),
                    stage=Stage.REHEARSED,
                    token=0,
                    ending=Ending("released", "Rehearsed", "fine"),
                ),
                "SUCCEEDED",
            ),
            "v------",
            id="rehearsed",
        ),
        pytest.param(
            seen(
                a_release(BEGUN, DEPLOYED, ("check smoke", "Failed: 500"), stage=Stage.RETURNING, why="smoke: 500"),
                now=Now("ROLLBACK_IN_PROGRESS", "TEST_TRAFFIC_SHIFT", 0.0),
            ),
            "vvvx--o.",
            id="going back",
        ),
        pytest.param(
            seen(
                a_release(
                    BEGUN,
                    DEPLOYED,
                    ("check smoke", "Failed: 500"),
                    ("back", "smoke: 500; it waits at a hook"),
                    why="smoke: 500",
                    **ended("Returned", "smoke: 500; it is back, and verified"),
                ),
                "FAILED",
                error="Returned",
                cause="smoke: 500; it is back, and verified",
            ),
            "vvvx--vv",
            id="returned",
        ),
        pytest.param(
            seen(
                a_release(
                    BEGUN,
                    DEPLOYED,
                    ("back", "x; it runs"),
                    why="x",
                    **ended("NotReturned", "x; it went back, and is not so"),
                ),
                "FAILED",
                error="NotReturned",
                cause="x",
            ),
            "vvx---xx",
            id="not returned",
        ),
        pytest.param(
            seen(
                a_release(BEGUN, DEPLOYED, CHECKED, TO_SHIFT, **ended("NotVerified", "1 of 2 tasks run")),
                "FAILED",
                error="NotVerified",
                cause="1 of 2 tasks run",
            ),
            "vvvvvvx",
            id="through, and not as it should be",
        ),
        pytest.param(seen(a_release(BEGUN, DEPLOYED), "ABORTED"), "vvx----", id="somebody stopped the execution"),
        pytest.param(
            seen(a_release(BEGUN, DEPLOYED, strategy="ROLLING"), now=Now("SUCCESSFUL", "CLEAN_UP", 100.0)),
            "vvvo.",
            id="a rolling service is checked when it is through",
        ),
        pytest.param(
            seen(
                a_release(
                    BEGUN, DEPLOYED, CHECKED, strategy="ROLLING", judged="after the deployment", settle_until=NOON
                ),
                now=Now("SUCCESSFUL", "CLEAN_UP", 100.0),
            ),
            "vvvvo",
            id="a rolling service settles",
        ),
    ],
)
def test_the_steps_of_a_release_are_read_from_its_history(looked_at: Seen, steps: str) -> None:
    assert drawn(view_of(looked_at)) == steps


def test_a_step_says_what_the_history_says_of_it_and_a_current_one_what_ecs_says() -> None:
    view = view_of(
        seen(
            a_release(BEGUN, DEPLOYED, CHECKED, TO_SHIFT, LOOKED),
            now=Now("IN_PROGRESS", "PRODUCTION_TRAFFIC_SHIFT", 10),
        )
    )
    notes = {row.step: row.note for row in view.rows}
    assert notes[Step.PREFLIGHT] == BEGUN[1]
    assert notes[Step.CHECKS] == "smoke: Passed: 2 of 2 attempts passed"
    assert notes[Step.SHIFT] == f"10 % of the production traffic; {LOOKED[1]}"
    assert view.title == "web:42 → web:43, canary"


def test_a_step_that_a_person_let_pass_says_so() -> None:
    doubt, word = (
        ("check smoke", "Inconclusive: no network"),
        ("go on", "approved by ann although inconclusive: no network"),
    )
    notes = {
        row.step: row.note for row in view_of(seen(a_release(BEGUN, DEPLOYED, doubt, word, TO_SHIFT, LOOKED))).rows
    }
    assert (notes[Step.CHECKS], notes[Step.SHIFT]) == (word[1], LOOKED[1])
    notes = {row.step: row.note for row in view_of(seen(a_release(BEGUN, CHECKED, TO_SHIFT, LOOKED, word))).rows}
    assert (notes[Step.CHECKS], notes[Step.SHIFT]) == (f"smoke: {CHECKED[1]}", word[1])


def test_what_failed_is_told_once_and_where() -> None:
    told = "smoke: 500; it is back, and verified: web:42 runs"
    view = view_of(
        seen(
            a_release(BEGUN, DEPLOYED, ("back", "smoke: 500; it waits"), why="smoke: 500", **ended("Returned", told)),
            "FAILED",
            error="Returned",
            cause=told,
        )
    )
    notes = {row.step: row.note for row in view.rows if row.note and row.how is not How.DONE}
    assert notes == {Step.DEPLOY: "smoke: 500"}
    assert {row.step: row.note for row in view.rows}[Step.RETURN] == "it waits"
    assert {row.step: row.note for row in view.rows}[Step.VERIFY] == "it is back, and verified: web:42 runs"
    assert (view.result is not None and not view.result.good, ending(view, "bucket")) == (
        True,
        [
            (f"Returned: {told}", "bold red"),
            ("s3://bucket/releases/prod/web/prod-web-43-1f3a/release-report.html", ""),
        ],
    )


def news_of(before: Seen | None, after: Seen) -> list[Change]:
    return list(changes(view_of(before) if before else None, view_of(after), NOON, COMMANDS))


def test_only_what_is_new_is_told() -> None:
    first, second = seen(a_release(BEGUN, DEPLOYED)), seen(a_release(BEGUN, DEPLOYED, CHECKED))
    assert news_of(first, first) == []
    assert news_of(first, second) == [Event(NOON + timedelta(minutes=2), *CHECKED)]
    assert news_of(None, second) == [
        Event(NOON + timedelta(minutes=n), *one) for n, one in enumerate((BEGUN, DEPLOYED, CHECKED))
    ]


def test_a_history_that_has_lost_its_first_lines_is_told_on_from_the_last_one() -> None:
    before, after = a_release(BEGUN, DEPLOYED), a_release(BEGUN, DEPLOYED, CHECKED)
    assert news_of(seen(before), seen(replace(after, lines=after.lines[1:]))) == [Event(after.lines[2].at, *CHECKED)]


def test_traffic_a_question_and_the_end_are_told_once_each() -> None:
    asked = a_release(
        BEGUN, DEPLOYED, question=Question("h", "too few [bold]requests", NOON, NOON + timedelta(hours=1))
    )
    here = Now("IN_PROGRESS", "PRODUCTION_TRAFFIC_SHIFT", 10.0)
    first = news_of(seen(a_release(BEGUN, DEPLOYED)), seen(asked, now=here))
    assert [type(one) for one in first] == [Progress, Asks]
    assert text_of(first[1]).splitlines()[1:] == ["  breakwater release approve x", "  breakwater release abort x"]
    assert news_of(seen(asked, now=here), seen(asked, now=here)) == []
    over = seen(a_release(BEGUN, DEPLOYED, **ended("Returned", "x")), "FAILED", error="Returned", cause="x")
    [end] = news_of(seen(asked), over)
    assert isinstance(end, End)
    assert data_of(end) == {"kind": "end", "at": NOON.isoformat(), "outcome": "Returned", "good": False, "reason": "x"}


def test_text_from_the_account_is_never_markup_and_holds_no_escapes_or_secrets() -> None:
    bad = "[bold red]x[/bold red] \x1b[31mred password=hunter2hunter2"
    looked_at = seen(
        a_release((BEGUN[0], bad), question=Question("h", bad, NOON, NOON), why=bad), "FAILED", error=bad, cause=bad
    )
    console = Console(file=io.StringIO(), width=300, force_terminal=False)
    console.print(page(view_of(looked_at), NOON))
    shown = console.file.getvalue() + "".join(text for text, _ in ending(view_of(looked_at), ""))  # type: ignore[attr-defined]  # a StringIO
    shown += "".join(text_of(change) for change in news_of(None, looked_at))
    assert "[bold red]x[/bold red]" in shown
    assert "\x1b" not in shown
    assert "hunter2" not in shown


def test_the_display_prints_the_commands_that_answer_in_lines_that_are_not_cut() -> None:
    asked = seen(a_release(BEGUN, DEPLOYED, question=Question("h", "few", NOON, NOON + timedelta(hours=1))))
    told = io.StringIO()
    display = Display(COMMANDS, Console(file=told, width=24, force_terminal=True, color_system=None))
    display.show(view_of(asked), NOON)
    display.show(view_of(asked), NOON)
    display.close()
    assert told.getvalue().count("  breakwater release approve x\n") == 1
    assert "until 13:00" in told.getvalue()
