"""`breakwater policy check|diff|push`: a document is judged offline, compared, and handed to the stack.

`check` and `diff` call nothing unless they are told to look at the account. `push` writes one object with the caller's
own credentials and waits for what the stack makes of it; all that is created is created by the stack.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from breakwater.compiled import Compiled
from breakwater.errors import BreakwaterError, DocumentError
from breakwater.policy import FILE, Policy, compile_policy, read_policy
from breakwater.routes import Place, Routes, routes_of
from cli.context import WrongUsageError
from cli.policy_account import Account, Fate
from policy_sync.applying import said
from policy_sync.decision import Leave, Plan, Refuse, decide_plan

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)
EMPTY = "version: 1\n"
CHANNELS = ("mail", "slack")
NOWHERE = Place(
    "000000000000",
    "nowhere",
    "ours",
    "schedule/ours/{}",
    "breakwater-upload-",
    "role",
    "jobs",
    "up",
    "dead",
    "scaler",
    "role",
    "dead",
)
_JSON = Annotated[bool, typer.Option("--json", help="One JSON object instead of lines for people.")]
_STACK = Annotated[str, typer.Option("--stack", help="The name of the stack.")]


@dataclass(frozen=True, slots=True)
class _Read:
    policy: Policy | None
    problems: tuple[str, ...] = ()


@app.callback()
def policy() -> None:
    """Check, compare and push the policy document."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The document.")],
    live: Annotated[bool, typer.Option("--live", help="Also look at buckets and task definitions.")] = False,
    stack: _STACK = "breakwater",
    as_json: _JSON = False,
) -> None:
    """Say whether a policy document is good, and where it is not. Calls nothing but with --live.

    Exits with 1 if there is anything wrong.
    """
    text = _text(file)
    found = _judged(text, file.name)
    problems, jobs, uploads = list(found.problems), 0, 0
    if found.policy:
        jobs, uploads = len(found.policy.jobs), len(found.policy.uploads)
        if live:
            problems += _account(stack).shortcomings(_compiled(found.policy))
    if as_json:
        typer.echo(json.dumps({"file": str(file), "ok": not problems, "problems": problems}))
    else:
        for problem in problems:
            typer.echo(problem)
        if not problems:
            typer.echo(f"{file}: good. {_count(jobs, 'job')}, {_count(uploads, 'upload')}.")
    raise typer.Exit(1 if problems else 0)


@app.command()
def diff(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The document.")],
    against: Annotated[
        Path | None, typer.Option("--against", help="Another document instead of the account; nothing is called.")
    ] = None,
    stack: _STACK = "breakwater",
    as_json: _JSON = False,
) -> None:
    """Show what pushing a document would create, change and delete: the plan that the stack would make.

    Exits with 1 if the document is wrong or something that is not Breakwater's is in the way.
    """
    found = _judged(_text(file), file.name)
    if found.policy is None:
        _bad(found.problems, as_json)
    now = datetime.now(UTC)
    if against is not None:
        other = _judged(_text(against), against.name)
        if other.policy is None:
            _bad(other.problems, as_json)
        before = _compiled(other.policy)
        after = _compiled(found.policy)
        plan = decide_plan(_routes(after, NOWHERE), _routes(before, NOWHERE), now)
    else:
        account = _account(stack)
        try:
            place, there, before = account.place(), account.found(), account.in_force()
        except BreakwaterError as error:
            _wrong("diff", str(error))
        after = _compiled(found.policy)
        plan = decide_plan(_routes(after, place), there, now)
    _show(plan, _rules_that_change(before, after), as_json)


@app.command()
def push(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="The document.")] = None,
    empty: Annotated[
        bool, typer.Option("--empty", help="Push an empty document: before the stack is deleted.")
    ] = False,
    stack: _STACK = "breakwater",
    wait: Annotated[int, typer.Option(help="Seconds to wait for the outcome.")] = 120,
    as_json: _JSON = False,
) -> None:
    """Hand a document to the stack and say what it made of it. A document that is wrong is not handed over.

    Exits with 1 if it was rejected, not applied in full, or nothing was heard in time.
    """
    if (file is None) is not empty:
        _wrong("push", "name a FILE, or say --empty")
    text = _text(file) if file else EMPTY
    found = _judged(text, file.name if file else FILE)
    if found.policy is None:
        _bad(found.problems, as_json)
    try:
        fate = _account(stack).push(text, wait)
    except BreakwaterError as error:
        _wrong("push", str(error))
    _tell(fate, wait, as_json)


