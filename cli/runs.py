"""`breakwater runs`: batch runs and their results, from the table of the account, with the caller's credentials."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as Grid

from breakwater.aws import translated_errors
from breakwater.compiled import loaded
from breakwater.errors import BreakwaterError
from breakwater.policies import BatchPolicy
from breakwater.policy_reader import COMPILED
from breakwater.redact import redact_name
from breakwater.run_store import RunStore
from breakwater.runs import Lane, Outcome, Run
from breakwater.store import Table
from breakwater.wire import dump

_COLOURS = {
    Outcome.SUCCEEDED: "green",
    Outcome.FAILED: "bold red",
    Outcome.MISSED: "bold red",
    Outcome.QUARANTINED: "bold red",
    Outcome.REFUSED: "red",
    Outcome.SKIPPED: "yellow",
    Outcome.REPLACED: "yellow",
    Outcome.OBSERVED: "cyan",
}
_BAD = frozenset({Outcome.FAILED, Outcome.MISSED, Outcome.QUARANTINED, Outcome.REFUSED})


def runs(
    job: Annotated[
        str | None, typer.Argument(help="A job or upload of the policy. Without it: the last of each.")
    ] = None,
    stack: Annotated[str, typer.Option(help="The CloudFormation stack of Breakwater.")] = "breakwater",
    region: Annotated[str | None, typer.Option(help="The Region; else that of your configuration.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many runs to show, the newest first.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for programs.")] = False,
) -> None:
    """Show batch runs and how they ended. Exit code 1: the newest one that is over did not succeed."""
    session = session_of(region)
    try:
        table = Table(lambda: session.client("dynamodb"), _table_of(session, stack))
        code = _of_job(RunStore(table), job, limit, as_json) if job else _of_all(RunStore(table), table, as_json)
    except BreakwaterError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(code)


def session_of(region: str | None) -> Any:
    """The caller's own credentials."""
    import boto3  # only who talks to an account pays for it

    return boto3.Session(region_name=region)


def _table_of(session: Any, stack: str) -> str:
    """The name of the stack's table."""
    with translated_errors(f"look for the stack {stack}"):
        described = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: str(output["OutputValue"]) for output in described.get("Outputs", [])}
    if "TableName" not in outputs:
        raise BreakwaterError(f"the stack {stack} has no output TableName: is it Breakwater's?")
    return outputs["TableName"]


def _of_job(store: RunStore, job: str, limit: int, as_json: bool) -> int:
    found = store.latest(job, limit)
    if as_json:
        typer.echo(json.dumps({"job": job, "runs": [_plain(run) for run in found]}))
    elif not found:
        typer.echo(f"No run of {job} is known.")
    else:
        _print_runs(job, found)
    newest = next((run for run in found if run.outcome is not None), None)
    return 1 if newest is not None and newest.outcome in _BAD else 0


def _of_all(store: RunStore, table: Table, as_json: bool) -> int:
    lanes = {lane.name: lane for lane in store.lanes()}
    item = table.get_many([COMPILED]).get(COMPILED)
    policy = loaded(str(item["doc"])) if item else None
    batch = policy.batch if policy else BatchPolicy()
    names = [*(job.name for job in batch.jobs), *(upload.name for upload in batch.uploads)]
    listed = [lanes.get(name, Lane(name)) for name in dict.fromkeys([*names, *sorted(lanes)])]
    if as_json:
        typer.echo(json.dumps({"jobs": [json.loads(dump(lane)) for lane in listed]}))
    elif not listed:
        typer.echo("There are no jobs or uploads, and there have been no runs.")
    else:
        _print_lanes(listed)
    return 1 if any(lane.last_outcome in _BAD for lane in listed) else 0


def _plain(run: Run) -> dict[str, Any]:
    """A run for programs: all that the record holds but what identifies it to us."""
    raw: dict[str, Any] = json.loads(dump(run))
    return {name: value for name, value in raw.items() if name not in {"identity", "overdue_told"}}


def _print_runs(job: str, found: list[Run]) -> None:
    grid = Grid(title=f"Runs of {redact_name(job)}, the newest first; all times are UTC", title_justify="left")
    for name in ("due", "state", "tries", "exit", "began", "took"):
        grid.add_column(name, no_wrap=True, justify="right" if name in {"tries", "exit", "took"} else "left")
    grid.add_column("why")
    for run in found:
        style = _COLOURS.get(run.outcome, "") if run.outcome else ""
        grid.add_row(*_cells(run), style=style)
    Console(soft_wrap=False).print(grid)


def _cells(run: Run) -> Iterator[str]:
    yield f"{run.due:%Y-%m-%d %H:%M:%S}"
    yield str(run.outcome or run.phase)
    yield str(run.attempt)
    yield "" if run.exit_code is None else str(run.exit_code)
    yield f"{run.started_at:%H:%M:%S}" if run.started_at else ""
    yield _took(run)
    # Brackets are markup to Rich, and a key may hold any.
    about = f"{redact_name(run.key)}: " if run.key else ""
    yield f"{about}{run.reason}".replace("[", "\\[")


def _took(run: Run) -> str:
    if run.started_at is None or run.ended_at is None:
        return ""
    seconds = max(0, round((run.ended_at - run.started_at).total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02}"


def _print_lanes(lanes: list[Lane]) -> None:
    grid = Grid(title="Jobs and uploads; all times are UTC", title_justify="left")
    for name in ("name", "last run", "ended", "going on"):
        grid.add_column(name, no_wrap=True)
    for lane in lanes:
        grid.add_row(
            redact_name(lane.name).replace("[", "\\["),
            str(lane.last_outcome or "none yet"),
            f"{lane.last_at:%Y-%m-%d %H:%M:%S}" if lane.last_at else "",
            str(len(lane.active)),
            style=_COLOURS.get(lane.last_outcome, "") if lane.last_outcome else "",
        )
    Console(soft_wrap=False).print(grid)
