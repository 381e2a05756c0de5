"""`breakwater surge`: scale a service up for a time, end that early, list what is kept.

It calls the scaler in the account with the caller's own credentials: who may invoke the function may start a surge.
The function is found through the outputs of the stack. Exit codes: 0 it is so, 1 it could not be done, 2 the request
is wrong (nothing was done).
"""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

surge = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, help=__doc__
)

Cluster = Annotated[str, typer.Argument(help="Name of the cluster.")]
Service = Annotated[str, typer.Argument(help="Name of the service.")]
Stack = Annotated[str, typer.Option(help="Name of Breakwater's stack.")]
Region = Annotated[str | None, typer.Option(help="Else that of the environment or profile.")]
AsJson = Annotated[bool, typer.Option("--json", help="The scaler's answer as one JSON object.")]


def client(service: str, region: str | None) -> Any:
    """A client of the caller's own. A test puts another in its place."""
    import boto3

    return boto3.client(service, region_name=region)


@surge.command(context_settings={"ignore_unknown_options": True})  # or -3 would be an unknown option, not a number
def start(
    cluster: Cluster,
    service: Service,
    desired: Annotated[int, typer.Argument(help="At least so many tasks.")],
    minutes: Annotated[int | None, typer.Option(help="How long; or say until when.")] = None,
    until: Annotated[str | None, typer.Option(help="When it is over: 2026-03-02T18:00, with offset or --zone.")] = None,
    begin: Annotated[str | None, typer.Option("--start", help="When it begins; else now.")] = None,
    zone: Annotated[str | None, typer.Option(help="IANA time zone of the times, such as Europe/Berlin.")] = None,
    name: Annotated[str | None, typer.Option("--id", help="A name for it; else one is made of the request.")] = None,
    by: Annotated[str | None, typer.Option(help="Who or what wants it; kept with it.")] = None,
    stack: Stack = "breakwater",
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """Scale a service up for a time. What is found is given back at the end, unless somebody changes it in between."""
    asked = {
        "action": "start",
        "cluster": cluster,
        "service": service,
        "desired": desired,
        "minutes": minutes,
        "until": until,
        "start": begin,
        "zone": zone,
        "id": name,
        "by": by,
    }
    _tell(_answer(asked, stack, region), as_json, _show_one)


@surge.command()
def end(
    cluster: Cluster,
    service: Service,
    name: Annotated[str | None, typer.Option("--id", help="Which surge; else all of the service.")] = None,
    stack: Stack = "breakwater",
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """End a surge before its time and give back what was found."""
    _tell(
        _answer({"action": "end", "cluster": cluster, "service": service, "id": name}, stack, region),
        as_json,
        _show_one,
    )


@surge.command("list")
def listed(
    cluster: Annotated[str | None, typer.Argument(help="Only of this cluster.")] = None,
    service: Annotated[str | None, typer.Argument(help="Only of this service.")] = None,
    stack: Stack = "breakwater",
    region: Region = None,
    as_json: AsJson = False,
) -> None:
    """List the surges and windows that are kept, what they found and what is set."""
    _tell(_answer({"action": "list", "cluster": cluster, "service": service}, stack, region), as_json, _show_all)


def _answer(asked: Mapping[str, Any], stack: str, region: str | None) -> dict[str, Any]:
    """What the scaler says. Exits with 1 if it cannot be asked or broke."""
    from botocore.exceptions import BotoCoreError, ClientError

    request = {name: value for name, value in asked.items() if value is not None} | {"answer_errors": True}
    try:
        function = _function(stack, region)
        reply = client("lambda", region).invoke(FunctionName=function, Payload=json.dumps(request).encode())
        answer: dict[str, Any] = json.loads(reply["Payload"].read())
    except (BotoCoreError, ClientError, LookupError) as error:
        _fail(str(error), 1)
    if reply.get("FunctionError"):
        _fail(str(answer.get("errorMessage", "the scaler failed; read its log")), 1)
    if "error" in answer:
        _fail(answer["error"], 2 if answer.get("kind") == "InvalidRequestError" else 1)
    return answer


def _function(stack: str, region: str | None) -> str:
    found = client("cloudformation", region).describe_stacks(StackName=stack)["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found[0].get("Outputs", [])} if found else {}
    if "ScalerFunctionName" not in outputs:
        raise LookupError(f"the stack {stack} has no output ScalerFunctionName: is it Breakwater, and new enough?")
    return str(outputs["ScalerFunctionName"])


def _fail(problem: str, code: int) -> None:
    typer.echo(f"breakwater surge: {problem}", err=True)
    raise typer.Exit(code)


def _tell(answer: dict[str, Any], as_json: bool, show: Callable[[dict[str, Any]], None]) -> None:
    if as_json:
        typer.echo(json.dumps(answer))
    else:
        show(answer)


def _show_one(answer: dict[str, Any]) -> None:
    now = answer.get("now") or {}
    typer.echo(f"{answer['service']} ({answer['mode']}): {answer['reason']}")
    if now:
        typer.echo("now: " + ", ".join(f"{name} {value}" for name, value in now.items()))
    if "surge" in answer:
        typer.echo(f"surge {answer['surge']['id']} until {answer['surge']['until']}")


def _show_all(answer: dict[str, Any]) -> None:
    if not answer["services"]:
        typer.echo(f"No surge and no window is kept (mode {answer['mode']}).")
        return
    table = Table("service", "claim", "wants", "until", "found", "set", "by")
    for service in answer["services"]:
        for claim in service["claims"] or [{}]:
            wants = {name: claim[name] for name in ("desired", "minimum", "maximum") if name in claim}
            table.add_row(
                service["service"],
                str(claim.get("id", "given back soon")),
                _numbers(wants),
                str(claim.get("until", "")),
                _numbers(service["found"]),
                _numbers(service["set"]),
                str(claim.get("by", "")),
            )
    Console().print(table)


def _numbers(numbers: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in numbers.items())
