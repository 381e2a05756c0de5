"""`breakwater release`: start a release, watch it, approve or abort it, with your own credentials.

A release is SERVICE's, said as CLUSTER/SERVICE, or is named by its execution. Exit codes: 0 it is so, 1 the answer is
bad news, 2 the request is wrong (nothing was done), 130 you stopped watching.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer

from breakwater.errors import BreakwaterError, NotFoundError
from breakwater.rendezvous import Kind
from cli import release_start, release_watch
from cli.context import WrongUsageError
from cli.release_account import AbsentError, Account
from cli.release_changes import clean
from cli.release_screen import screen
from cli.release_speaking import Said, speak
from cli.release_target import target_of

release = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, help=__doc__
)

Which = Annotated[str, typer.Argument(metavar="EXECUTION|SERVICE", help="An execution, CLUSTER/SERVICE, or an ARN.")]
Cluster = Annotated[str | None, typer.Option(help="The cluster, if the service is said without it.")]
Stack = Annotated[str, typer.Option(help="Name of Breakwater's stack.", envvar="BREAKWATER_STACK")]
Region = Annotated[str | None, typer.Option(help="Else that of the ARN, environment or profile.")]
Reason = Annotated[str, typer.Option(help="Why; kept with it.")]
AsJson = Annotated[bool, typer.Option("--json", help="The answer as one JSON object.")]
Watching = Annotated[bool, typer.Option("--watch", help="Then watch it to its end.")]
Interval = Annotated[float, typer.Option(min=1, max=300, help="Seconds between two looks.")]
Minutes = Annotated[int, typer.Option("--minutes", min=1, help="Stop looking after so long.")]


def make_account(stack: str, region: str | None) -> Account:
    """The caller's account. A test puts another in its place."""
    return Account.of_stack(stack, region)


