"""The job that plans for prod, simulated: its own steps, in one checkout, in both accounts."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.test_workflows import FOLDER, jobs
from tests.support.emulator import IMAGES
from tests.support.github import environment, github, required_reviewers
from tests.support.making import provide_make
from tests.support.recording import MARK
from tests.support.stack import Stack

pytestmark = pytest.mark.terraform

IMAGE = list(IMAGES)[1]
RELEASES = "deploy/releases.json"


@pytest.fixture
def checkout(stacks: dict[str, Stack], tmp_path: Path) -> Path:
    """Give a fresh checkout, in which nothing was chosen yet."""
    known = shutil.ignore_patterns(".terraform", "terraform.tfstate.d")
    shutil.copytree(stacks["dev"].terraform.folder, tmp_path / "terraform", ignore=known)
    provide_make(tmp_path)
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com"]
    for arguments in (["init", "-q"], ["add", "terraform/deploy"], [*who, "commit", "-q", "-m", "all"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    return tmp_path


@pytest.fixture
def released(stacks: dict[str, Stack], checkout: Path) -> Iterator[str]:
    """Let dev have released what is checked out."""
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=checkout, text=True).strip()
    release = {"image": IMAGE, "version": "1.0.0", "commit": commit, "verified_at": "2026-01-01T00:00:00+00:00"}
    s3, bucket = stacks["dev"].account.client("s3"), f"{stacks['dev'].name}-state-111111111111"
    s3.put_object(Bucket=bucket, Key=RELEASES, Body=json.dumps([release]))
    yield IMAGE
    s3.delete_object(Bucket=bucket, Key=RELEASES)


def play(checkout: Path, stacks: dict[str, Stack], told: dict[str, str]) -> dict[str, str]:
    """Run the job's steps one after the other, each in a shell as GitHub does, and return the outputs."""
    files = {name: str(checkout / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    plain = {name: os.environ[name] for name in ("PATH", "HOME")}
    role = {"TF_APPEND_USER_AGENT": f"{MARK}/update.plan"}  # what Terraform asks for here is asked by the plan role
    for step in jobs(FOLDER / "workflows" / "prod.yml")["plan"]["steps"]:
        if "role-to-assume" in step.get("with", {}):
            stack = stacks["dev" if "DEV_PLAN_ROLE" in step["with"]["role-to-assume"] else "prod"]
            role |= stack.account.environ | {"TF_CLI_CONFIG_FILE": stack.terraform.environ["TF_CLI_CONFIG_FILE"]}
        if "run" in step:
            (checkout / "step").write_text(step["run"])
            environ = plain | files | told | role
            subprocess.run(["bash", "-e", "step"], cwd=checkout, env=environ, check=True)
    return dict(line.split("=", 1) for line in Path(files["GITHUB_OUTPUT"]).read_text().splitlines())


def test_what_dev_released_is_planned_for_prod(stacks: dict[str, Stack], checkout: Path, released: str) -> None:
    """The job hands over dev's image and plans for prod; a second run produces the same plan."""
    with github(200, environment(required_reviewers())) as told:
        outputs = play(checkout, stacks, told)
        assert outputs["image"] == released
        assert "### Plan for prod\n```\n" in (checkout / "GITHUB_STEP_SUMMARY").read_text()
        assert released in (checkout / "build" / "prod.plan.txt").read_text()
        assert play(checkout, stacks, told) == outputs
