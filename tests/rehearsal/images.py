"""Images to deploy: the baked one, a later version of it, and four bad ones with different faults."""

import shutil
import subprocess
from pathlib import Path

from tests.image.layout import ROOT

FOLDER = ROOT.parents[1] / "rehearsal" / "images"
_ENVIRONMENT = "opt/hello-birthday/image.env"
_START = "/opt/hello-birthday/bin/python -m service"
_MISSING = "HELLO_TABLE_NAME=missing HELLO_STARTUP_SECONDS=5"
_PACKAGE = "opt/hello-birthday/lib/python3.13/site-packages/service"
_DROP_IN = "etc/systemd/system/hello-birthday.service.d/bad.conf"

# Contents by file; a content that begins with + is appended. All other files stay as they were baked.
_CHANGES = {
    "a": {_ENVIRONMENT: "HELLO_GIT_COMMIT=" + "a" * 40},
    "b": {_ENVIRONMENT: "HELLO_GIT_COMMIT=" + "b" * 40},
    # looks for a table that does not exist, so it never becomes ready
    "never-ready": {
        _ENVIRONMENT: "HELLO_GIT_COMMIT=" + "c" * 40,
        _DROP_IN: f"[Service]\nExecStart=\nExecStart=/usr/bin/env {_MISSING} {_START}",
    },
    # becomes ready, dies four seconds after its start, and starts again, for ever
    "crash-loop": {
        _ENVIRONMENT: "HELLO_GIT_COMMIT=" + "d" * 40,
        _DROP_IN: f"[Service]\nExecStart=\nExecStart=/usr/bin/timeout --signal=KILL 4 {_START}\n"
        "NotifyAccess=all\nTimeoutStopSec=3",
    },
    # answers every request for a user with 500
    "errors": {
        _ENVIRONMENT: "HELLO_GIT_COMMIT=" + "e" * 40,
        f"{_PACKAGE}/birthdays.py": "+\n\ndef parse_username(text):\n    raise RuntimeError('a bug')\n",
    },
    # answers its first thousand requests correctly, and every later one with 500
    "breaks-later": {
        _ENVIRONMENT: "HELLO_GIT_COMMIT=" + "f" * 40,
        f"{_PACKAGE}/birthdays.py": "+\n\n_parse, _left = parse_username, iter(range(1000))\n\n\n"
        "def parse_username(text):\n    next(_left)\n    return _parse(text)\n",
    },
}
COMMITS = {name: changes[_ENVIRONMENT].partition("=")[2] for name, changes in _CHANGES.items()}


def make(names: list[str]) -> dict[str, Path]:
    """Make the images called `names` from the baked one, with hard links to all files that do not differ."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    made = {}
    for name in names:
        made[name] = FOLDER / name
        subprocess.run(["cp", "--archive", "--link", ROOT, made[name]], check=True)
        for path, content in _CHANGES[name].items():
            _replace(made[name] / path, content)
    return made


def _replace(path: Path, content: str) -> None:
    """Replace a file that other images share by a new one."""
    if content.startswith("+"):
        content = path.read_text(encoding="utf-8") + content[1:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(content.rstrip("\n") + "\n", encoding="utf-8")
    path.chmod(0o644)
