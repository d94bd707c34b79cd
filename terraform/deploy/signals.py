"""SIGINT and SIGTERM: how they interrupt the command, and what they have to wait for."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(SystemExit):
    """A signal asked the command to stop; no handler of errors may catch this on the way."""

    code: int


def listen() -> None:
    """Let the first signal raise Interrupted in the main thread, with the exit status that a shell gives it."""
    for each in _SIGNALS:
        signal.signal(each, _interrupt)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    """Raise Interrupted once: GitHub sends SIGTERM 7.5 seconds after SIGINT, while Terraform may still be finishing."""
    for each in _SIGNALS:
        signal.signal(each, lambda *_: None)
    raise Interrupted(128 + number)


@contextmanager
def uninterrupted() -> Iterator[set[int]]:
    """Hold both signals back until the block ends; yield the signal mask from before."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        yield before
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
