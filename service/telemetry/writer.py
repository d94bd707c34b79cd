"""Writes log lines from a thread of its own, so that a stalled reader or a full disk never blocks the code that logs.

Owns the limit of waiting lines and the count of lost ones. Knows nothing of their content.
"""

import os
import select
import threading
import time
from collections.abc import Callable

from service.telemetry import metrics

# About one second of a busy instance's log; a reader that stalls longer will probably not come back.
MAX_WAITING_BYTES = 4 * 1024 * 1024
# Lines within this time are written together: waking the thread for each would cost more than writing it.
_PAUSE_SECONDS = 0.01


class Writer:
    """Writes to a file descriptor without blocking callers; lines that cannot be written are dropped and counted."""

    def __init__(self, descriptor: int, describe_lost: Callable[[int], bytes]) -> None:
        """Write to `descriptor`; after a loss, write what `describe_lost` returns for the number of lost lines."""
        self._descriptor = descriptor
        self._describe_lost = describe_lost
        # Its lock is reentrant, which is necessary: a finalizer that logs may run in the middle of `write`.
        self._changed = threading.Condition()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._lost = 0
        self._torn = False
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)
        self._thread.start()

    def write(self, line: bytes) -> None:
        """Queue `line`, which must end with a newline; it is dropped if too many bytes wait already."""
        with self._changed:
            fits = self._waiting_bytes + len(line) <= MAX_WAITING_BYTES
            if fits:
                self._waiting.append(line)
                self._waiting_bytes += len(line)
                self._changed.notify()
        if not fits:
            self.lose(1)

    def lose(self, lines: int) -> None:
        """Count dropped lines."""
        with self._changed:
            self._lost += lines
        metrics.LOG_LINES_LOST.inc(lines)

    def close(self, seconds: float) -> None:
        """Write the waiting lines, but give up after `seconds`: a stalled reader must not delay the exit."""
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
        """Write `data`; return the part that could not be written."""
        # If only the beginning of a line was written, as to a full disk, the next line must not be appended to it.
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
        except BlockingIOError:  # another process that shares the pipe has made it non-blocking
            select.select([], [self._descriptor], [])
            return 0
