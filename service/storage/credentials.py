"""The credentials that calls are signed with, kept current by a background task.

The AWS library renews them within the next call, which takes time from a request and is cancelled with it; and it keeps
credentials that AWS has revoked until they expire. Knows nothing of DynamoDB.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator

import structlog
from aiobotocore.credentials import AioCredentials
from aiobotocore.session import AioSession, get_session
from botocore.exceptions import NoCredentialsError

log = structlog.get_logger()

# How often to check; the AWS library then renews credentials that expire within 15 minutes.
CHECK_SECONDS = 10
# The shortest time between renewals, for the case that AWS refuses the credentials it has just issued.
PAUSE_SECONDS = 2
# Some sources have no timeout of their own, such as a process that hangs.
_RENEWAL_SECONDS = 60


class LiveCredentials:
    """Credentials whose current values all clients of a session sign with."""

    def __init__(self, source: AioCredentials, signing: AioCredentials) -> None:
        """Keep `signing` equal to `source`, which may be renewed or replaced."""
        self._source = source
        self.signing = signing
        self._refused = asyncio.Event()

    def refused(self) -> None:
        """Note that AWS refused the credentials, so that new ones are looked up."""
        self._refused.set()

    async def keep(self) -> None:
        """Renew the credentials before they expire or after a refusal, until cancelled; log failures and try again."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._refused.wait()
            try:
                async with asyncio.timeout(_RENEWAL_SECONDS):
                    await self._renew()
            except Exception as error:  # noqa: BLE001 - sources are files, processes and services of all kinds
                log.warning("credentials.not_renewed", reason=type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _renew(self) -> None:
        if self._refused.is_set():
            self._source = await _find(get_session())
            self._refused.clear()
        fresh = await self._source.get_frozen_credentials()
        signing = self.signing
        if fresh.access_key != signing.access_key or fresh.token != signing.token:
            log.info("credentials.renewed")
        signing.access_key, signing.secret_key = fresh.access_key or "", fresh.secret_key or ""
        signing.token = fresh.token


async def live_credentials(session: AioSession) -> LiveCredentials:
    """Find credentials as all AWS SDKs do, and make all future clients of `session` sign with them.

    Raises `NoCredentialsError` if there are none, and any error of the source.
    """
    with _silence():
        source = await _find(get_session())
        frozen = await source.get_frozen_credentials()
    session.set_credentials(frozen.access_key or "", frozen.secret_key or "", frozen.token)
    return LiveCredentials(source, await _find(session))


async def _find(session: AioSession) -> AioCredentials:
    found = await session.get_credentials()
    if found is None:
        raise NoCredentialsError
    return found


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep the library from logging the errors that it also raises; a failed start is reported in one sentence."""
    library = logging.getLogger("aiobotocore")
    level = library.level
    library.setLevel(logging.ERROR)
    try:
        yield
    finally:
        library.setLevel(level)
