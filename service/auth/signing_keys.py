"""The public keys that an issuer signs its tokens with.

Owns when they are fetched (at start, when they are old, and when a token names an unknown key), how many callers wait
for them and how long, and that the known keys stay in use while the issuer is down. Knows nothing of tokens and
requests, or of the issuer's responses.
"""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import aiohttp
import structlog
from joserfc.jwk import RSAKey

from service.auth.issuer import fetch_key_set
from service.auth.jwks import SigningKeySet
from service.config import Config
from service.errors import SetupError
from service.lifecycle import Lifecycle

log = structlog.get_logger()

# The issuer may have withdrawn older keys; past this age, every use triggers a refresh in the background.
MAX_AGE_SECONDS = 3600.0
# At least this long between two fetches: tokens with made-up key ids must not make us flood the issuer.
PAUSE_SECONDS = 10.0
# For the whole fetch, discovery included; equal to the default time budget of a storage call.
FETCH_SECONDS = 3.0
_ADVICE = (
    "cannot fetch the keys of the token issuer {issuer} ({reason});"
    " check HELLO_AUTH_ISSUER, HELLO_AUTH_JWKS_URL and the network"
)
_RETRY_PAUSE_SECONDS = 0.5


class SigningKeys:
    """The issuer's keys by their ids; all callers that wait for a refresh share one fetch."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[SigningKeySet]],
        clock: Callable[[], float],
        lifecycle: Lifecycle,
        *,
        max_waiting: int,
        fetch_seconds: float = FETCH_SECONDS,
    ) -> None:
        """Fetch all keys with `fetch`, within `fetch_seconds` and with at most `max_waiting` callers waiting.

        `clock` is a monotonic clock in seconds; `lifecycle` counts the requests that wait.
        """
        self._fetch = fetch
        self._clock = clock
        self._lifecycle = lifecycle
        self._max_waiting = max_waiting
        self._fetch_seconds = fetch_seconds
        self._keys = SigningKeySet({}, {})
        self._fetching: asyncio.Task[None] | None = None
        self._waiting = 0
        self._tried_at = self._fetched_at = float("-inf")

    async def open(self, seconds: float) -> None:
        """Fetch the keys for the first time; retry for `seconds`, then raise the last error."""
        deadline = self._clock() + seconds
        while not self._keys.usable:
            try:
                await self._load()
            except Exception:
                if self._clock() >= deadline:
                    raise
                await asyncio.sleep(_RETRY_PAUSE_SECONDS)

    async def find(self, key_id: object) -> RSAKey | None:
        """Return the key with this id, or None if the issuer has none.

        An unknown id triggers a new fetch first, unless the last one was under `PAUSE_SECONDS` ago or too many wait.
        """
        if not isinstance(key_id, str):
            return None
        if key_id not in self._keys.usable:
            self._refresh()
            await self._fetched()
        elif self._clock() - self._fetched_at >= MAX_AGE_SECONDS:
            self._refresh()  # in the background
        return self._keys.usable.get(key_id)

    async def _fetched(self) -> None:
        if self._fetching is None or self._waiting >= self._max_waiting:
            return
        self._waiting += 1
        try:
            with self._lifecycle.receives():
                # A caller that is cancelled must not cancel the fetch for the others.
                await asyncio.shield(self._fetching)
        finally:
            self._waiting -= 1

    def _refresh(self) -> None:
        if self._fetching is None and self._clock() - self._tried_at >= PAUSE_SECONDS:
            self._tried_at = self._clock()
            # An empty context: the fetch belongs to no single request.
            self._fetching = asyncio.get_running_loop().create_task(self._update(), context=contextvars.Context())

    async def _update(self) -> None:
        try:
            await self._load()
        except Exception as error:  # noqa: BLE001 - the known keys stay in use after any error
            log.warning("auth.keys_failed", reason=_reason(error))
        finally:
            self._fetching = None

    async def _load(self) -> None:
        async with asyncio.timeout(self._fetch_seconds):
            keys = await self._fetch()
        if keys.ignored and keys.ignored != self._keys.ignored:
            log.warning("auth.keys_ignored", reasons=dict(keys.ignored))
        self._keys = keys
        self._fetched_at = self._clock()
        log.info("auth.keys_fetched", keys=len(keys.usable))


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


@asynccontextmanager
async def fetched_keys(config: Config, lifecycle: Lifecycle) -> AsyncIterator[SigningKeys]:
    """Provide the issuer's keys; raise `SetupError` if they cannot be fetched within `startup_seconds`."""
    async with aiohttp.ClientSession() as session:
        fetch, clock = partial(fetch_key_set, session, config), asyncio.get_running_loop().time
        keys = SigningKeys(fetch, clock, lifecycle, max_waiting=config.max_in_flight)
        try:
            await keys.open(config.startup_seconds)
        except Exception as error:
            raise SetupError(_ADVICE.format(issuer=config.auth_issuer, reason=_reason(error))) from error
        yield keys
