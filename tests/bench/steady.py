"""`python -m tests.bench.steady PORT RATE SECONDS`: offer GETs at a steady rate, and measure their waits.

They arrive like those of many independent people (a Poisson process), at the same times for every server. A request is
sent when it is due, or as soon as a connection is free; its wait counts from when it was due. Prints the figures as a
JSON object.
"""

import asyncio
import dataclasses
import json
import random
import selectors
import sys
import time
from collections import deque

from tests.bench.found import Found
from tests.bench.observed import Observed
from tests.bench.offer import Connection

# Not more, since the selector with timeouts below a millisecond takes longer the more connections it watches.
_CONNECTIONS = 128
# By then, a server that serves only a third of the offered load has answered all of it.
_PATIENCE_SECONDS = 15


class SteadyCrowd(Observed):
    """Connections, and requests that wait for one."""

    def __init__(self, port: int) -> None:
        """Send to `port` on this machine."""
        super().__init__(port)
        self._waiting: deque[float] = deque()

    def released(self, connection: Connection) -> None:
        """Send the request that has waited longest, if any waits."""
        if self._waiting:
            connection.send(self._waiting.popleft(), *next(self.requests))
        else:
            super().released(connection)

    async def run(self, rate: int, seconds: int) -> Found:
        """Send for `seconds`, wait for the last answers, and return the results."""
        await self.connect(_CONNECTIONS)
        arrivals = random.Random(rate)
        due = began = time.perf_counter()
        while (due := due + arrivals.expovariate(rate)) < began + seconds:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            self._send(due)
        return await self.seen(began, seconds, time.perf_counter() + _PATIENCE_SECONDS)

    def _send(self, due: float) -> None:
        self.unanswered += 1
        if self.free:
            self.free.popleft().send(due, *next(self.requests))
        else:
            self._waiting.append(due)


def main(port: int, rate: int, seconds: int) -> None:
    """Send the requests and print the figures."""
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        print(json.dumps(dataclasses.asdict(runner.run(SteadyCrowd(port).run(rate, seconds)))))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
