"""The page for a first deployment is complete: every value that somebody must supply, and every tool, is in it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from terraform.preflight import places, tools
from terraform.preflight.finding import State
from terraform.preflight.values import Values
from tests.infra.snippets import ROOT, scripts

PAGE = (ROOT / "docs/first-deployment.md").read_text(encoding="utf-8")
ENVIRONMENTS = ["dev", "prod"]
# Not supplied: it names the file itself; and what a bake tells.
GIVEN = {"environment", "ami_id"}


def table(heading: str) -> list[list[str]]:
    """Return the rows of the first table under a heading, as cells."""
    lines = PAGE.split(f"## {heading}\n")[1].split("\n| ")[1:]
    rows = [line.split("\n\n")[0].strip().strip("|").split("|") for line in lines]
    return [[cell.strip() for cell in row] for row in rows if len(row) == 3]


def named(text: str) -> set[str]:
    """Return what stands in a text as code, word by word."""
    return {word for span in re.findall(r"`([^`]+)`", text) for word in re.split(r"[\s=,]+", span)}


VALUES = set().union(*(named(" ".join(row)) for row in table("Values")))


def required() -> set[str]:
    """Return the variables that have no default, of the stack and of bootstrap."""
    files = [*ROOT.glob("terraform/variables*.tf"), ROOT / "terraform/bootstrap/variables.tf"]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    declared = re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL)
    return {name for name, body in declared if not re.search(r"^  default ", body, re.MULTILINE)}


def assigned() -> set[str]:
    """Return the variables that the environments' files and bootstrap's give a value to."""
    files = [*ROOT.glob("terraform/environments/*.tfvars"), *ROOT.glob("terraform/bootstrap/*.tfvars")]
    return {name for path in files for name in re.findall(r"^(\w+) +=", path.read_text(encoding="utf-8"), re.MULTILINE)}


def of_github() -> set[str]:
    """Return the variables that the workflows read."""
    texts = [path.read_text(encoding="utf-8") for path in ROOT.glob(".github/workflows/*.yml")]
    return set(re.findall(r"vars\.(\w+)", "".join(texts)))


@pytest.mark.parametrize("wanted", [required, assigned, of_github], ids=lambda each: each.__name__)
def test_every_value_is_in_the_table(wanted: object) -> None:
    """A variable that somebody supplies has a row under Values that says where it goes and how to get it."""
    names = wanted() if callable(wanted) else set()
    assert len(names) > 5
    missing = names - GIVEN - VALUES
    assert missing == set(), f"add these to the table Values of docs/first-deployment.md: {sorted(missing)}"


def test_every_tool_is_in_the_table_with_its_version() -> None:
    """The versions of the page are those that preflight asks for."""
    told = {row[0]: row[1] for row in table("What you need")}
    for name in (*tools.TO_DEPLOY, *tools.TO_BAKE, *tools.TO_OPERATE):
        least = tools.least(name)
        assert told[name].startswith("any" if least == "0" else f"{least} or newer"), f"docs: {name} {least}"


def test_values_are_filled_in_as_the_page_says(tmp_path: Path) -> None:
    """The commands of the first step leave no placeholder in the values, and bootstrap would leave none anywhere."""
    (script,) = [text for text in scripts(PAGE) if "perl" in text and "\n" in text]
    for part in ("environments", "bootstrap"):
        shutil.copytree(ROOT / "terraform" / part, tmp_path / "terraform" / part)
    (tmp_path / "gh").write_text("#!/bin/sh\necho 12345678\n")
    (tmp_path / "gh").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=os.environ | {"PATH": path}, check=True)
    for name in ENVIRONMENTS:
        folder = tmp_path / "terraform"
        files = [
            f"environments/{name}.tfvars",
            f"bootstrap/{name}.tfvars",
            f"environments/{name}.s3.tfbackend",
        ]
        values = Values(name, *((folder / file).read_text() for file in files))
        (found,) = places.check(values)
        assert found.state is State.OK, str(found)
        assert set(re.findall(r"\d{12}", places.backend(values))) == {values.account_id}
