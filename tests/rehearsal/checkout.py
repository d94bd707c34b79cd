"""A working copy of the repository, set up for the emulated account as a person sets it up for a real one."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.rehearsal.stage import FOLDER
from tests.support.emulator import Account
from tests.support.stack import ENVIRONMENTS, ZONES
from tests.support.terraform import OVERRIDE, ROOT, Terraform, cli_environ

ENVIRONMENT = "prod"


@dataclass(frozen=True)
class Checkout:
    """The working copy, and what its commands need in their environment."""

    folder: Path
    environ: dict[str, str]


def prepare(account: Account, endpoint: str) -> Checkout:
    """Bootstrap `account`, and return a working copy whose commands reach it at `endpoint`."""
    folder = FOLDER / "checkout"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    files = subprocess.check_output(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
    ).splitlines()
    subprocess.run(
        ["cp", "--parents", *(file for file in files if (ROOT / file).exists()), folder], cwd=ROOT, check=True
    )
    account.client("route53").create_hosted_zone(Name=ZONES[ENVIRONMENT], CallerReference=ENVIRONMENT)
    bootstrap = Terraform.copy(folder / "build" / "bootstrap", account, "terraform/bootstrap")
    bootstrap.run("init")
    bootstrap.run("workspace", "new", ENVIRONMENT)
    bootstrap.run("apply", "-auto-approve", f"-var-file={ENVIRONMENT}.tfvars")
    # Addresses instead of host names, for the emulator; everything else is the environment's own.
    (folder / "terraform" / "emulator_override.tf").write_text(OVERRIDE, encoding="utf-8")
    with (folder / f"terraform/environments/{ENVIRONMENT}.s3.tfbackend").open("a", encoding="utf-8") as backend:
        backend.write("use_path_style = true\n")
    return Checkout(folder, account.environ | cli_environ(folder / "build") | {"AWS_ENDPOINT_URL": endpoint})


ACCOUNT_ID = ENVIRONMENTS[ENVIRONMENT]
