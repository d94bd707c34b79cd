"""`python -m tests.bench.opened PORT CONNECTIONS SECONDS`: open connections at once, and measure their waits.

Each connection sends its next request as soon as it has the answer to the last; its first wait counts from the common
start. With a server that serves all connections in turn, they wait equally long; with one that keeps serving the first
ones, the others wait until those are finished, however short the median is. Prints the figures as JSON.
"""

import asyncio
import dataclasses
import json
import sys
import time

from tests.bench.found import Found
from tests.bench.observed import Observed
from tests.bench.offer import Connection

_PATIENCE_SECONDS = 10


class Many(Observed):
    """Connections that each have one request in flight until the time is over."""

    def __init__(self, port: int, seconds: int) -> None:
        """Start now and go on for `seconds`."""
        super().__init__(port)
        self._began = time.perf_counter()
        self._seconds = seconds
        self._ends = self._began + seconds
        self._asked: set[Connection] = set()

    def released(self, connection: Connection) -> None:
        """Send the next request; the wait of the first counts from the start, and it is sent however late it is."""
        now = time.perf_counter()
        if connection not in self._asked:
            self._asked.add(connection)
            connection.send(self._began, *next(self.requests))
        elif now <= self._ends:
            self.unanswered += 1
            connection.send(now, *next(self.requests))

    async def run(self, connections: int) -> Found:
        """Open all connections at once, and return the results; a request without an answer at the end is an error."""
        loop = asyncio.get_running_loop()
        self.unanswered = connections
        await asyncio.gather(
            *(loop.create_connection(lambda: Connection(self), "127.0.0.1", self._port) for _ in range(connections))
        )
        return await self.seen(self._began, self._seconds, self._ends + _PATIENCE_SECONDS)


def main(port: int, connections: int, seconds: int) -> None:
    """Run and print; the event loop is asyncio's own, which handles all connections in turn."""
    with asyncio.Runner() as runner:
        print(json.dumps(dataclasses.asdict(runner.run(Many(port, seconds).run(connections)))))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
