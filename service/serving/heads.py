"""What the head of a request must be, beyond what aiohttp's parser asks for, and what it asks of its connection.

Owns the rules for Host, Transfer-Encoding, Expect and Upgrade. Each costs no more than the length of its
field. Knows nothing of paths and methods.
"""

import ipaddress
import re
from collections.abc import Awaitable
from functools import lru_cache

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web
from aiohttp.typedefs import Handler

from service.api.payload import CONTINUE
from service.errors import BadRequest, ExpectationFailed, UnknownTransferCoding

# RFC 9110, section 7.2, and RFC 3986, section 3.2.2; a name of DNS has 255 characters at most. It may be empty.
_HOST = re.compile(
    r"(?:(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2}){0,255}|\[(?P<ipv6>[0-9A-Fa-f:.]{2,45})\])(?::(?P<port>[0-9]{0,5}))?"
)
_MAX_HOST_CHARACTERS = 1000
_MAX_PORT = 65_535
_MAX_LENGTH_DIGITS = 20


def checked(handler: Handler) -> Handler:
    """Let only requests pass to `handler` whose head keeps to the rules; raise what is wrong with the others."""

    def check(request: web.Request) -> Awaitable[web.StreamResponse]:
        headers = request.headers
        _check_host(headers.get(hdrs.HOST, ""))
        if len(headers.get(hdrs.CONTENT_LENGTH, "")) > _MAX_LENGTH_DIGITS:
            raise BadRequest("The Content-Length has far too many digits.")  # more than `int` takes, if they are zeros
        if hdrs.TRANSFER_ENCODING in headers:
            _check_transfer_encoding(request)
        if headers.get(hdrs.EXPECT) and request.version == HttpVersion11:
            return _expecting(handler, request)
        if hdrs.UPGRADE in headers or request.method == hdrs.METH_CONNECT:
            return _last(handler, request)
        return handler(request)

    return check


def _check_host(host: str) -> None:
    """Raise `BadRequest` unless `host` is valid (RFC 9112, section 3.2); its absence is the parser's business."""
    if len(host) > _MAX_HOST_CHARACTERS or not _is_host(host):
        raise BadRequest("The Host header field is not valid; it takes a name or an address, and perhaps a port.")


@lru_cache(maxsize=64)  # clients send few different ones
def _is_host(host: str) -> bool:
    match = _HOST.fullmatch(host)
    return match is not None and int(match["port"] or 0) <= _MAX_PORT and _is_ipv6(match["ipv6"] or "::")


def _is_ipv6(address: str) -> bool:
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return True


def _check_transfer_encoding(request: web.Request) -> None:
    """Raise `UnknownTransferCoding` for all but `chunked`, and `BadRequest` in HTTP/1.0 (RFC 9112, section 6.1)."""
    if request.version == HttpVersion10:
        raise BadRequest("HTTP/1.0 has no Transfer-Encoding.")
    if request.headers[hdrs.TRANSFER_ENCODING].lower() != "chunked":
        raise UnknownTransferCoding


async def _expecting(handler: Handler, request: web.Request) -> web.StreamResponse:
    """Answer a client that may wait for `100 Continue`, which is sent only by who wants the body.

    aiohttp would send it before it looks at anything else, even for paths that there are not, so the field is hidden
    from it (RFC 9110, section 10.1.1: a final status that can be known from the head comes at once).
    """
    if any(value.lower() != "100-continue" for value in request.headers.getall(hdrs.EXPECT)):
        raise ExpectationFailed
    # `clone` encodes what it is given, and fails on bytes that are not UTF-8.
    kept = [
        (name, value.encode(errors="surrogateescape").decode(errors="replace"))
        for name, value in request.headers.items()
        if name.lower() != "expect"
    ]
    request = request.clone(headers=kept)
    request[CONTINUE] = True
    response = await handler(request)
    if not request.content.is_eof():
        # Nobody can tell whether what comes next is that body or another request.
        response.force_close()
    return response


async def _last(handler: Handler, request: web.Request) -> web.StreamResponse:
    """Answer a client that wants to speak another protocol on, and close: what it sends next may be either."""
    response = await handler(request)
    response.force_close()
    return response