def make_account(stack: str) -> Account:
    """The account that the caller's own credentials lead to."""
    return Account.of_stack(stack)


def _account(stack: str) -> Account:
    try:
        return make_account(stack)
    except BreakwaterError as error:
        _wrong("policy", str(error))


def _compiled(policy: Policy) -> Compiled:
    return compile_policy(policy, NOWHERE.schedule_arn, Compiled(), datetime.now(UTC))


def _routes(policy: Compiled, place: Place) -> Routes:
    return routes_of(policy.jobs, policy.uploads, place, policy.scaling.windows)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        _wrong("policy", f"{file}: {error.strerror or 'cannot be read'}")
    except UnicodeDecodeError as error:
        _wrong("policy", f"{file}: not UTF-8 text at byte {error.start}")


def _judged(text: str, name: str) -> _Read:
    try:
        return _Read(read_policy(text, name))
    except DocumentError as error:
        return _Read(None, tuple(f"{name}:{problem}" for problem in error.problems))


def _rules_that_change(before: Compiled, after: Compiled) -> list[str]:
    """What changes besides schedules and rules of the bus, by name: the values are in the document."""
    parts = {
        "how loud incidents are": (before.alert, after.alert),
        "what channels are told": ([before.channel(name) for name in CHANNELS], [*after.channels]),
        "the rules of services that no entry matches": (before.others, after.others),
        "scaling": (before.scaling, after.scaling),
    }
    changed = [f"change {what}" for what, (old, new) in parts.items() if old != new]
    sections: tuple[tuple[str, dict[str, object], dict[str, object]], ...] = (
        (
            "services",
            {rules.match: rules for rules in before.services},
            {rules.match: rules for rules in after.services},
        ),
        ("job", _jobs(before), _jobs(after)),
        ("upload", {each.name: each for each in before.uploads}, {each.name: each for each in after.uploads}),
    )
    for what, old, new in sections:
        changed += [f"change the rules of {what} {name}" for name in new if name in old and old[name] != new[name]]
        changed += [f"add rules of {what} {name}" for name in new if name not in old]
        changed += [f"remove the rules of {what} {name}" for name in old if name not in new]
    if [rules.match for rules in before.services] != [rules.match for rules in after.services]:
        changed.append("change the order in which services are matched")
    return changed


def _jobs(policy: Compiled) -> dict[str, object]:
    """The jobs by name, without what the stack fills in."""
    return {job.name: replace(job, since="", schedule_arn="") for job in policy.jobs}


def _show(plan: Plan, rules: Sequence[str], as_json: bool) -> None:
    refused = [step.reason for step in plan.steps if isinstance(step, Refuse)]
    changes = [*(said(step) for step in plan.changes), *rules]
    notes = [said(step) for step in plan.steps if isinstance(step, Leave)]
    if as_json:
        typer.echo(json.dumps({"changes": changes, "notes": notes, "refused": refused}))
    else:
        for line in (*changes, *notes, *(f"cannot: {reason}" for reason in refused)):
            typer.echo(line)
        typer.echo(f"{_count(len(changes), 'change')}." if changes else "Nothing to change.")
    raise typer.Exit(1 if refused else 0)


def _tell(fate: Fate | None, wait: int, as_json: bool) -> None:
    outcome = fate.outcome if fate else "unheard"
    if as_json:
        told: dict[str, Any] = {"outcome": outcome}
        told |= {"changes": list(fate.changes), "problems": list(fate.problems)} if fate else {}
        typer.echo(json.dumps(told))
    elif fate is None:
        typer.echo(f"Pushed, and nothing heard of it in {wait} s. An incident will tell if it is rejected.")
    else:
        for line in (*fate.changes, *fate.problems):
            typer.echo(line)
        typer.echo(f"The document is {outcome}.")
    raise typer.Exit(0 if outcome == "applied" else 1)


def _bad(problems: Sequence[str], as_json: bool) -> NoReturn:
    if as_json:
        typer.echo(json.dumps({"ok": False, "problems": list(problems)}))
    else:
        for problem in problems:
            typer.echo(problem)
    raise typer.Exit(1)


def _wrong(command: str, problem: str) -> NoReturn:
    typer.echo(f"breakwater {command}: {problem}", err=True)
    raise typer.Exit(2) from WrongUsageError(problem)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
