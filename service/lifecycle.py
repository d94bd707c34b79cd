"""What the process is going through: is it proving itself or draining, what is in flight and in work.

Knows nothing of signals, sockets or HTTP; `server.py` decides, `middlewares.py` and those who wait for others count.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Lifecycle:
    """The state that the server and the requests share."""

    def __init__(self) -> None:
        """Start serving, with nothing in flight."""
        self.draining = False
        self.proving = False
        self.in_flight = 0
        self.receiving = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def proves(self) -> Iterator[None]:
        """Take the requests in the block for those of the process itself, before there are others."""
        self.proving = True
        try:
            yield
        finally:
            self.proving = False

    def request_began(self) -> None:
        """Count a request more in flight."""
        self.in_flight += 1
        self._idle.clear()

    def request_ended(self) -> None:
        """Count a request less in flight."""
        self.in_flight -= 1
        if not self.in_flight:
            self._idle.set()

    @contextmanager
    def receives(self) -> Iterator[None]:
        """Count a request as one that still waits for what it needs from outside: its body, or its issuer's keys."""
        self.receiving += 1
        try:
            yield
        finally:
            self.receiving -= 1

    @property
    def in_work(self) -> int:
        """Return how many of the requests in flight have all they need; waiting for the others' costs nothing."""
        return self.in_flight - self.receiving

    async def idle(self) -> None:
        """Return when no request is in flight."""
        await self._idle.wait()
