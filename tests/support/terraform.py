"""Terraform as its users run it, on a copy of `terraform/`, against an emulated AWS account."""

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.emulator import Account
from tests.support.recording import MARK

ROOT = Path(__file__).parents[2]

# Only what an emulator on 127.0.0.1 makes necessary: paths instead of host names for buckets, and few retries.
OVERRIDE = """
provider "aws" {
  s3_use_path_style = true
  max_retries       = 7
}
"""


class TerraformFailed(Exception):
    """Terraform ended with an error; the message is what it printed."""


@dataclass
class Terraform:
    """A root module in a copy of `terraform/`, and an environment to run it in."""

    folder: Path
    environ: dict[str, str]
    seconds: dict[str, float] = field(default_factory=dict)
    """How long the last run of each command took."""
    stage: str = "creation"
    """The current stage, for the record of requests."""

    @classmethod
    def copy(cls, target: Path, account: Account, root: str = "terraform") -> "Terraform":
        """Copy the root module to `target`, to be applied to `account`."""
        copy(target)
        return cls.within(target, account, root)

    @classmethod
    def within(cls, copied: Path, account: Account, root: str = "terraform", data: str = ".terraform") -> "Terraform":
        """Use a root module of an existing copy, to be applied to `account`; `data` is Terraform's data folder."""
        environ = account.environ | cli_environ(copied) | {"TF_DATA_DIR": data}
        return cls(copied / Path(root).relative_to("terraform"), environ)

    @property
    def saved(self) -> str:
        """Where plans are saved: each environment has its own place, as it has for Terraform's own data."""
        return f"{self.environ['TF_DATA_DIR']}/plan"

    def run(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run terraform; raise TerraformFailed with its output if it fails."""
        started = time.monotonic()
        mark = {"TF_APPEND_USER_AGENT": f"{MARK}/{self.stage}.{arguments[0]}"}
        done = subprocess.run(
            ["terraform", *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder)} | self.environ | mark,
            capture_output=True,
            text=True,
            check=False,
        )
        self.seconds[arguments[0]] = time.monotonic() - started
        if check and done.returncode != 0:
            raise TerraformFailed(f"terraform {' '.join(arguments)}\n{done.stdout}\n{done.stderr}")
        return done

    def plan(self, *arguments: str) -> dict[str, Any]:
        """Make a plan and return it as `terraform show -json` prints it."""
        self.run("plan", "-input=false", f"-out={self.saved}", *arguments)
        plan: dict[str, Any] = json.loads(self.run("show", "-json", self.saved).stdout)
        return plan

    def state(self) -> list[str]:
        """Return the addresses of the managed resources in the state."""
        return [address for address in self.run("state", "list").stdout.splitlines() if ".data." not in f".{address}"]


def copy(target: Path) -> None:
    """Copy `terraform/` to `target`, and adapt it to an emulated account."""
    ignored = shutil.ignore_patterns(".terraform", "*.tfstate*", "tests")
    shutil.copytree(ROOT / "terraform", target, ignore=ignored)
    adapt(target)


def adapt(copied: Path) -> None:
    """Change a copy of `terraform/` as an emulated account requires; everything else stays as it is."""
    for root in (copied, copied / "bootstrap"):
        (root / "emulator_override.tf").write_text(OVERRIDE)
    for backend in copied.glob("environments/*.s3.tfbackend"):
        with backend.open("a") as file:
            file.write("use_path_style = true\n")


def cli_environ(folder: Path) -> dict[str, str]:
    """Return the variables that let terraform find its providers; the configuration for that is written to `folder`.

    If this machine has a folder with the provider, it is the mirror; otherwise Terraform downloads it as usual.
    """
    configuration = folder / "cli.tfrc"
    mirror = _provider_mirror()
    configuration.write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n' if mirror else ""
    )
    plain = {f"TF_CLI_ARGS_{command}": "-no-color" for command in ("apply", "destroy", "init", "plan", "test")}
    return plain | {"TF_CLI_CONFIG_FILE": str(configuration), "TF_IN_AUTOMATION": "true", "CHECKPOINT_DISABLE": "true"}


def provider_versions() -> list[str]:
    """Return the versions of the AWS provider in this machine's mirror, if it has one."""
    mirror = _provider_mirror()
    return sorted(path.name for path in mirror.glob("*/hashicorp/aws/*") if path.is_dir()) if mirror else []


def _provider_mirror() -> Path | None:
    """Return the folder that holds providers by host, owner and name, or None."""
    command = ["find", "/opt", "/usr/share", "/usr/local", "-maxdepth", "4", "-type", "d"]
    found = subprocess.run([*command, "-path", "*/hashicorp/aws"], capture_output=True, text=True, check=False)
    folders = found.stdout.split()
    return Path(folders[0]).parents[2] if folders else None
