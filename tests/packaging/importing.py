"""Import a handler in a process of its own and tell where everything that it loaded came from."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.template.reading import functions

ROOT = Path(__file__).parents[2]
HANDLERS = sorted({str(body["Properties"]["Handler"]) for body in functions().values()})

_PROBE = """
import importlib, json, sys, sysconfig
handler, *roots = sys.argv[1:]
sys.path[:0] = roots
before = set(sys.modules)
module, _, name = handler.rpartition(".")
found = callable(getattr(importlib.import_module(module), name))
origins = {name: getattr(sys.modules[name], "__file__", None) for name in set(sys.modules) - before}
paths = sysconfig.get_paths()
print(json.dumps({"callable": found, "origins": origins, "library": [paths["stdlib"], paths["platstdlib"]]}))
"""


@dataclass(frozen=True)
class Imported:
    """Whether the handler is there, and the file of each module that was loaded with it (`None`: built in)."""

    found: bool
    origins: dict[str, Path | None]
    library: tuple[Path, ...]

    def outside(self, *roots: Path) -> dict[str, Path]:
        """The modules that come neither from below `roots` nor from the standard library."""
        allowed = [*roots, *self.library]
        return {
            name: origin
            for name, origin in self.origins.items()
            if origin and not any(_is_below(origin, root) for root in allowed)
        }


def import_handler(python: str, *options: str, handler: str, roots: list[Path]) -> Imported:
    """Import `handler` with `roots` in front of the path; a failure shows the traceback."""
    command = [python, "-I", *options, "-c", _PROBE, handler, *(str(root) for root in roots)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{handler} cannot be imported from {[str(root) for root in roots]}:\n{done.stderr}"
    answer = json.loads(done.stdout)
    origins = {name: Path(origin) if origin else None for name, origin in answer["origins"].items()}
    return Imported(answer["callable"], origins, tuple(Path(path) for path in answer["library"]))


def _is_below(path: Path, root: Path) -> bool:
    inside = path.resolve().is_relative_to(root.resolve())
    return inside and ("site-packages" not in path.parts or "site-packages" in root.parts)
