"""Clients that wait for all of their answers, and what they measured."""

import asyncio
import time

from tests.bench.found import Found, found
from tests.bench.offer import Crowd


class Observed(Crowd):
    """Connections; whoever asks counts what is `unanswered` up."""

    def __init__(self, port: int) -> None:
        """Send to `port` of this machine."""
        super().__init__(port)
        self.unanswered = 0
        self._waits_ms: list[float] = []
        self._errors = 0

    def answered(self, _due: float, kind: str, wait: float) -> None:
        """Count an answer, and whether it was right."""
        self.unanswered -= 1
        self._waits_ms.append(wait * 1000)
        self._errors += kind != "good"

    async def seen(self, began: float, seconds: float, until: float) -> Found:
        """Wait for the last answers and return what was seen in `seconds` or more; who has none at `until` is an error.

        Times are of `time.perf_counter`.
        """
        while self.unanswered and time.perf_counter() < until:
            await asyncio.sleep(0.001)
        passed = max(seconds, time.perf_counter() - began)
        return found(self._waits_ms, len(self._waits_ms), passed, self._errors + self.unanswered)
