"""The template for Debian's Packer, 1.6: all of it but plugins.pkr.hcl, which that Packer does not understand.

Knows what a bake must be told at least; not what comes of it.
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
    """Copy the template into `home`, which is made anew, beside what it reads and where it writes."""
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(REPOSITORY / "packer", home / "packer", ignore=shutil.ignore_patterns("plugins.pkr.hcl"))
    for name in ("ansible", "build"):
        (home / name).symlink_to(REPOSITORY / name)


def arguments(variables: dict[str, str]) -> list[str]:
    """Return what tells Packer `variables`, and some value of those that it must be told."""
    return [f"-var={name}={value}" for name, value in (VARIABLES | variables).items()]


def packer(home: Path, *words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    """Run Packer beside a copy of the template."""
    quiet = environ() | {"CHECKPOINT_DISABLE": "1", "AWS_EC2_METADATA_DISABLED": "true"}
    return subprocess.run(
        ["packer", *words], cwd=home, env=quiet, input=typed, capture_output=True, text=True, check=False
    )


def evaluate(home: Path, expression: str, **variables: str) -> str:
    """Return what an expression of the template is, such as local.user_data."""
    done = packer(home, "console", *arguments(variables), "packer", typed=expression)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.rstrip("\n")


def user_data(home: Path, world: Outside) -> str:
    """Return what a builder is told at its first boot, but with the stand-in of the agent of Systems Manager."""
    agent = {"package": f"{world.url}/amazon-ssm-agent.deb", "key": str(world.key)}
    return evaluate(home, "local.user_data", ssm_agent=json.dumps(agent))
