"""The command line `breakwater`. A command's module is imported when the command is used, not before."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

# One line each: the command and where it lives, as `module:function`.
COMMANDS = {
    "explain": "cli.explain:explain",
    "demo": "cli.demo:demo",
    "replay": "cli.replay:replay",
    "simulate": "cli.simulate:simulate_file",
    "policy": "cli.policy:app",
    "runs": "cli.runs:runs",
    "surge": "cli.surge:surge",
    "release": "cli.release:release",
}


class _LazyGroup(TyperGroup):
    """A group whose commands are looked up in `COMMANDS`."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, function = target.partition(":")
        found = getattr(import_module(module), function)
        if isinstance(found, typer.Typer):  # a group of commands
            return typer.main.get_command(found)
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(cmd_name)(found)
        return typer.main.get_command(single)


app = typer.Typer(
    cls=_LazyGroup, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None
)


@app.callback()
def breakwater() -> None:
    """Breakwater keeps Amazon ECS services out of trouble."""
