"""The release has many small modules; its package says which is what."""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "functions" / "release"


def test_the_map_of_the_release_names_each_of_its_modules() -> None:
    modules = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    text = (FOLDER / "__init__.py").read_text(encoding="utf-8")
    assert set(re.findall(r"`(\w+)`", text)) == modules
