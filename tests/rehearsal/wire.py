"""The HTTP/1.1 of the rehearsal's clients: one request at a time on a connection, and no retries."""

import asyncio
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: its status, the instance that sent it, its body."""

    status: int
    instance: str
    body: bytes


class Failed(Exception):
    """There was no answer; the message says why."""


class Connection(asyncio.Protocol):
    """A connection to the load balancer."""

    def __init__(self) -> None:
        """Start without a request."""
        self.transport: Any = None
        self.reusable = True
        self.idle_since = 0.0
        self._buffer = bytearray()
        self._waiting: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport

    async def send(self, request: bytes) -> Answer:
        """Send a request and wait for its answer; raise Failed if the connection ends first."""
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._waiting

    def data_received(self, data: bytes) -> None:
        """Complete the answer once all of it has been received."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or self._waiting is None or self._waiting.done():
            return
        head = self._buffer[:end].decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        length = int(fields.get("content-length", 0))
        if len(self._buffer) < end + 4 + length:
            return
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        self.reusable = fields.get("connection", "").lower() != "close"
        self._waiting.set_result(Answer(int(head[0].split()[1]), fields.get("x-instance", ""), body))

    def connection_lost(self, _error: Exception | None) -> None:
        """Fail the request that still waits."""
        self.reusable = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(Failed("the connection ended before an answer"))

    def close(self) -> None:
        """Close the connection."""
        self.reusable = False
        self.transport.abort()


class Pool:
    """Connections to one address, reused for the next request unless that asks for a new one."""

    def __init__(self, host: str, port: int, idle_seconds: float) -> None:
        """Reuse no connection that has been idle for `idle_seconds`: the load balancer may be closing it."""
        self._address = (host, port)
        self._idle_seconds = idle_seconds
        self._free: list[Connection] = []

    async def request(self, request: bytes, *, new: bool, seconds: float) -> Answer:
        """Send a request and return its answer; raise Failed if there is none within `seconds`."""
        loop = asyncio.get_running_loop()
        connection = None
        try:
            async with asyncio.timeout(seconds):
                connection = None if new else self._take(loop.time())
                if connection is None:
                    _, connection = await loop.create_connection(Connection, *self._address)
                answer = await connection.send(request)
        except TimeoutError:
            if connection is not None:
                connection.close()
            raise Failed(f"no answer within {seconds:.0f} s") from None
        except OSError as error:
            raise Failed(f"no connection: {error.strerror}") from None
        if new or not connection.reusable:
            connection.close()
        else:
            connection.idle_since = loop.time()
            self._free.append(connection)
        return answer

    def _take(self, now: float) -> Connection | None:
        while self._free:
            connection = self._free.pop()
            if connection.reusable and now - connection.idle_since < self._idle_seconds:
                return connection
            connection.close()
        return None
