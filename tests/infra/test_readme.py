"""The README is true: its commands, links, files and routes exist."""

import re
import subprocess
from pathlib import Path

import pytest

from service.app import ROUTES

ROOT = Path(__file__).parents[2]
# The page that lists every route for users.
CONTRACT = "README.md"
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), ROOT / "CHANGELOG.md"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_exist(document: Path) -> None:
    """Every `make target` that is written of is in the Makefile."""
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    written = set(re.findall(r"(?:`|^\$ )make ([a-z-]+)", document.read_text(encoding="utf-8"), re.MULTILINE))
    unknown = sorted(written - known)
    assert not unknown, f"{document.name} tells of targets that the Makefile does not have: {', '.join(unknown)}"


def test_targets_are_listed_in_groups() -> None:
    """`make` lists every target that has a text, once, in one of four groups, and the texts are short."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    told = re.findall(r"^([a-z-]+):.*?## (.*)$", makefile, re.MULTILINE)
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = re.findall(r"^  make ([a-z-]+) +(.*)$", shown, re.MULTILINE)
    hidden = {name for name, _ in told} - {name for name, _ in listed} - {"help"}
    assert not hidden, f"put these targets below a line of the Makefile that says ##@ and a group: {sorted(hidden)}"
    assert len(listed) == len(dict(listed))
    long = [name for name, text in told if len(text) > 100]
    assert not long, f"shorten the texts after ## of these targets to 100 characters: {long}"


def test_targets_take_as_long_as_the_makefile_says() -> None:
    """Where the README tells how many minutes a target takes, `make` tells the same."""
    readme, makefile = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "Makefile"))
    told = dict(re.findall(r"^\|.*\| `make ([a-z-]+)[^`]*`.*?(\d+) minutes", readme, re.MULTILINE))
    listed = dict(re.findall(r"^([a-z-]+):.*## .*?(\d+) minutes", makefile, re.MULTILINE))
    assert {"image", "terraform-test"} <= told.keys()
    wrong = {name: minutes for name, minutes in told.items() if listed.get(name) != minutes}
    assert not wrong, f"README.md and the Makefile must tell the same minutes of these targets: {wrong}, {listed}"


def test_every_route_is_documented() -> None:
    """Each path that is served stands in the page of the contract."""
    page = (ROOT / CONTRACT).read_text(encoding="utf-8")
    paths = {re.sub(r"\{username:.*\}", "<username>", route.path) for route in ROUTES}
    missing = sorted(path for path in paths if not path.startswith("/docs/") and path not in page)
    assert not missing, f"document these routes in {CONTRACT}: {', '.join(missing)}"


def test_readme_maps_every_module() -> None:
    """The repository map has a line for each module of the service and each folder of tests."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    modules = {path.name for path in (ROOT / "service").iterdir() if path.suffix in {".py", ".yaml"}}
    folders = {path.name for path in (ROOT / "tests").iterdir() if (path / "__init__.py").exists()}
    missing = sorted(name for name in modules - {"__init__.py"} | folders if name not in readme)
    assert not missing, f"add a line to the repository map of README.md for: {', '.join(missing)}"
