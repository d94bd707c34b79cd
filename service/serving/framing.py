"""Splits the bytes that a connection receives into pieces that belong to one request each: a head, or part of a body.

Owns where heads and bodies end, how large a head may be, and that it is HTTP/1. aiohttp's parser could take all bytes
at once, but it then drops a valid request that is followed by something that is not HTTP, or the bytes after an
upgrade, and cannot tell whether another head has begun. Checks nothing else: the parser decides what is valid HTTP.
"""

import re
from typing import Any, Final

from aiohttp import hdrs, web
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from service.api.payload import MAX_BYTES
from service.errors import BadRequest, HeadersTooLarge, UriTooLong

MAX_REQUEST_LINE_BYTES: Final = 4096
MAX_FIELDS: Final = 128

_END = b"\r\n\r\n"
# Otherwise the parser takes the line for HTTP/0.9, whatever the method, or for HTTP/2.0 in the form of HTTP/1.
_VERSIONS = (b" HTTP/1.1\r", b" HTTP/1.0\r")
_LINE = re.compile(rb"[^\r\n]")
_SEAM_BYTES = 10
_MAX_DIGITS = 20  # the most, without leading zeros, in a Content-Length that the parser accepts


class Framing:
    """The position in one connection's stream of requests."""

    __slots__ = ("_bytes", "_left", "_lines", "_seam", "body")

    def __init__(self) -> None:
        """Start before the first head."""
        self.body: StreamReader = EMPTY_PAYLOAD  # of the latest request whose head is complete
        self._left: int | None = None  # bytes of the body still to come; None if it is chunked
        self._bytes = self._lines = 0  # of the incomplete head
        self._seam = b""  # the last bytes of the previous piece, in which the end of a head may have begun

    @property
    def head_begun(self) -> bool:
        """Tell whether part of a head has arrived."""
        return self._bytes > 0

    def cut(self, data: bytes, start: int) -> int:
        """Return the end of the piece of `data` that begins at `start`; `start` if the parser must catch up first."""
        if not self.body.is_eof():
            if self._left is not None:
                return min(len(data), start + self._left)
            if self.body.total_bytes > MAX_BYTES:
                return len(data)  # the request is refused anyway, so its end does not matter
        elif not self._bytes:
            self._seam = b""
            line = _LINE.search(data, start)
            start = line.start() if line else len(data)
        seam = self._seam[1 - len(_END) :]
        if seam and (found := (seam + data[start : start + len(_END)]).find(_END)) >= 0:
            return start + found + len(_END) - len(seam)
        found = data.find(_END, start)
        return len(data) if found < 0 else found + len(_END)

    def count(self, piece: bytes) -> None:
        """Account for a piece before it is parsed.

        Raises `UriTooLong` or `HeadersTooLarge` if the head becomes too large, `BadRequest` if it is not HTTP/1.
        """
        if self.body.is_eof():
            self._count_head(piece)
        elif self._left is not None:
            self._left -= len(piece)
        self._seam = (self._seam + piece[-_SEAM_BYTES:])[-_SEAM_BYTES:]

    def _count_head(self, piece: bytes) -> None:
        if not self._bytes:
            piece = piece.lstrip(b"\r\n")  # empty lines before a request line are ignored (RFC 9112, section 2.2)
        if not self._lines:
            end = piece.find(b"\n")
            if self._bytes + (len(piece) if end < 0 else end) > MAX_REQUEST_LINE_BYTES:
                raise UriTooLong
            if end >= 0 and not (self._seam + piece[max(0, end - _SEAM_BYTES) : end]).endswith(_VERSIONS):
                raise BadRequest
        self._bytes += len(piece)
        self._lines += piece.count(b"\n")
        if self._lines > MAX_FIELDS + 2:  # plus the request line and the empty line at the end
            raise HeadersTooLarge

    def begin(self, message: Any, body: StreamReader) -> None:  # noqa: ANN401 - aiohttp's type for errors is private
        """Continue with the body of `message`, whose head is complete; an unfinished previous body is malformed.

        By default aiohttp queues that error behind the request, which then waits for the rest of its body for ever.
        """
        if not self.body.is_eof():
            self.body.set_exception(web.RequestPayloadError())
        self.body = body
        self._bytes = self._lines = 0
        self._seam = b""
        length = None if body.is_eof() else message.headers.get(hdrs.CONTENT_LENGTH)
        self._left = None if length is None else int(length[-_MAX_DIGITS:]) - body.total_bytes
