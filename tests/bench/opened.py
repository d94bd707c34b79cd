"""`python -m tests.bench.opened PORT CONNECTIONS SECONDS`: connections opened at once, and who waits how long.

Each sends its next request as soon as it has the answer to the last, and the first wait counts from the moment when all
began. A server that serves all in turn lets each wait equally long; one that serves those who came first again and
again lets the others wait until these have had enough, however short the median is. Prints the figures as JSON.
"""

import asyncio
import dataclasses
import functools
import itertools
import json
import sys
import time
from typing import Any

from tests.bench.found import Found, found
from tests.bench.names import names

_PATIENCE_SECONDS = 10


class Client(asyncio.Protocol):
    """A connection that always has a request on its way."""

    def __init__(self, many: "Many", request: bytes) -> None:
        """Send `request` until `many` have had their time."""
        self._many, self._request = many, request
        self._transport: Any = None
        self._answer = b""
        self._sent = many.began

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = transport
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Count an answer once it is complete, which ends with a brace, and send the next request."""
        self._answer += data
        if self._answer.endswith(b"}"):
            now = time.perf_counter()
            self._many.answered(now - self._sent, right=self._answer.startswith(b"HTTP/1.1 200 "))
            self._sent, self._answer = now, b""
            if not self._many.over():
                self._transport.write(self._request)
            else:
                self._many.left -= 1


class Many:
    """All connections, and what was seen on them."""

    def __init__(self, seconds: int) -> None:
        """Begin now and go on for `seconds`."""
        self.began = time.perf_counter()
        self.left = 0
        self._ends = self.began + seconds
        self._waits_ms: list[float] = []
        self._errors = 0

    def over(self) -> bool:
        """Tell whether no more requests are to be sent."""
        return time.perf_counter() > self._ends

    def answered(self, wait: float, *, right: bool) -> None:
        """Count an answer."""
        self._waits_ms.append(wait * 1000)
        self._errors += not right

    async def run(self, port: int, connections: int) -> Found:
        """Open all connections at once, and return what was seen; who has no answer at the end is an error."""
        loop = asyncio.get_running_loop()
        requests = itertools.cycle([f"GET /hello/{name} HTTP/1.1\r\nHost: bench\r\n\r\n".encode() for name in names()])
        opened = [
            loop.create_connection(functools.partial(Client, self, request), "127.0.0.1", port)
            for request in itertools.islice(requests, connections)
        ]
        self.left = connections
        await asyncio.gather(*opened)
        while self.left and time.perf_counter() < self._ends + _PATIENCE_SECONDS:
            await asyncio.sleep(0.01)
        passed = time.perf_counter() - self.began
        return found(self._waits_ms, len(self._waits_ms), passed, self._errors + self.left)


def main(port: int, connections: int, seconds: int) -> None:
    """Open and print; asyncio's own loop, since it takes all connections in turn."""
    with asyncio.Runner() as runner:
        print(json.dumps(dataclasses.asdict(runner.run(_run(port, connections, seconds)))))


async def _run(port: int, connections: int, seconds: int) -> Found:
    return await Many(seconds).run(port, connections)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
