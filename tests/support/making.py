"""What `make` needs in a folder that is not a full checkout: the Makefile, and a `.venv` with this Python."""

import shutil
import sys
from pathlib import Path

from tests.support.terraform import ROOT


def provide_make(folder: Path, unless: str = "") -> None:
    """Make targets work in `folder`; modules that have `unless` in their name do nothing, and succeed."""
    for name in ("Makefile", ".ci/pass-signals", "pyproject.toml", "uv.lock"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    left_out = f'case "$*" in *{unless}*) exit 0 ;; esac\n' if unless else ""
    python.write_text(f'#!/bin/sh\n{left_out}exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    for made in ("bin/uv", ".serves", ".ready"):  # in the order in which make makes them
        (folder / ".venv" / made).touch()
