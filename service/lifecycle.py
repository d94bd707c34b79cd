"""The state of the process: self-test, draining, and how many requests are in flight.

Knows nothing of signals, sockets or HTTP: `server.py` sets the state, and `middlewares.py` and the code that waits for
bodies or keys keep the counts.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Lifecycle:
    """The state that the server and the request handlers share."""

    def __init__(self) -> None:
        """Start in normal service, with no request in flight."""
        self.draining = False
        self.proving = False
        self.in_flight = 0
        self.receiving = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def proves(self) -> Iterator[None]:
        """Mark the requests made inside the block as those of the self-test, which runs before there are others."""
        self.proving = True
        try:
            yield
        finally:
            self.proving = False

    def request_began(self) -> None:
        """Add one request to those in flight."""
        self.in_flight += 1
        self._idle.clear()

    def request_ended(self) -> None:
        """Remove one request from those in flight."""
        self.in_flight -= 1
        if not self.in_flight:
            self._idle.set()

    @contextmanager
    def receives(self) -> Iterator[None]:
        """Count the request as waiting for input, its body or the issuer's keys, while the block runs."""
        self.receiving += 1
        try:
            yield
        finally:
            self.receiving -= 1

    @property
    def in_work(self) -> int:
        """Return the number of requests in flight that are being worked on; those that wait for input cost nothing."""
        return self.in_flight - self.receiving

    async def idle(self) -> None:
        """Return when no request is in flight."""
        await self._idle.wait()
