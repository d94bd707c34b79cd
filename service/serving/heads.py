"""Checks of a request's head that aiohttp's parser does not make, and the fields that concern the connection.

Owns the rules for Host, Transfer-Encoding, Expect and Upgrade. Each check takes time linear in the length of the
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

# RFC 9110, section 7.2, and RFC 3986, section 3.2.2; a DNS name has at most 255 characters. The field may be empty.
_HOST = re.compile(
    r"(?:(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2}){0,255}|\[(?P<ipv6>[0-9A-Fa-f:.]{2,45})\])(?::(?P<port>[0-9]{0,5}))?"
)
_MAX_HOST_CHARACTERS = 1000
_MAX_PORT = 65_535
_MAX_LENGTH_DIGITS = 20


def checked(handler: Handler) -> Handler:
    """Pass requests with a valid head to `handler`; raise the error for all others."""

    def check(request: web.Request) -> Awaitable[web.StreamResponse]:
        headers = request.headers
        _check_host(headers.get(hdrs.HOST, ""))
        if len(headers.get(hdrs.CONTENT_LENGTH, "")) > _MAX_LENGTH_DIGITS:
            raise BadRequest("The Content-Length has far too many digits.")  # too many for `int`, if they are zeros
        if hdrs.TRANSFER_ENCODING in headers:
            _check_transfer_encoding(request)
        if headers.get(hdrs.EXPECT) and request.version == HttpVersion11:
            return _expecting(handler, request)
        if hdrs.UPGRADE in headers or request.method == hdrs.METH_CONNECT:
            return _last(handler, request)
        return handler(request)

    return check


def _check_host(host: str) -> None:
    """Raise `BadRequest` unless `host` is valid (RFC 9112, section 3.2); the parser checks that it is present."""
    if len(host) > _MAX_HOST_CHARACTERS or not _is_host(host):
        raise BadRequest("The Host header field is not valid; it takes a name or an address, and perhaps a port.")


@lru_cache(maxsize=64)  # clients send few distinct values
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
    """Handle a client that may wait for `100 Continue`, which only the code that reads the body sends.

    aiohttp would send it before all checks, even for unknown paths, so the field is hidden from it. A final status that
    is known from the head alone must be sent at once (RFC 9110, section 10.1.1).
    """
    if any(value.lower() != "100-continue" for value in request.headers.getall(hdrs.EXPECT)):
        raise ExpectationFailed
    # `clone` encodes the values, and fails on bytes that are not UTF-8.
    kept = [
        (name, value.encode(errors="surrogateescape").decode(errors="replace"))
        for name, value in request.headers.items()
        if name.lower() != "expect"
    ]
    request = request.clone(headers=kept)
    request[CONTINUE] = True
    response = await handler(request)
    if not request.content.is_eof():
        # The next bytes may be that body or another request; there is no way to tell.
        response.force_close()
    return response


async def _last(handler: Handler, request: web.Request) -> web.StreamResponse:
    """Answer a client that asks for another protocol, then close: what it sends next may be in either protocol."""
    response = await handler(request)
    response.force_close()
    return response
