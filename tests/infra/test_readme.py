"""The README is true: its commands, links and files exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), ROOT / "CHANGELOG.md"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_exist(document: Path) -> None:
    """Every `make target` that is written of is in the Makefile."""
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    written = set(re.findall(r"(?:`|^\$ )make ([a-z-]+)", document.read_text(encoding="utf-8"), re.MULTILINE))
    assert written <= known


def test_targets_take_as_long_as_the_makefile_says() -> None:
    """Where the README tells how many minutes a target takes, `make` tells the same."""
    readme, makefile = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "Makefile"))
    told = dict(re.findall(r"^\|.*\| `make ([a-z-]+)[^`]*`.*?(\d+) minutes", readme, re.MULTILINE))
    listed = dict(re.findall(r"^([a-z-]+):.*## .*?(\d+) minutes", makefile, re.MULTILINE))
    assert {"image", "terraform-test"} <= told.keys()
    assert told.items() <= listed.items()


def test_readme_maps_every_module() -> None:
    """The repository map has a line for each module of the service and each folder of tests."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    modules = {path.name for path in (ROOT / "service").iterdir() if path.suffix in {".py", ".yaml"}}
    folders = {path.name for path in (ROOT / "tests").iterdir() if (path / "__init__.py").exists()}
    assert {name for name in modules - {"__init__.py"} | folders if name not in readme} == set()
