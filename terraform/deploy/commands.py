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
    free = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        # An interruption waits until the program is known: before, nobody could pass it on, and it would run for ever.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=stdout,
            stderr=stderr,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, free),  # noqa: PLW1509 - there are no threads
        )
    except BaseException as error:
        signal.pthread_sigmask(signal.SIG_SETMASK, free)
        if isinstance(error, FileNotFoundError):
            raise Failed(f"{command[0]} is not installed, or not on the PATH.") from error
        raise
    with process:
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, free)
            out, err = process.communicate()
        except BaseException:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            process.communicate()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)
