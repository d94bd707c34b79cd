"""`python -m tests.bench.offer PORT RATE SECONDS CONNECTIONS`: offer GETs at a constant rate, whatever the answers.

A request is sent when it is due, on a free connection; if there is none, it counts as not sent. The client implements
as little of HTTP as possible, so that one core can offer more than one core can serve. Prints the figures as a JSON
object.
"""

import asyncio
import dataclasses
import itertools
import json
import sys
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import uvloop

from tests.bench.found import percentiles
from tests.bench.names import names

# Answers after this time are late; it is the threshold of the alarm latency-p99.
DEADLINE_SECONDS = 0.5
# The beginning of each rate is not counted: the server's queues and batches have to reach their sizes first.
_WARMUP_SECONDS = 1.0
_TICK_SECONDS = 0.001
_OPENED_AT_ONCE = 256


@dataclasses.dataclass
class Offered:
    """The outcomes of the requests: counts per second, and waits in milliseconds from when a request was due."""

    rate: int
    goodput: float
    refused: float
    late: float
    failed: float
    not_sent: float
    good_p50_ms: float
    good_p99_ms: float
    refused_p50_ms: float
    refused_p99_ms: float


class Connection(asyncio.Protocol):
    """A connection with at most one request in flight."""

    def __init__(self, crowd: "Crowd") -> None:
        """Report to `crowd`."""
        self._crowd = crowd
        self._answer = b""
        self._transport: Any = None
        self._due = 0.0
        self._greeting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Report the connection as free."""
        self._transport = transport
        self._crowd.released(self)

    def send(self, due: float, request: bytes, greeting: bytes) -> None:
        """Send a request whose right answer contains `greeting`."""
        self._due, self._greeting = due, greeting
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Report the answer once it is complete: it is one flat JSON object, so its first brace ends it."""
        self._answer += data
        if self._answer.endswith(b"}"):
            self._crowd.answered(self._due, self._kind(), time.perf_counter() - self._due)
            self._answer = b""
            self._crowd.released(self)

    def _kind(self) -> str:
        if self._answer.startswith(b"HTTP/1.1 200 ") and self._greeting in self._answer:
            return "good"
        overloaded = self._answer.startswith(b"HTTP/1.1 503 ") and b'"overloaded"' in self._answer
        return "refused" if overloaded else "failed"

    def connection_lost(self, _error: Exception | None) -> None:
        """Count a failure: the server has no reason to close a connection."""
        self._crowd.answered(self._due, "failed", 0.0)


class Crowd:
    """All connections and their results."""

    def __init__(self, port: int) -> None:
        """Send to `port` on this machine."""
        self._port = port
        self.requests = _requests()
        self.free: deque[Connection] = deque()
        self._waits: dict[str, list[float]] = {"good": [], "refused": [], "late": [], "failed": [], "not_sent": []}
        self._counted_from = 0.0

    async def connect(self, connections: int) -> None:
        """Open all connections, no faster than the server's backlog can take them."""
        loop = asyncio.get_running_loop()
        while (missing := connections - len(self.free)) > 0:
            some = range(min(missing, _OPENED_AT_ONCE))
            await asyncio.gather(
                *(loop.create_connection(lambda: Connection(self), "127.0.0.1", self._port) for _ in some)
            )

    async def send(self, rate: int, seconds: float) -> None:
        """Send each request when it is due until the time is over, then wait until later answers would be late."""
        began = time.perf_counter()
        self._counted_from = began + _WARMUP_SECONDS
        for number in range(int(rate * (_WARMUP_SECONDS + seconds))):
            due = began + number / rate
            while due > time.perf_counter():
                await asyncio.sleep(_TICK_SECONDS)
            if self.free:
                self.free.popleft().send(due, *next(self.requests))
            else:
                self.answered(due, "not_sent", 0.0)
        await asyncio.sleep(DEADLINE_SECONDS)

    def released(self, connection: Connection) -> None:
        """Note a connection that can take a request."""
        self.free.append(connection)

    def answered(self, due: float, kind: str, wait: float) -> None:
        """Count the outcome of a request."""
        if due >= self._counted_from:
            self._waits["late" if kind == "good" and wait > DEADLINE_SECONDS else kind].append(wait)

    def figures(self, rate: int, seconds: float) -> Offered:
        """Return the results."""
        count = {kind: len(waits) / seconds for kind, waits in self._waits.items()}
        good, refused = (percentiles([wait * 1000 for wait in self._waits[kind]]) for kind in ("good", "refused"))
        return Offered(
            rate=rate,
            goodput=count["good"],
            refused=count["refused"],
            late=count["late"],
            failed=count["failed"],
            not_sent=count["not_sent"],
            good_p50_ms=good[49],
            good_p99_ms=good[98],
            refused_p50_ms=refused[49],
            refused_p99_ms=refused[98],
        )


def _requests() -> Iterator[tuple[bytes, bytes]]:
    """Return an endless sequence of requests, each with what its answer must contain."""
    heads = ((f"GET /hello/{name} HTTP/1.1\r\nHost: bench\r\n\r\n", f'"Hello, {name}!') for name in names())
    return itertools.cycle([(request.encode(), greeting.encode()) for request, greeting in heads])


async def _offer(port: int, rate: int, seconds: int, connections: int) -> Offered:
    crowd = Crowd(port)
    await crowd.connect(connections)
    await crowd.send(rate, seconds)
    return crowd.figures(rate, seconds)


def main(port: int, rate: int, seconds: int, connections: int) -> None:
    """Offer the load and print the figures."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(dataclasses.asdict(runner.run(_offer(port, rate, seconds, connections)))))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
