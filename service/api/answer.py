"""A short response that is complete when it is made: head and body are sent in one write.

Faster than aiohttp's own `Response`, which supports every kind of body and needs a dozen steps for each. Knows nothing
of the meaning of what it sends.
"""

import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from aiohttp import HttpVersion10, hdrs, web
from aiohttp.abc import AbstractStreamWriter

_NO_CONTENT = HTTPStatus.NO_CONTENT


class Answer(web.StreamResponse):
    """A response whose header values are all ours, but for the request id, which is validated before it is echoed."""

    def __init__(self, status: int, body: bytes = b"", content_type: str = "") -> None:
        """Send `body`, except to a HEAD request; `content_type` is required with a body."""
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
        """Close the connection after this response."""
        self._closes = True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Send the response; raise `ConnectionError` if the client has disconnected."""
        self._closes = self._closes or not request.keep_alive
        body = b"" if request.method == hdrs.METH_HEAD else self._content
        message = self._head(request) + body
        self._content = b""  # aiohttp keeps the last response of each connection, and orjson allocates 4 KB
        await request.writer.write(message)
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: `prepare` has sent everything."""

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
