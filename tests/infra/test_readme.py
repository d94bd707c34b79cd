"""README and the pages for users are true: their commands, links and files exist, and figures agree."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
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
    """Where docs/develop.md says how many minutes a target takes, `make` says the same."""
    develop = (ROOT / "docs" / "develop.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    written = dict(re.findall(r"^\|.*?\| `make ([a-z-]+)[^|]*\|[^|]*\| (\d+) minutes", develop, re.MULTILINE))
    listed = dict(re.findall(r"^([a-z-]+):.*## .*?(\d+) minutes", makefile, re.MULTILINE))
    differing = {
        target: (minutes, listed[target])
        for target, minutes in written.items()
        if listed.get(target, minutes) != minutes
    }
    assert {"image", "terraform-test"} <= written.keys() & listed.keys()
    assert differing == {}, f"make docs/develop.md and the Makefile agree on the minutes of: {differing}"


def test_the_map_has_every_module() -> None:
    """The map in docs/develop.md has each module of the service and each folder of tests."""
    develop = (ROOT / "docs" / "develop.md").read_text(encoding="utf-8")
    modules = {path.stem for path in (ROOT / "service").rglob("*.py")} - {"__init__", "__main__"}
    folders = {path.name for path in (ROOT / "tests").iterdir() if (path / "__init__.py").exists()}
    missing = sorted(name for name in modules | folders if not re.search(rf"\b{name}\b", develop))
    assert missing == [], f"add these to the map in docs/develop.md: {', '.join(missing)}"


def test_readme_is_one_page() -> None:
    """README stays a front door: what is longer belongs into docs/."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130


def test_figures_of_readme_are_proved() -> None:
    """Each figure under README's "What is proved" stands in docs/proof.md, with the command that printed it."""
    readme, proof = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/proof.md"))
    section = readme.split("## What is proved\n")[1].split("\n## ")[0]
    figures = re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?=[\s,;:])", section)
    missing = [figure for figure in figures if not re.search(rf"(?<![\d.,]){re.escape(figure)}(?![\d])", proof)]
    assert len(figures) > 5
    assert missing == [], f"docs/proof.md does not have these figures of README: {missing}"
