"""Fetches the keys of the token issuer.

Owns where they are found and which responses are accepted. Knows nothing of when to fetch, or of which keys are usable.
"""

import json
from http import HTTPStatus
from typing import Any

import aiohttp

from service.auth.jwks import SigningKeySet, read_key_set
from service.config import Config, is_secure_url

# Some issuers publish 30 KiB; parsing much more would block the event loop.
MAX_BYTES = 65_536


async def fetch_key_set(session: aiohttp.ClientSession, config: Config) -> SigningKeySet:
    """Return the issuer's keys; raise `ValueError`, or an error of aiohttp, if they cannot be fetched."""
    url = config.auth_jwks_url or await _discover(session, config.auth_issuer)
    return read_key_set(await _get_json(session, url))


async def _discover(session: aiohttp.ClientSession, issuer: str) -> str:
    """Return the URL of the keys (OpenID Connect Discovery 1.0, section 4)."""
    document = await _get_json(session, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if document.get("issuer") != issuer:
        raise ValueError(f"it calls itself {document.get('issuer')}")
    url = str(document.get("jwks_uri"))
    if not is_secure_url(url):
        raise ValueError(f"its keys are at {url}, which is not https")
    return url


async def _get_json(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    """Return the JSON object at `url`; raise `ValueError` for any other response."""
    body = bytearray()
    async with session.get(url, allow_redirects=False) as response:
        if response.status != HTTPStatus.OK:
            raise ValueError(f"{url} answers with status {response.status}")
        async for part in response.content.iter_any():
            body += part
            if len(body) > MAX_BYTES:
                raise ValueError(f"{url} answers with more than {MAX_BYTES} bytes")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ValueError(f"{url} answers with no JSON object")  # noqa: TRY004 - it came from outside
    return document
