"""Request bodies: reads one JSON object, or says what is wrong with it.

Owns content types, encodings, sizes and JSON's dark corners. Knows nothing of names and dates.
"""

import asyncio
import json
from typing import Any, NoReturn

from aiohttp import hdrs, web

from service.errors import BodyTooLarge, InvalidBody, RequestTimeout, UnsupportedMediaType
from service.keys import LIFECYCLE

MAX_BYTES = 4096

# curl and wget send the second one with every body unless they are told otherwise.
_MEDIA_TYPES = ("application/json", "application/x-www-form-urlencoded")
_CHARSETS = (None, "utf-8", "utf8")


async def read_json_object(request: web.Request, timeout_seconds: float) -> dict[str, Any]:
    """Return the body as a dictionary.

    Raises `UnsupportedMediaType`, `BodyTooLarge` over `MAX_BYTES`, `RequestTimeout` if it takes
    longer than `timeout_seconds` to arrive, and `InvalidBody` for everything that is not a strict
    JSON object in UTF-8: duplicate names (RFC 8259, section 4), NaN and Infinity included.
    """
    _check_headers(request)
    document = _parse(await _read(request, timeout_seconds))
    if not isinstance(document, dict):
        raise InvalidBody
    return document


def _check_headers(request: web.Request) -> None:
    if hdrs.CONTENT_ENCODING in request.headers:
        raise UnsupportedMediaType
    if request.headers.get(hdrs.CONTENT_TYPE) and request.content_type not in _MEDIA_TYPES:
        raise UnsupportedMediaType
    if request.charset is not None and request.charset.lower() not in _CHARSETS:
        raise InvalidBody("The charset of a JSON body must be utf-8.")


async def _read(request: web.Request, timeout_seconds: float) -> bytes:
    lifecycle = request.app[LIFECYCLE]
    lifecycle.receiving += 1
    try:
        async with asyncio.timeout(timeout_seconds):
            return await request.read()
    except TimeoutError:
        raise RequestTimeout from None
    except web.HTTPRequestEntityTooLarge:
        raise BodyTooLarge from None
    except web.RequestPayloadError:
        raise InvalidBody("The body does not keep to its own Transfer-Encoding or Content-Length.") from None
    finally:
        lifecycle.receiving -= 1


def _parse(body: bytes) -> object:
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
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
