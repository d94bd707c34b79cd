"""The Terraform code is formatted and valid, and refuses what must not be applied."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infra.conftest import RESULTS
from tests.support.stack import ENVIRONMENTS
from tests.support.terraform import ROOT, cli_environ, provider_versions

pytestmark = pytest.mark.terraform


def terraform(folder: Path, *arguments: str, **environ: str) -> str:
    """Run terraform in the repository, with its working files in `folder`; fail with its output."""
    settings = {"PATH": os.environ["PATH"], "TF_DATA_DIR": str(folder / "data")} | cli_environ(folder) | environ
    done = subprocess.run(
        ["terraform", *arguments], cwd=ROOT, env=settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_everything_is_formatted(tmp_path: Path) -> None:
    """`terraform fmt` would change nothing."""
    assert terraform(tmp_path, "fmt", "-check", "-recursive", "terraform") == ""


@pytest.mark.parametrize("root", ["terraform", "terraform/bootstrap"])
def test_root_is_valid(root: str, tmp_path: Path) -> None:
    """Each root initialises with the committed lock file and validates."""
    terraform(tmp_path, f"-chdir={root}", "init", "-backend=false", "-lockfile=readonly")
    assert "The configuration is valid" in terraform(tmp_path, f"-chdir={root}", "validate")


@pytest.mark.parametrize("version", provider_versions() or [None])
@pytest.mark.parametrize("root", ["terraform", "terraform/bootstrap"])
def test_root_is_valid_with_each_provider(root: str, version: str | None, tmp_path: Path) -> None:
    """Each root validates, without a warning, with every version of the provider that this machine has.

    A machine without a mirror has the version of the lock file only.
    """
    shutil.copytree(ROOT / "terraform", tmp_path / "terraform", ignore=shutil.ignore_patterns(".terraform"))
    folder = tmp_path / root
    if version is not None:
        (folder / ".terraform.lock.hcl").unlink()
        pinned = f'aws = {{\n source = "hashicorp/aws"\n version = ">= 5.100, < 7, {version}"\n }}'
        (folder / "pinned_override.tf").write_text(f"terraform {{\n required_providers {{\n {pinned}\n }}\n}}\n")
    terraform(tmp_path, f"-chdir={folder}", "init", "-backend=false")
    told = json.loads(terraform(tmp_path, f"-chdir={folder}", "validate", "-json"))
    assert (told["valid"], told["diagnostics"]) == (True, [])


@pytest.mark.parametrize(
    "name", [path.name.partition(".")[0] for path in sorted((ROOT / "terraform/tests").glob("*.hcl"))]
)
def test_rules_hold(name: str, tmp_path: Path) -> None:
    """The plans contain and refuse what terraform/tests says; an environment's plan uses its own values."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    terraform(tmp_path, "-chdir=terraform", "init", "-backend=false", "-lockfile=readonly")
    values = [f"-var-file=environments/{name}.tfvars"] if name in ENVIRONMENTS else []
    workspace = name if name in ENVIRONMENTS else "default"
    rules = f"-filter=tests/{name}.tftest.hcl"
    printed = terraform(tmp_path, "-chdir=terraform", "test", rules, *values, TF_WORKSPACE=workspace)
    (outcome,) = re.findall(r"Success! (\d+) passed, 0 failed", printed)
    (RESULTS / f"rules-{name}.json").write_text(json.dumps({"passed": int(outcome)}))
