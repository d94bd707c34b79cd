"""An answer that is short and known as a whole: head and body leave in one write.

aiohttp's own response can be anything, and takes a dozen steps to find out that it is this. Knows nothing of what it
says.
"""

import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from aiohttp import HttpVersion10, hdrs, web
from aiohttp.abc import AbstractStreamWriter

_NO_CONTENT = HTTPStatus.NO_CONTENT


class Answer(web.StreamResponse):
    """A response whose headers are ours: nothing in them is a client's but what was found to be a sane id."""

    def __init__(self, status: int, body: bytes = b"", content_type: str = "") -> None:
        """Say `body`, unless the request is HEAD; a body has a type."""
        super().__init__(status=status)
        self._content = body
        self._closes = False
        if content_type:
            self.headers[hdrs.CONTENT_TYPE] = content_type

    @property
    def keep_alive(self) -> bool:
        """Tell whether another request may follow on this connection."""
        return not self._closes

    def force_close(self) -> None:
        """Let no request follow on this connection."""
        self._closes = True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Send the answer; raise `ConnectionError` if the client is gone."""
        self._closes = self._closes or not request.keep_alive
        body = b"" if request.method == hdrs.METH_HEAD else self._content
        message = self._head(request) + body
        self._content = b""  # aiohttp keeps the last response of each connection, and orjson's bytes are of 4 KB
        await request.writer.write(message)
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: all has been sent."""

    def _head(self, request: web.BaseRequest) -> bytes:
        old = request.version == HttpVersion10
        lines = [f"HTTP/1.{0 if old else 1} {self.status} {self.reason}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.status != _NO_CONTENT:
            lines.append(f"Content-Length: {len(self._content)}")
        lines.append(f"Date: {_date(int(time.time()))}")
        if self._closes != old:  # HTTP/1.0 closes unless it is told otherwise, HTTP/1.1 does not
            lines.append("Connection: close" if self._closes else "Connection: keep-alive")
        lines.append("\r\n")
        return "\r\n".join(lines).encode()


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
