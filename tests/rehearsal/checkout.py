"""A working copy of the repository, set up for the emulated account as a person would set it up for a real one."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.rehearsal.stage import FOLDER
from tests.support.emulator import Account
from tests.support.stack import ENVIRONMENTS, bootstrap
from tests.support.terraform import ROOT, adapt, cli_environ

ENVIRONMENT = "prod"


@dataclass(frozen=True)
class Checkout:
    """The working copy, and the environment variables that its commands need."""

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
    adapt(folder / "terraform")
    bootstrap(ENVIRONMENT, account, folder / "terraform")
    (folder / "build").mkdir(exist_ok=True)
    return Checkout(folder, account.environ | cli_environ(folder / "build") | {"AWS_ENDPOINT_URL": endpoint})


ACCOUNT_ID = ENVIRONMENTS[ENVIRONMENT]
