"""The command with the real Terraform, from one checkout for both environments, as people and pipelines have it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.infra.snippets import scripts
from tests.support.emulator import Account, account
from tests.support.making import provide_make
from tests.support.recording import MARK
from tests.support.stack import ENVIRONMENTS
from tests.support.terraform import ROOT, cli_environ

RUNBOOK = ROOT / "docs/runbooks/deploy.md"
pytestmark = [pytest.mark.terraform, pytest.mark.timeout(300)]

# A root module that needs no provider, in place of ours: what is tried here is where states, choices and locks are.
_ROOT = """
terraform {
  backend "s3" {}
}

variable "environment" {}
variable "ami_id" {}

resource "terraform_data" "image" {
  input = var.ami_id
}
"""


@dataclass(frozen=True)
class Checkout:
    """A checkout, and the accounts that it is for."""

    folder: Path
    accounts: dict[str, Account]
    requests: dict[str, Path]
    """Where requests to each account are recorded."""

    def environ(self, environment: str) -> dict[str, str]:
        """Return what a command for an environment is told, and nothing that other tests are."""
        plain = {name: os.environ[name] for name in ("PATH", "HOME")}
        mark = {"TF_APPEND_USER_AGENT": f"{MARK}/trial.any"}
        return plain | self.accounts[environment].environ | cli_environ(self.folder) | mark

    def start(self, environment: str, command: list[str], **environ: str) -> "subprocess.Popen[str]":
        """Start a command for an environment."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environ(environment) | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def deploying(self, environment: str, *arguments: str) -> "subprocess.Popen[str]":
        """Start the command that deploys."""
        command = [sys.executable, "-m", "terraform.deploy", environment, "--image=ami-a", *arguments]
        return self.start(environment, command)

    def deploy(self, environment: str, *arguments: str) -> tuple[int, str]:
        """Run the command that deploys, and return its exit status and what it said."""
        return told(self.deploying(environment, *arguments))

    def terraform(self, environment: str, *arguments: str) -> None:
        """Run Terraform by hand, as runbooks say."""
        environ = self.environ(environment) | {"TF_DATA_DIR": f".terraform/{environment}"}
        command = ["terraform", "-chdir=terraform", *arguments]
        subprocess.run(command, cwd=self.folder, env=environ, check=True, capture_output=True)

    def make_workspace(self, environment: str) -> None:
        """Make an environment's workspace, which its first deployment does."""
        self.terraform(environment, "init", f"-backend-config=environments/{environment}.s3.tfbackend")
        self.terraform(environment, "workspace", "new", environment)

    def kept(self, environment: str) -> list[str]:
        """Return the keys of what is in an environment's bucket."""
        found = self.accounts[environment].client("s3").list_objects_v2(Bucket=bucket(environment))
        return [item["Key"] for item in found.get("Contents", [])]


