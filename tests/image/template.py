"""The template for Debian's Packer 1.6: all of it except plugins.pkr.hcl, which that version does not understand.

Has a value for each variable that a bake requires; does not know the results of a bake.
"""

import json
import shutil
import subprocess
from pathlib import Path

from tests.image.layout import REPOSITORY, environ
from tests.support.outside import Outside

VARIABLES = {
    "version": "1.0.0",
    "commit": "0" * 40,
    "built": "20260101T000000Z",
    "expires": "2026-04-01T00:00:00Z",
    "subnet_id": "subnet-0123456789abcdef0",
}


def copy(home: Path) -> None:
    """Copy the template into `home`, which is emptied first, beside the folders that it reads from and writes to."""
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(REPOSITORY / "packer", home / "packer", ignore=shutil.ignore_patterns("plugins.pkr.hcl"))
    for name in ("ansible", "build"):
        (home / name).symlink_to(REPOSITORY / name)


def arguments(variables: dict[str, str]) -> list[str]:
    """Return the arguments that pass `variables` to Packer, with a default for each that is required."""
    return [f"-var={name}={value}" for name, value in (VARIABLES | variables).items()]


def packer(home: Path, *words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    """Run Packer beside a copy of the template."""
    quiet = environ() | {"CHECKPOINT_DISABLE": "1", "AWS_EC2_METADATA_DISABLED": "true"}
    return subprocess.run(
        ["packer", *words], cwd=home, env=quiet, input=typed, capture_output=True, text=True, check=False
    )


def evaluate(home: Path, expression: str, **variables: str) -> str:
    """Return the value of an expression of the template, such as local.user_data."""
    done = packer(home, "console", *arguments(variables), "packer", typed=expression)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.rstrip("\n")


def user_data(home: Path, world: Outside) -> str:
    """Return a builder's user data, with the stand-in of the agent of Systems Manager."""
    agent = {"package": f"{world.url}/amazon-ssm-agent.deb", "key": str(world.key)}
    return evaluate(home, "local.user_data", ssm_agent=json.dumps(agent))
