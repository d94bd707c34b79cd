"""Request bodies: reads one JSON object, or says what is wrong with it.

Owns content types, encodings, size limits and the edge cases of JSON. Knows nothing of names and dates.
"""

import asyncio
import json
from typing import Any, NoReturn

from aiohttp import hdrs, web

from service.errors import BodyTooLarge, InvalidBody, PreconditionFailed, RequestTimeout, UnsupportedMediaType
from service.keys import LIFECYCLE

MAX_BYTES = 4096
# Whether the client may wait for `100 Continue` before it sends the body.
CONTINUE = web.RequestKey("CONTINUE", bool)

_MAX_TYPE_CHARACTERS = 256
# curl and wget send the second one by default.
_MEDIA_TYPES = ("application/json", "application/x-www-form-urlencoded")
_CHARSETS = ("utf-8", "utf8")
_CONDITIONS = (hdrs.IF_MATCH, hdrs.IF_NONE_MATCH)


async def read_json_object(request: web.Request, timeout_seconds: float) -> dict[str, Any]:
    """Return the body as a dictionary.

    Raises `UnsupportedMediaType`, `PreconditionFailed` if the request is conditional, `BodyTooLarge`
    over `MAX_BYTES`, `RequestTimeout` if it takes longer than `timeout_seconds` to arrive, and
    `InvalidBody` for everything that is not a strict JSON object in UTF-8; duplicate names (RFC 8259,
    section 4), NaN and Infinity are refused too. Errors known from the head are raised before the body is read.
    """
    _check_headers(request)
    document = _parse(await _read(request, timeout_seconds))
    if not isinstance(document, dict):
        raise InvalidBody
    return document


def _check_headers(request: web.Request) -> None:
    if hdrs.CONTENT_ENCODING in request.headers:
        raise UnsupportedMediaType
    if content_type := request.headers.get(hdrs.CONTENT_TYPE):
        _check_type(content_type)
    if (request.content_length or 0) > MAX_BYTES:
        raise BodyTooLarge
    if any(name in request.headers for name in _CONDITIONS):
        raise PreconditionFailed


def _check_type(content_type: str) -> None:
    """Raise unless the media type is accepted (RFC 9110, section 8.3.1), in time linear in the field's length.

    aiohttp's `content_type` and `charset` take quadratic time.
    """
    if len(content_type) > _MAX_TYPE_CHARACTERS:
        raise UnsupportedMediaType
    media_type, *parameters = content_type.lower().split(";")
    if media_type.rstrip(" \t") not in _MEDIA_TYPES:
        raise UnsupportedMediaType
    for parameter in parameters:
        name, _, value = parameter.strip(" \t").partition("=")
        if name == "charset" and value.strip('"') not in _CHARSETS:
            raise InvalidBody("The charset of a JSON body must be utf-8.")


async def _read(request: web.Request, timeout_seconds: float) -> bytes:
    try:
        if request.content.is_eof():  # it arrived together with the head, as most do
            return _small(request.content.read_nowait())
        with request.app[LIFECYCLE].receives():
            async with asyncio.timeout(timeout_seconds):
                if CONTINUE in request:
                    await _ask_for_body(request)
                return await request.read()
    except TimeoutError:
        raise RequestTimeout from None
    except web.HTTPRequestEntityTooLarge:
        raise BodyTooLarge from None
    except web.RequestPayloadError:
        raise InvalidBody("The body does not match its Transfer-Encoding or Content-Length.") from None


def _small(body: bytes) -> bytes:
    if len(body) > MAX_BYTES:
        raise BodyTooLarge
    return body


async def _ask_for_body(request: web.Request) -> None:
    if not request.content.is_eof():
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # so that aiohttp does not take this for the start of the response


def _parse(body: bytes) -> object:
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise InvalidBody("The body is not UTF-8.") from None
    except (ValueError, RecursionError):
        raise InvalidBody from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise InvalidBody("The body names one field twice.")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidBody(f"{name} is not JSON.")


_DECODER = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
