"""Other programs, run so that an interruption lets them end what they are at, as Ctrl-C in a terminal does."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from terraform.deploy.exit_status import Failed


@contextmanager
def uninterrupted() -> Iterator[set[int]]:
    """Let signals that interrupt wait until the block ends; give the mask of signals that was there before."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        yield before
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run(
    command: list[str], folder: Path, environ: dict[str, str], *, quiet: bool = False, deadline: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `command` to its end, also when interrupted, and return what it said; unless `quiet`, it is printed.

    Raise Failed if there is no such program; and at `deadline`, in seconds of the monotonic clock, interrupt it, let it
    end, and raise Failed.
    """
    process = None
    try:
        with uninterrupted() as before:  # until it is known: nobody could pass a signal on, and it would run for ever
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environ,
                stdout=subprocess.PIPE if quiet else None,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
                preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, before),  # noqa: PLW1509 - takes no lock of the lease's thread
            )
        out, err = process.communicate(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
    except FileNotFoundError as error:
        raise Failed(f"{command[0]} is not installed, or not on the PATH.") from error
    except BaseException as error:
        if process is None:
            raise
        with uninterrupted():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise Failed(f"time is up, and {' '.join(command[:2])} was interrupted.") from error
        raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)