@release.command()
def start(
    service: Annotated[str, typer.Argument(help="CLUSTER/SERVICE, or the service's name with --cluster.")],
    cluster: Cluster = None,
    task_definition: Annotated[str | None, typer.Option(help="FAMILY:REVISION to release.")] = None,
    image: Annotated[str | None, typer.Option(help="Register the service's task definition with this image.")] = None,
    container: Annotated[str | None, typer.Option(help="Whose image; else the one behind the load balancer.")] = None,
    mode: Annotated[str, typer.Option(help="act or observe: can only lower what the policy says.")] = "act",
    despite_alarms: Annotated[bool, typer.Option(help="It is to cure an alarm that is firing.")] = False,
    despite_quarantine: Annotated[bool, typer.Option(help="It went back before, by no fault of its own.")] = False,
    by: Annotated[str | None, typer.Option(help="Who or what asks; else your identity.")] = None,
    reason: Reason = "",
    name: Annotated[str | None, typer.Option("--id", help="Started twice with the same id, it is one release.")] = None,
    watching: Watching = False,
    interval: Interval = 5,
    stack: Stack = "breakwater",
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Start a release: what is deployed is checked before and while it gets traffic, and comes back if it must."""
    with _told():
        wish = release_start.wish_of(
            service,
            cluster,
            task_definition,
            image,
            container,
            mode=mode,
            despite_alarms=despite_alarms,
            despite_quarantine=despite_quarantine,
            by=by,
            reason=reason,
            id_=name,
        )
        account = make_account(stack, region)
        started = release_start.start(wish, account)
        commands = release_watch.commands_for(started.name, _options(stack, region))
        if as_json:
            told = {"execution": started.execution, **started.request, "registered": started.registered}
            typer.echo(json.dumps(told | {"commands": dict(commands)}))
        else:
            new = "registered and " if started.registered else ""
            revision = str(started.request["task_definition"]).rpartition("/")[2]
            typer.echo(f"{revision} is {new}on its way to {wish.service} as {started.name}.")
        if watching:
            _watch(account, started.execution, stack, region, interval, as_json=as_json, new=True)
        elif not as_json:
            typer.echo(f"Watch it:  {commands['watch']}\nEnd it:    {commands['abort']}")


@release.command()
def watch(
    which: Which,
    cluster: Cluster = None,
    interval: Interval = 5,
    minutes: Minutes = release_watch.LONGEST,
    stack: Stack = "breakwater",
    region: Region = None,
    as_json: Annotated[bool, typer.Option("--jsonl", help="One JSON object for each change.")] = False,
) -> None:
    """Watch a release to its end. Exit code 1: it was not released. Ctrl-C leaves it alone."""
    with _told():
        target = target_of(which, cluster)
        account = make_account(stack, region or target.region)
        execution = account.execution_of(target)
        _watch(account, execution, stack, region or target.region, interval, as_json=as_json, minutes=minutes)


@release.command()
def approve(
    which: Which,
    cluster: Cluster = None,
    reason: Reason = "",
    watching: Watching = False,
    interval: Interval = 5,
    stack: Stack = "breakwater",
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Let a release go on that asks: its checks neither passed nor failed. What it asks later is asked again."""
    _say(Kind.APPROVED, which, cluster, reason, stack, region, as_json, interval if watching else None)


@release.command()
def abort(
    which: Which,
    cluster: Cluster = None,
    reason: Reason = "",
    watching: Watching = False,
    interval: Interval = 5,
    stack: Stack = "breakwater",
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Send a release back to what the service had, wherever it is by now."""
    _say(Kind.ABORTED, which, cluster, reason, stack, region, as_json, interval if watching else None)


def _say(
    kind: Kind,
    which: str,
    cluster: str | None,
    reason: str,
    stack: str,
    region: str | None,
    as_json: bool,
    interval: float | None,
) -> None:
    with _told():
        target = target_of(which, cluster)
        region = region or target.region
        account = make_account(stack, region)
        said = speak(kind, target, clean(reason), account)
        commands = release_watch.commands_for(said.execution.rpartition(":")[2], _options(stack, region))
        _show(said, commands["watch"] if said.execution and interval is None else "", as_json)
        if interval is not None and said.kept and said.execution:
            _watch(account, said.execution, stack, region, interval, as_json=as_json)
        raise typer.Exit(0 if said.kept else 1)


def _show(said: Said, watch_it: str, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(said.data()))
    elif said.kept:
        typer.echo(f"{said.word.capitalize()}: {clean(said.told)}.")
        if watch_it:
            typer.echo(f"Watch it:  {watch_it}")
    else:
        typer.echo(f"breakwater release: {clean(said.told)}", err=True)
    if said.trouble:
        typer.echo(f"breakwater release: {clean(said.trouble)}", err=True)


def _watch(
    account: Account,
    execution: str,
    stack: str,
    region: str | None,
    interval: float,
    *,
    as_json: bool,
    minutes: int = release_watch.LONGEST,
    new: bool = False,
) -> NoReturn:
    commands = release_watch.commands_for(execution.rpartition(":")[2], _options(stack, region))
    shown = screen(commands, as_json=as_json)
    try:
        view = release_watch.watch(account, execution, shown, interval=interval, minutes=minutes, new=new)
    except release_watch.LeftOffError as left:
        told = f"No longer watched ({left}); the release goes on.\nWatch it:  {commands['watch']}\n"
        typer.echo(f"{told}End it:    {commands['abort']}", err=True)
        raise typer.Exit(130 if str(left) == "interrupted" else 1) from None
    raise typer.Exit(release_watch.tell_end(view, account, as_json=as_json))


def _options(stack: str, region: str | None) -> str:
    """What has to be said again in a command that is shown."""
    return ("" if stack == "breakwater" else f" --stack {stack}") + (f" --region {region}" if region else "")


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong is one line and an exit code."""
    try:
        yield
    except (WrongUsageError, AbsentError, NotFoundError) as error:
        problem, code = str(error), 2
    except (BreakwaterError, release_start.UnderWayError) as error:
        problem, code = str(error), 1
    else:
        return
    typer.echo(f"breakwater release: {clean(problem)}", err=True)
    raise typer.Exit(code) from None
