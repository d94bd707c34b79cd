"""SIGINT and SIGTERM: how they interrupt the command, and what they have to wait for."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(SystemExit):
    """A signal asked the deployment to stop, which is no error to be handled on the way."""

    code: int


def listen() -> None:
    """Let the first signal raise Interrupted in the main thread, with the exit status that a shell gives it."""
    for each in _SIGNALS:
        signal.signal(each, _interrupt)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    """Begin to end; GitHub sends SIGTERM 7.5 seconds after SIGINT, which must not disturb Terraform in ending, too."""
    for each in _SIGNALS:
        signal.signal(each, lambda *_: None)
    raise Interrupted(128 + number)


@contextmanager
def uninterrupted() -> Iterator[set[int]]:
    """Let them wait until the block ends; give the mask of signals that was there before."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        yield before
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
