"""The pictures of the README, taken of the demo's own report. Needs Chromium; nobody who uses Breakwater needs it.

    make demo && .venv/bin/python docs/take_pictures.py build/demo/report.html

`report.png` is the top of the page with the timeline, `alert.png` the first message of the crash loop, as mail and as
Slack shows it, `releases.png` the release that passes and the head of the one that is returned. A style sheet is added
to a copy of the page, so that only the part in question is seen.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

IMAGES = Path(__file__).parent / "images"
ALONE = """
  html { scroll-behavior: auto; } nav, footer, .skip { display: none; }
"""
TOP = (
    ALONE
    + "main > section:not(#timeline) { display: none; } section { padding-top: 20px; } header { padding-top: 1px; }"
)
ALERT = (
    ALONE
    + """
  body > header, main > section:not(#incidents), #incidents > h2, #incidents > p { display: none; }
  main { padding: 14px 16px; } section { padding: 0; }
  .incident:not(:has(details[open])) { display: none; }
  .incident { border: 0; padding: 0; margin: 0; background: none; }
  .incident > *:not(details[open]), details > summary { display: none; } details, .mailslack { margin: 0; }
"""
)
RELEASES = (
    ALONE
    + """
  body > header, main > section:not(#releases), #releases > h2, #releases > p { display: none; }
  main { padding: 14px 16px; } section { padding: 0; }
"""
)
PICTURES = {
    "report.png": (TOP, 1180, 1380),
    "alert.png": (ALERT, 1180, 1270),
    "releases.png": (RELEASES, 1180, 1420),
}
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def take(page: str, style: str, width: int, height: int, out: Path) -> None:
    """Take one picture."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("take_pictures.py: there is no Chromium on the PATH")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "page.html"
        copy.write_text(page.replace("</style>", f"{style}</style>", 1), encoding="utf-8")
        command = [browser, *FLAGS, f"--user-data-dir={folder}/profile", f"--window-size={width},{height}"]
        subprocess.run([*command, f"--screenshot={out}", copy.as_uri()], check=True, capture_output=True)


def main(report: str) -> None:
    """Take all pictures of one report."""
    page = Path(report).read_text(encoding="utf-8")
    for name, (style, width, height) in PICTURES.items():
        take(page, style, width, height, IMAGES / name)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "build/demo/report.html")
