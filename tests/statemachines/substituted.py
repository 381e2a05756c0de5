"""Write the state machines with their placeholders filled in: `python -m tests.statemachines.substituted FOLDER`."""

import re
import sys
from pathlib import Path

from tests.statemachines import graph


def substituted(text: str) -> str:
    """A machine as CloudFormation would hand it to Step Functions, with functions that are made up."""
    text = text.replace("${Partition}", "aws")
    return re.sub(r"\$\{(\w+)FunctionArn\}", r"arn:aws:lambda:eu-central-1:111122223333:function:\1", text)


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in graph.machines():
        text = (graph.FOLDER / f"{name}.asl.json").read_text(encoding="utf-8")
        (folder / f"{name}.asl.json").write_text(substituted(text), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
