"""The package says where it runs and what it needs."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# What is hidden cannot be imported; what Python imported at its start, before us, may stay.
_WITHOUT = """
import sys
sys.modules.update({name: None for name in sys.argv[1:] if name not in sys.modules})
from service.storage import local
local.start("birthdays")
"""


def installed_with(extra: str) -> set[str]:
    """Return the names of the packages that the service needs with an extra."""
    command = ["uv", "export", "--quiet", "--locked", "--no-default-groups", "--extra", extra, "--no-emit-project"]
    plain = ["--no-hashes", "--no-header", "--no-annotate"]
    uv = Path(sys.executable).with_name(command[0])
    lines = subprocess.check_output([uv, *command[1:], *plain], cwd=ROOT, text=True).splitlines()
    return {line.partition("==")[0] for line in lines}


def test_no_system_gets_half_of_what_is_imported() -> None:
    """All dependencies that the service imports are installed with it, and its operating systems are named."""
    assert [dependency for dependency in PROJECT["dependencies"] if ";" in dependency] == []
    assert "Operating System :: POSIX" in PROJECT["classifiers"]


def test_the_extra_is_all_that_the_embedded_store_needs() -> None:
    """The store starts and creates its table where nothing is installed but the service with its extra `local`."""
    installed = installed_with("local")
    names = {
        module: {re.sub(r"[-_.]+", "-", name).lower() for name in packages}
        for module, packages in packages_distributions().items()
    }
    hidden = sorted(module for module, packages in names.items() if not packages & (installed | {PROJECT["name"]}))
    assert {"cfnlint", "pytest"} <= set(hidden)
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT, *hidden], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"add to the extra `local` in pyproject.toml what is missing here:\n{done.stderr}"
