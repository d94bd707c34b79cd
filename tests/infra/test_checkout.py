"""The command with the real Terraform, from one checkout for both environments, as people and pipelines have it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.emulator import Account, account
from tests.support.stack import ENVIRONMENTS
from tests.support.terraform import ROOT, cli_environ

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

    def environ(self, environment: str) -> dict[str, str]:
        """Return what a command for an environment is told, and nothing that other tests are."""
        plain = {name: os.environ[name] for name in ("PATH", "HOME")}
        return plain | self.accounts[environment].environ | cli_environ(self.folder)

    def deploy(self, environment: str, *arguments: str) -> tuple[int, str]:
        """Run the command, and return its exit status and what it said."""
        command = [sys.executable, "-m", "terraform.deploy", environment, "--image=ami-a", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environ(environment), capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

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


def bucket(environment: str) -> str:
    """Return the name of an environment's state bucket."""
    return f"hello-birthday-{environment}-state-{ENVIRONMENTS[environment]}"


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Account]]:
    """Run both accounts."""
    folders = [tmp_path_factory.mktemp(name) for name in ENVIRONMENTS]
    dev, prod = (account(number, folder) for number, folder in zip(ENVIRONMENTS.values(), folders, strict=True))
    with dev as for_dev, prod as for_prod:
        yield {"dev": for_dev, "prod": for_prod}


@pytest.fixture
def checkout(accounts: dict[str, Account], tmp_path: Path) -> Iterator[Checkout]:
    """Give a fresh checkout, and empty state buckets."""
    for part in ("deploy", "environments"):
        shutil.copytree(ROOT / "terraform" / part, tmp_path / "terraform" / part)
    (tmp_path / "terraform" / "main.tf").write_text(_ROOT)
    for file in tmp_path.glob("terraform/environments/*.s3.tfbackend"):
        file.write_text(file.read_text() + "use_path_style = true\n")
    for environment, each in accounts.items():
        where = {"LocationConstraint": "eu-central-1"}
        each.client("s3").create_bucket(Bucket=bucket(environment), CreateBucketConfiguration=where)
    yield (made := Checkout(tmp_path, accounts))
    for environment, each in accounts.items():
        s3 = each.client("s3")
        for key in made.kept(environment):
            s3.delete_object(Bucket=bucket(environment), Key=key)
        s3.delete_bucket(Bucket=bucket(environment))


@pytest.mark.parametrize("order", [["dev", "prod", "dev"], ["prod", "dev", "prod"]], ids="-".join)
def test_both_environments_have_one_checkout(checkout: Checkout, order: list[str]) -> None:
    """One after the other, either environment is planned for, whatever was chosen before."""
    for environment in ENVIRONMENTS:
        checkout.make_workspace(environment)
    for environment in order:
        status, printed = checkout.deploy(environment, "--dry-run")
        assert (status, f"ami-a would be brought to {environment}: 1 create" in printed) == (0, True), printed
    for environment in ENVIRONMENTS:
        assert checkout.kept(environment) == [f"env:/{environment}/hello-birthday.tfstate"]
