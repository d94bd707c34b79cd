"""Other programs, run so that an interruption lets them end what they are at, as Ctrl-C in a terminal does."""

import os
import signal
import subprocess
from pathlib import Path

from terraform.deploy.outcome import Failed


def run(
    command: list[str], folder: Path, *, stdout: int | None = None, stderr: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `command` to its end, also when interrupted; raise Failed if there is no such program."""
    try:
        process = subprocess.Popen(command, cwd=folder, stdout=stdout, stderr=stderr, text=True, start_new_session=True)
    except FileNotFoundError as error:
        raise Failed(f"{command[0]} is not installed, or not on the PATH.") from error
    with process:
        try:
            out, err = process.communicate()
        except BaseException:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            process.communicate()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)