def told(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Wait for the end of a command, and return its exit status and what it said."""
    printed, _ = process.communicate(timeout=200)
    return process.returncode, printed


def until(true: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Wait until something is true, while a command runs."""
    while not true():
        assert process.poll() is None, told(process)
        time.sleep(0.05)


def lock(environment: str) -> str:
    """Return the key of Terraform's lock."""
    return f"env:/{environment}/hello-birthday.tfstate.tflock"


def bucket(environment: str) -> str:
    """Return the name of an environment's state bucket."""
    return f"hello-birthday-{environment}-state-{ENVIRONMENTS[environment]}"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Give each account a folder."""
    return {name: tmp_path_factory.mktemp(name) for name in ENVIRONMENTS}


@pytest.fixture(scope="module")
def accounts(folders: dict[str, Path]) -> Iterator[dict[str, Account]]:
    """Run both accounts."""
    with account("111111111111", folders["dev"]) as dev, account("222222222222", folders["prod"]) as prod:
        yield {"dev": dev, "prod": prod}


@pytest.fixture
def checkout(accounts: dict[str, Account], folders: dict[str, Path], tmp_path: Path) -> Iterator[Checkout]:
    """Give a fresh checkout, and empty state buckets."""
    for part in ("deploy", "environments"):
        shutil.copytree(ROOT / "terraform" / part, tmp_path / "terraform" / part)
    (tmp_path / "terraform" / "main.tf").write_text(_ROOT)
    for file in tmp_path.glob("terraform/environments/*.s3.tfbackend"):
        file.write_text(file.read_text() + "use_path_style = true\n")
    for environment, each in accounts.items():
        where = {"LocationConstraint": "eu-central-1"}
        each.client("s3").create_bucket(Bucket=bucket(environment), CreateBucketConfiguration=where)
    requests = {environment: folder / "requests.jsonl" for environment, folder in folders.items()}
    yield (made := Checkout(tmp_path, accounts, requests))
    for environment, each in accounts.items():
        s3 = each.client("s3")
        for key in made.kept(environment):
            s3.delete_object(Bucket=bucket(environment), Key=key)
        s3.delete_bucket(Bucket=bucket(environment))


@pytest.mark.parametrize("order", [["dev", "prod", "dev"], ["prod", "dev", "prod"]], ids="-".join)
def test_both_environments_have_one_checkout(checkout: Checkout, order: list[str]) -> None:
    """Both environments can be planned one after the other, whatever was selected before."""
    for environment in ENVIRONMENTS:
        checkout.make_workspace(environment)
    for environment in order:
        status, printed = checkout.deploy(environment, "--dry-run")
        assert (status, f"ami-a would be brought to {environment}: 1 create" in printed) == (0, True), printed
    for environment in ENVIRONMENTS:
        assert checkout.kept(environment) == [f"env:/{environment}/hello-birthday.tfstate"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--dry-run"], "REFUSED: prod has no state yet"), (["--image=current"], "There is no current release yet")],
)
def test_what_deploys_nothing_makes_no_state(checkout: Checkout, arguments: list[str], says: str) -> None:
    """Before the first deployment, a dry run says who must make it; neither a dry run nor a refusal creates a state."""
    status, printed = checkout.deploy("prod", *arguments)
    assert (status, says in printed) == (2, True), printed
    assert checkout.kept("prod") == []


def test_dry_run_needs_no_lock(checkout: Checkout) -> None:
    """A dry run neither takes a lock nor waits for one."""
    checkout.make_workspace("dev")
    checkout.accounts["dev"].client("s3").put_object(Bucket=bucket("dev"), Key=lock("dev"), Body=b"{}")
    status, printed = checkout.deploy("dev", "--dry-run")
    assert (status, "ami-a would be brought to dev" in printed) == (0, True), printed


def test_deployment_waits_for_a_lock(checkout: Checkout) -> None:
    """A deployment that finds a lock goes on when it is released."""
    checkout.make_workspace("dev")
    s3, requests = checkout.accounts["dev"].client("s3"), checkout.requests["dev"]
    s3.put_object(Bucket=bucket("dev"), Key=lock("dev"), Body=b'{"ID": "somebody-else"}')
    before = requests.read_text().count(".tflock")
    process = checkout.deploying("dev")
    until(lambda: requests.read_text().count(".tflock") >= before + 2, process)  # it tries, and asks who has it
    s3.delete_object(Bucket=bucket("dev"), Key=lock("dev"))
    _, printed = told(process)
    assert "applying for ami-a: 1 create" in printed, printed
    assert "env:/dev/hello-birthday.tfstate" in checkout.kept("dev")


def test_cancelled_step_leaves_no_lock(checkout: Checkout) -> None:
    """A signal to a step's first process, as GitHub sends it, lets Terraform finish and release both locks."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/dev.yml").read_text())
    (step,) = [step["run"] for step in workflow["jobs"]["deploy"]["steps"] if "make deploy" in step.get("run", "")]
    long = "touch ../began; exec sleep 60"
    (checkout.folder / "terraform" / "long_override.tf").write_text(
        f'resource "terraform_data" "image" {{\n provisioner "local-exec" {{\n command = "{long}"\n }}\n}}\n'
    )
    provide_make(checkout.folder, unless="preflight")
    (checkout.folder / "step").write_text(step)
    process = checkout.start("dev", ["bash", "-e", "step"], IMAGE="ami-a")
    until((checkout.folder / "began").exists, process)
    assert lock("dev") in checkout.kept("dev")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)  # GitHub's comes 7.5 seconds later, and must not disturb the end
    status, printed = told(process)
    assert (status != 0, "INTERRUPTED" in printed) == (True, True), printed
    assert [key for key in checkout.kept("dev") if "lock" in key] == []


def test_what_was_approved_is_done(checkout: Checkout) -> None:
    """A deployment applies what a dry run showed, as long as it would still do the same."""
    checkout.make_workspace("prod")
    status, printed = checkout.deploy("prod", "--dry-run")
    assert status == 0, printed
    told_of = (checkout.folder / "build/prod.approval").read_text()
    image, approved = (line.partition("=")[2] for line in told_of.splitlines())
    assert (image, f"IMAGE=ami-a DEPLOY=--approved={approved}" in printed) == ("ami-a", True), printed
    _, printed = checkout.deploy("prod", f"--approved={approved}")
    assert "applying for ami-a: 1 create" in printed, printed
    status, printed = checkout.deploy("prod", f"--approved={approved}")
    assert (status, "something else than what was approved: no changes" in printed) == (2, True), printed


def test_lock_that_was_left_is_removed_as_the_runbook_says(checkout: Checkout) -> None:
    """A lock that a killed apply left is removed by the runbook's own commands, with the id that Terraform printed."""
    checkout.make_workspace("prod")
    (script,) = [text for text in scripts(RUNBOOK.read_text()) if "force-unlock" in text]
    told_id = script.split()[-1]
    s3 = checkout.accounts["prod"].client("s3")
    s3.put_object(Bucket=bucket("prod"), Key=lock("prod"), Body=json.dumps({"ID": told_id}).encode())
    command = ["bash", "-e", "-c", script]
    done = subprocess.run(
        command, input="yes\n", text=True, cwd=checkout.folder, env=checkout.environ("prod"), check=False
    )
    assert (done.returncode, lock("prod") in checkout.kept("prod")) == (0, False)
