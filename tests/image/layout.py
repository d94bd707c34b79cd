"""The paths of the image and of its files."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
WORK = REPOSITORY / "build" / "image"
ROOT = WORK / "root"
REPORT = WORK / "bake.json"


def environ() -> dict[str, str]:
    """Return the environment in which the project's own tools, and Ansible's collections, are found first."""
    collections = {"ANSIBLE_COLLECTIONS_PATH": f"{REPOSITORY}/build/collections"}
    return os.environ | collections | {"PATH": f"{REPOSITORY}/.venv/bin:{os.environ['PATH']}"}
