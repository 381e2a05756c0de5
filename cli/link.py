"""Make the tree's packages and the command `breakwater` known to the environment that runs this file.

Not an installation: the tree is used in place. A `.pth` file is what an editable install would leave, without a build.
"""

import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOTS = (ROOT, ROOT / "functions", ROOT / "layers" / "core")


def link() -> None:
    """Write the `.pth` file and the command."""
    packages = Path(sysconfig.get_path("purelib")) / "breakwater.pth"
    packages.write_text("".join(f"{root}\n" for root in ROOTS), encoding="utf-8")
    command = Path(sysconfig.get_path("scripts")) / "breakwater"
    command.write_text(
        f'#!{sys.executable}\nfrom cli.main import app\n\napp(prog_name="breakwater")\n', encoding="utf-8"
    )
    command.chmod(0o755)


if __name__ == "__main__":
    link()
