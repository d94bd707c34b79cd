"""The programs that people need, and their versions. Knows nothing of AWS."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from terraform.preflight.finding import Finding, missing, ok

_REPOSITORY = Path(__file__).parents[2]
_REQUIRED = re.compile(r'required_version = ">= ([\d.]+)')
_ARGUMENTS = {"packer": "version", "terraform": "version"}
_SOURCES = {
    "aws": "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
    "packer": "https://developer.hashicorp.com/packer/install",
    "session-manager-plugin": "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
    "session-manager-working-with-install-plugin.html",
    "terraform": "https://developer.hashicorp.com/terraform/install",
}

TO_DEPLOY = ("terraform",)
TO_BAKE = ("packer", "session-manager-plugin")
TO_OPERATE = ("aws",)


def check(names: Iterable[str]) -> Iterator[Finding]:
    """Check that each tool is installed, and new enough."""
    for name in names:
        oldest, found = least(name), _version(name)
        if found is None:
            yield missing(name, f"not installed, or not on the PATH; get it from {_SOURCES[name]}")
        elif _numbers(found) < _numbers(oldest):
            yield missing(name, f"{found} is installed, {oldest} or newer is needed; get it from {_SOURCES[name]}")
        else:
            yield ok(name, found)


def least(name: str) -> str:
    """Return the oldest version that works."""
    files = {"packer": "packer/plugins.pkr.hcl", "terraform": "terraform/versions.tf"}
    if name in files:
        (required,) = _REQUIRED.findall((_REPOSITORY / files[name]).read_text(encoding="utf-8"))
        return str(required)
    return "2" if name == "aws" else "0"


def _version(name: str) -> str | None:
    """Return the version that a tool reports, or None if it reports none."""
    command = [name, _ARGUMENTS.get(name, "--version")]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\d+(?:\.\d+)+", told)
    return found[0] if found else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
