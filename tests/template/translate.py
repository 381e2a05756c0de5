"""Write the translated template to a file, for the tools that judge only plain CloudFormation.

Linters that read the SAM template see no role and no policy, so a misspelt IAM action passes them.

    python -m tests.template.translate build/template/template.json
"""

import json
import sys
from pathlib import Path

from tests.template.reading import translated


def main(target: Path) -> None:
    """Translate the template and write it as JSON."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(translated(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
