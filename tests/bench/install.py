"""The peers' own environments below build/bench: created when missing or out of date, otherwise left alone."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.layout import BENCH, BUILD
from tests.bench.processes import BenchError

PEERS = BENCH / "peers"

_UV = (sys.executable, "-m", "uv")


def install(name: str) -> None:
    """Install the dependencies of the peer `name`, exactly as pinned, unless that has been done."""
    node = (PEERS / name / "package.json").exists()
    wanted = PEERS / name / ("package.json" if node else "requirements.txt")
    home = BUILD / name
    done = home / f"installed-{wanted.name}"
    if not done.exists() or done.read_text() != wanted.read_text():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        (_install_node if node else _install_python)(wanted, home)
        shutil.copyfile(wanted, done)
    if node:
        # Node looks for packages beside and above the program, so the program is copied next to them.
        shutil.copyfile(PEERS / name / "app.js", home / "app.js")


def _install_python(requirements: Path, home: Path) -> None:
    _run([*_UV, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(home)])
    python = str(home / "bin" / "python")
    _run([*_UV, "pip", "install", "--quiet", "--python", python, "--requirement", str(requirements)])


def _install_node(package: Path, home: Path) -> None:
    shutil.copyfile(package, home / "package.json")
    _run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--omit=dev", "--prefix", str(home)])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
