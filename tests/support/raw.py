"""HTTP without an HTTP client: bytes through a socket, for requests that no client would send."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from yarl import URL

TIMEOUT_SECONDS = 15


@dataclass(frozen=True)
class RawResponse:
    """A parsed response."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body's JSON object."""
        document: dict[str, Any] = json.loads(self.body)
        return document


async def exchange(url: str, *chunks: bytes) -> RawResponse:
    """Send `chunks`, end the sending side and return the first response."""
    target = URL(url)
    reader, writer = await asyncio.open_connection(target.host, target.port)
    try:
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await read_response(reader)
    finally:
        writer.close()


async def read_response(reader: asyncio.StreamReader) -> RawResponse:
    """Read one response that has a Content-Length or no body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = (line.partition(": ") for line in head[1:] if line)
    headers = {name.lower(): value for name, _, value in fields}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return RawResponse(int(head[0].split()[1]), headers, body)
