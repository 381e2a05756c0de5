"""Every test that docs/emulation.md names is there."""

import re
from pathlib import Path

HERE = Path(__file__).parent
TABLE = HERE.parents[2] / "docs" / "emulation.md"
NAMED = re.compile(r"`([a-z_]+)`: ((?:[a-z0-9_…]+(?: \([^)]*\))?(?:, )?)+)")


def test_the_fidelity_table_names_only_tests_that_exist() -> None:
    named = 0
    for module, listed in NAMED.findall(TABLE.read_text()):
        text = (HERE / f"test_{module}.py").read_text()
        for name in re.sub(r" \([^)]*\)", "", listed).split(", "):
            named += 1
            assert f"def test_{name.strip().rstrip('…')}" in text, f"test_{module}.py has no test {name}"
    assert named > 50
