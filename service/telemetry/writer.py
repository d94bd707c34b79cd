"""Writes lines from a thread of its own, so that neither a reader who stalls nor a full disk holds up who logs.

Owns the bound of what waits and the count of what is lost. Knows nothing of what the lines say.
"""

import os
import select
import threading
import time
from collections.abc import Callable

from service.telemetry import metrics

# About a second of a busy instance's lines; more would be memory for a reader who is not coming back.
MAX_WAITING_BYTES = 4 * 1024 * 1024
# Lines that come within this time leave together: waking the thread for each would cost more than the lines themselves.
_PAUSE_SECONDS = 0.01


class Writer:
    """Writes to a file descriptor; what cannot be written is lost and counted, and nobody waits for it."""

    def __init__(self, descriptor: int, describe_lost: Callable[[int], bytes]) -> None:
        """Write to `descriptor`; once writing works again, `describe_lost` makes a line of how many were lost."""
        self._descriptor = descriptor
        self._describe_lost = describe_lost
        # Its lock may be taken twice by one thread: a finalizer that logs may run in the midst of `write`.
        self._changed = threading.Condition()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._lost = 0
        self._torn = False
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)
        self._thread.start()

    def write(self, line: bytes) -> None:
        """Have `line`, which ends with a newline, written soon; it is lost if too much waits already."""
        with self._changed:
            fits = self._waiting_bytes + len(line) <= MAX_WAITING_BYTES
            if fits:
                self._waiting.append(line)
                self._waiting_bytes += len(line)
                self._changed.notify()
        if not fits:
            self.lose(1)

    def lose(self, lines: int) -> None:
        """Count lines that will not be written."""
        with self._changed:
            self._lost += lines
        metrics.LOG_LINES_LOST.inc(lines)

    def close(self, seconds: float) -> None:
        """Write what waits, but give up after `seconds`: a reader who stalls must not hold up the exit."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(seconds)

    def _run(self) -> None:
        while data := self._take():
            if rest := self._write_out(data):
                self.lose(rest.count(b"\n") - rest.startswith(b"\n"))
            elif self._lost:
                self._tell_lost()
            with self._changed:
                self._waiting_bytes -= len(data)
            if not self._closing:
                time.sleep(_PAUSE_SECONDS)

    def _take(self) -> bytes:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            lines, self._waiting = self._waiting, []
        return b"".join(lines)

    def _tell_lost(self) -> None:
        lost = self._lost
        if not self._write_out(self._describe_lost(lost)):
            with self._changed:
                self._lost -= lost

    def _write_out(self, data: bytes) -> bytes:
        """Write `data` and return what could not be written of it."""
        # A line of which only the beginning was written, when the disk was full, must not swallow the next one.
        rest = memoryview(b"\n" + data if self._torn else data)
        try:
            while rest:
                written = self._write_some(rest)
                if written:
                    self._torn = rest[written - 1] != ord("\n")
                rest = rest[written:]
        except OSError:
            return bytes(rest)
        return b""

    def _write_some(self, data: memoryview) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:  # whoever shares the pipe has made it so
            select.select([], [self._descriptor], [])
            return 0
