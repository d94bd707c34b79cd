"""Other programs, run so that an interruption lets them end what they are at, as Ctrl-C in a terminal does."""

import os
import signal
import subprocess
import time
from pathlib import Path

from terraform.deploy.exit_status import Failed


def run(
    command: list[str],
    folder: Path,
    environ: dict[str, str],
    *,
    quiet: bool = False,
    deadline: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `command` to its end, also when interrupted, and return what it said; unless `quiet`, it is printed.

    Raise Failed if there is no such program; and at `deadline`, in seconds of the monotonic clock, interrupt it, let it
    end, and raise Failed.
    """
    free = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        # An interruption waits until the program is known: before, nobody could pass it on, and it would run for ever.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdout=subprocess.PIPE if quiet else None,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, free),  # noqa: PLW1509 - takes no lock of the lease's thread
        )
    except BaseException as error:
        signal.pthread_sigmask(signal.SIG_SETMASK, free)
        if isinstance(error, FileNotFoundError):
            raise Failed(f"{command[0]} is not installed, or not on the PATH.") from error
        raise
    with process:
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, free)
            out, err = process.communicate(timeout=_left(deadline))
        except BaseException as error:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                raise Failed(f"time is up, and {' '.join(command[:2])} was interrupted.") from error
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _left(deadline: float | None) -> float | None:
    """Return how many seconds are left, none for ever."""
    return None if deadline is None else max(0.0, deadline - time.monotonic())
