"""Cuts what a connection receives into pieces, each of one request only: a head, or of a body no more than its rest.

Owns where heads and bodies end, how large a head may be, and that it is of HTTP/1. aiohttp's parser would take all at
once, but then it loses a good request behind which comes what is no HTTP, or what comes behind an upgrade, and cannot
tell whether another head has begun. Judges nothing else; whether a piece is HTTP is the parser's business.
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
# Else the parser takes it for HTTP/0.9, whatever the method, or for HTTP/2.0 in HTTP/1's clothes.
_VERSIONS = (b" HTTP/1.1\r", b" HTTP/1.0\r")
_LINE = re.compile(rb"[^\r\n]")
_SEAM_BYTES = 10
_MAX_DIGITS = 20  # of a length that the parser takes, but for zeros in front


class Framing:
    """How far one connection's bytes have got."""

    __slots__ = ("_bytes", "_left", "_lines", "_seam", "body")

    def __init__(self) -> None:
        """Wait for the first head."""
        self.body: StreamReader = EMPTY_PAYLOAD  # of the last request whose head is complete
        self._left: int | None = None  # bytes of it that are to come; None if it is chunked
        self._bytes = self._lines = 0  # of a head that is incomplete
        self._seam = b""  # the last bytes of the piece before, in which an end may have begun

    @property
    def head_begun(self) -> bool:
        """Tell whether there is a head that is not complete yet."""
        return self._bytes > 0

    def cut(self, data: bytes, start: int) -> int:
        """Return where the piece of `data` ends that begins at `start`; may be `start` if the parser is behind."""
        if not self.body.is_eof():
            if self._left is not None:
                return min(len(data), start + self._left)
            if self.body.total_bytes > MAX_BYTES:
                return len(data)  # of a request that is refused: not worth the search
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
        """Count a piece before it is parsed.

        Raise `UriTooLong` or `HeadersTooLarge` if its head becomes too large, `BadRequest` if it is not of HTTP/1.
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
        if self._lines > MAX_FIELDS + 2:  # the request line before them, an empty one behind
            raise HeadersTooLarge

    def begin(self, message: Any, body: StreamReader) -> None:  # noqa: ANN401 - aiohttp's type for errors is private
        """Go on to the body of `message`, whose head is complete; a body that did not end is malformed.

        Left alone, aiohttp queues the error behind that request, which waits for a body that never ends.
        """
        if not self.body.is_eof():
            self.body.set_exception(web.RequestPayloadError())
        self.body = body
        self._bytes = self._lines = 0
        self._seam = b""
        length = None if body.is_eof() else message.headers.get(hdrs.CONTENT_LENGTH)
        self._left = None if length is None else int(length[-_MAX_DIGITS:]) - body.total_bytes
