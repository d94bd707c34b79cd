"""Clients that wait for all of their answers, and their measurements."""

import asyncio
import time

from tests.bench.found import Found, found
from tests.bench.offer import Crowd


class Observed(Crowd):
    """Connections and their results; a subclass increments `unanswered` for each request it sends."""

    def __init__(self, port: int) -> None:
        """Send to `port` on this machine."""
        super().__init__(port)
        self.unanswered = 0
        self._waits_ms: list[float] = []
        self._errors = 0

    def answered(self, _due: float, kind: str, wait: float) -> None:
        """Record an answer, and whether it was right."""
        self.unanswered -= 1
        self._waits_ms.append(wait * 1000)
        self._errors += kind != "good"

    async def seen(self, began: float, seconds: float, until: float) -> Found:
        """Wait for the last answers until `until`, and return the results; each request without an answer is an error.

        The rate is that of the time since `began`, or of `seconds` if that is longer. Times are those of
        `time.perf_counter`.
        """
        while self.unanswered and time.perf_counter() < until:
            await asyncio.sleep(0.001)
        passed = max(seconds, time.perf_counter() - began)
        return found(self._waits_ms, len(self._waits_ms), passed, self._errors + self.unanswered)
