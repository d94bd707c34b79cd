"""Where the image and what belongs to it are."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
WORK = REPOSITORY / "build" / "image"
ROOT = WORK / "root"
REPORT = WORK / "bake.json"


def environ() -> dict[str, str]:
    """Return the environment in which the tools of the project's own installation are found first."""
    return os.environ | {"PATH": f"{REPOSITORY}/.venv/bin:{os.environ['PATH']}"}
