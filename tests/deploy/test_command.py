"""The command line: what is refused, what an interruption leaves behind, and the exit status of each."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from terraform.deploy.lock import KEY
from tests.deploy.conftest import Bucket, environ_of, provide_commands

# Plays Terraform: one environment without outputs; an apply says that it began, and ends when it is interrupted.
_TERRAFORM = """#!/bin/sh
case "$1" in
  workspace) if [ "$2" = list ]; then echo '* dev'; fi ;;
  plan) for word; do case "$word" in -out=*) : > "${word#-out=}" ;; esac; done ;;
  output) echo '{}' ;;
  show) if [ "$2" = -json ]; then cat ../plan.json; fi ;;
  apply) trap 'echo interrupted > ../interrupted; exit 1' INT; echo applying; while :; do sleep 0.1; done ;;
esac
"""
_PLAN = {"variables": {"environment": {"value": "dev"}, "ami_id": {"value": "ami-a"}}, "resource_changes": []}
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def folder(tmp_path: Path, bucket: Bucket) -> Path:
    """Return a folder with a copy of the command, and a stand-in for Terraform on its own PATH."""
    provide_commands(tmp_path, bucket, ("deploy", "environments"), _TERRAFORM)
    (tmp_path / "plan.json").write_text(json.dumps(_PLAN))
    return tmp_path


@pytest.fixture
def start(folder: Path, dynamodb: str) -> Start:
    """Start the command in that folder."""

    def run(*arguments: str, **environ: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "terraform.deploy", *arguments],
            cwd=folder,
            env=environ_of(folder, dynamodb) | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return run


def told(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Return the exit status and what was printed."""
    printed, _ = process.communicate(timeout=50)
    return process.returncode, printed


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["dev"], "run `make bake` first"),
        (["test"], "there is no environment test; there are dev, prod"),
        (["dev", "--image", "previous"], "There is no previous release yet"),
        (["dev", "--image", "current", "--dry-run"], "There is no current release yet"),
        (["dev", "--expect-no-changes"], "--expect-no-changes goes with --dry-run"),
        (["dev", "--image", "ami-a", "--approved", "0123"], "something else than what was approved: no changes"),
        (["dev", "--image", "ami-a", "--approved="], "something else than what was approved"),
        (["dev", "--expect-younger-than", "1"], "There is no current release yet"),
    ],
)
def test_refusals(start: Start, arguments: list[str], says: str) -> None:
    """Impossible requests are refused with a helpful sentence and exit status 2."""
    status, printed = told(start(*arguments))
    assert (status, says in printed) == (2, True), printed
    assert "Traceback" not in printed


def test_terraform_is_missing(start: Start, folder: Path) -> None:
    """If Terraform is not installed, the command says where to get it."""
    (folder / "bin" / "terraform").unlink()
    status, printed = told(start("dev", "--image", "ami-a", PATH=str(folder / "bin")))
    assert (status, "terraform is not installed" in printed) == (2, True), printed


def test_aws_refuses(start: Start) -> None:
    """Missing credentials, or those that AWS rejects, are reported in one line."""
    status, printed = told(
        start("dev", "--image", "ami-a", AWS_ENDPOINT_URL="http://127.0.0.1:1", AWS_MAX_ATTEMPTS="1")
    )
    assert (status, "REFUSED: a call to AWS failed" in printed) == (2, True), printed
    assert "Traceback" not in printed


def test_dry_run_changes_nothing(start: Start, folder: Path, bucket: Bucket) -> None:
    """A dry run plans, says how to apply exactly that plan, and takes no lease."""
    status, printed = told(start("dev", "--image", "ami-a", "--dry-run", "--expect-no-changes"))
    assert (status, "ami-a would be brought to dev: no changes" in printed) == (0, True), printed
    assert "Contents" not in bucket.s3.list_objects_v2(Bucket=bucket.name)
    (folder / "plan.json").write_text(
        json.dumps(_PLAN | {"resource_changes": [{"address": "a.b", "change": {"actions": ["delete", "create"]}}]})
    )
    status, printed = told(start("dev", "--image", "ami-a", "--dry-run", "--expect-no-changes"))
    assert (status, "delete+create a.b" in printed) == (1, True), printed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_interrupted(start: Start, folder: Path, bucket: Bucket, number: signal.Signals) -> None:
    """Interrupted during an apply, it lets Terraform finish, gives the lease back, and says how to go on."""
    process = start("dev", "--image", "ami-a")
    assert process.stdout is not None
    assert next(line for line in process.stdout if line == "applying\n")
    assert bucket.s3.head_object(Bucket=bucket.name, Key=KEY)
    process.send_signal(number)
    status, printed = told(process)
    assert (status, "Run the same command again" in printed) == (128 + number, True), printed
    assert (folder / "interrupted").exists(), printed
    assert "Contents" not in bucket.s3.list_objects_v2(Bucket=bucket.name)
    assert json.loads((folder / "build" / "deployment.json").read_text())["status"] == 128 + number


def test_apply_that_takes_too_long(start: Start, bucket: Bucket) -> None:
    """Once half of the time is over, an apply is interrupted, so that there is time left to roll back."""
    status, printed = told(start("dev", "--image", "ami-a", "--minutes=0.02"))
    assert (status, "FAILED: time is up, and terraform apply was interrupted" in printed) == (3, True), printed
    assert "Contents" not in bucket.s3.list_objects_v2(Bucket=bucket.name)


def test_stale_plan(start: Start, folder: Path, bucket: Bucket) -> None:
    """A plan that Terraform calls stale is refused, since nothing was changed; Terraform's message is shown."""
    stale = "echo 'Error: Saved plan is stale' >&2; exit 1"
    (folder / "bin" / "terraform").write_text(_TERRAFORM.replace("apply) ", f"apply) {stale}; "))
    status, printed = told(start("dev", "--image", "ami-a"))
    assert (status, "Saved plan is stale" in printed, "Run this again" in printed) == (2, True, True), printed
    assert "Contents" not in bucket.s3.list_objects_v2(Bucket=bucket.name)


def test_locked_state(start: Start, folder: Path, bucket: Bucket) -> None:
    """If somebody else has locked the state, nothing was changed, so nothing is rolled back."""
    locked = "echo 'Error: Error acquiring the state lock' >&2; exit 1"
    (folder / "bin" / "terraform").write_text(_TERRAFORM.replace("apply) ", f"apply) {locked}; "))
    status, printed = told(start("dev", "--image", "ami-a"))
    assert (status, "REFUSED: Somebody else has locked the state" in printed) == (2, True), printed
    assert "Contents" not in bucket.s3.list_objects_v2(Bucket=bucket.name)


def test_interrupted_in_a_plan(start: Start, folder: Path, bucket: Bucket) -> None:
    """Interrupted during a plan, it lets Terraform release its own lock."""
    os.mkfifo(folder / "began")
    plan = "trap 'echo interrupted > ../interrupted; exit 1' INT; echo > ../began; while :; do sleep 0.1; done"
    (folder / "bin" / "terraform").write_text(_TERRAFORM.replace("plan) ", f"plan) {plan}; "))
    process = start("dev", "--image", "ami-a")
    assert (folder / "began").read_text() == "\n"
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    status, printed = told(process)
    assert status - 128 in {signal.SIGINT, signal.SIGTERM}, printed
    assert (folder / "interrupted").exists(), printed
    assert "Contents" not in bucket.s3.list_objects_v2(Bucket=bucket.name)
