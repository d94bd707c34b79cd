"""The public keys that an issuer signs its tokens with.

Owns when they are fetched: at start, once they are old, and when a token names one that is not known; and that they
outlive an outage of the issuer. Knows nothing of tokens and requests.
"""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import structlog
from joserfc.jwk import KeySet, RSAKey

from service.config import Config, is_secure_url
from service.errors import SetupError

log = structlog.get_logger()

Keys = Mapping[str, RSAKey]

# The issuer may have withdrawn keys that are older; from then on each use asks for new ones.
MAX_AGE_SECONDS = 3600.0
# Tokens with made-up key ids must not make us flood the issuer.
PAUSE_SECONDS = 10.0
_ADVICE = (
    "the keys of the token issuer {issuer} are not to be had ({reason});"
    " check HELLO_AUTH_ISSUER, HELLO_AUTH_JWKS_URL and the way there"
)
_TIMEOUT = aiohttp.ClientTimeout(total=3)
_RETRY_PAUSE_SECONDS = 0.5


class SigningKeys:
    """The issuer's keys by their ids; all who wait for new ones share one fetch."""

    def __init__(self, fetch: Callable[[], Awaitable[Keys]], clock: Callable[[], float]) -> None:
        """Ask `fetch` for all keys; `clock` counts seconds."""
        self._fetch = fetch
        self._clock = clock
        self._keys: Keys = {}
        self._fetching: asyncio.Task[None] | None = None
        self._tried_at = self._fetched_at = float("-inf")

    async def open(self, seconds: float) -> None:
        """Fetch the keys for the first time; after trying for `seconds`, raise what went wrong."""
        deadline = self._clock() + seconds
        while not self._keys:
            try:
                await self._load()
            except Exception:
                if self._clock() >= deadline:
                    raise
                await asyncio.sleep(_RETRY_PAUSE_SECONDS)

    async def find(self, key_id: object) -> RSAKey | None:
        """Return the key of this id, None if the issuer has none; it is asked again before that is said."""
        if not isinstance(key_id, str):
            return None
        if key_id not in self._keys:
            self._refresh()
            if self._fetching is not None:
                # Whoever goes away must not cancel the fetch for the others.
                await asyncio.shield(self._fetching)
        elif self._clock() - self._fetched_at >= MAX_AGE_SECONDS:
            self._refresh()  # nobody has to wait for it
        return self._keys.get(key_id)

    def _refresh(self) -> None:
        if self._fetching is None and self._clock() - self._tried_at >= PAUSE_SECONDS:
            self._tried_at = self._clock()
            # An empty context: the fetch belongs to no single request.
            self._fetching = asyncio.get_running_loop().create_task(self._update(), context=contextvars.Context())

    async def _update(self) -> None:
        try:
            await self._load()
        except Exception as error:  # noqa: BLE001 - whatever the issuer answers, the keys at hand stay
            log.warning("auth.keys_failed", reason=type(error).__name__)
        finally:
            self._fetching = None

    async def _load(self) -> None:
        self._keys = await self._fetch()
        self._fetched_at = self._clock()
        log.info("auth.keys_fetched", keys=len(self._keys))


@asynccontextmanager
async def fetched_keys(config: Config) -> AsyncIterator[SigningKeys]:
    """Give the keys of the issuer; raise `SetupError` if it gives none within `startup_seconds`."""
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        keys = SigningKeys(lambda: _fetch(session, config), asyncio.get_running_loop().time)
        try:
            await keys.open(config.startup_seconds)
        except Exception as error:
            raise SetupError(
                _ADVICE.format(issuer=config.auth_issuer, reason=f"{type(error).__name__}: {error}")
            ) from error
        yield keys


async def _fetch(session: aiohttp.ClientSession, config: Config) -> Keys:
    url = config.auth_jwks_url or await _discover(session, config.auth_issuer)
    document: Any = await _get_json(session, url)
    keys = KeySet.import_key_set(document).keys
    usable = {key.kid: key for key in keys if isinstance(key, RSAKey) and key.kid}
    if not usable:
        raise ValueError("the issuer gives no RSA key with a kid")
    return usable


async def _discover(session: aiohttp.ClientSession, issuer: str) -> str:
    """Return where the keys are (OpenID Connect Discovery 1.0, section 4)."""
    document = await _get_json(session, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if document["issuer"] != issuer:
        raise ValueError(f"it calls itself {document['issuer']}")
    url = str(document["jwks_uri"])
    if not is_secure_url(url):
        raise ValueError(f"its keys are at {url}, which is not https")
    return url


async def _get_json(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with session.get(url, allow_redirects=False, raise_for_status=True) as response:
        document: dict[str, Any] = await response.json(content_type=None)
        return document
