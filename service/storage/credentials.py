"""The credentials that calls are signed with: always at hand, and renewed by a task of their own.

The AWS library renews them within whatever call comes first, which spends the time of a request, and is cancelled with
it; and what AWS no longer knows it keeps until it expires. Knows nothing of DynamoDB.
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

# The AWS library renews what expires within 15 minutes, and asks for it each time.
CHECK_SECONDS = 10
# Where AWS refuses what it has just given, it is not asked more often.
PAUSE_SECONDS = 2
# Some ways to get credentials know no end, such as a process that hangs.
_RENEWAL_SECONDS = 60


class LiveCredentials:
    """Credentials of a session, whose clients sign with what they are at that moment."""

    def __init__(self, source: AioCredentials, signing: AioCredentials) -> None:
        """Keep `signing` as good as `source`, which may be renewed, or found anew."""
        self._source = source
        self.signing = signing
        self._refused = asyncio.Event()

    def refused(self) -> None:
        """Note that AWS does not take them any more, so that they are looked for anew."""
        self._refused.set()

    async def keep(self) -> None:
        """Renew them in time, and when they were refused, until cancelled; what fails is logged and tried again."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._refused.wait()
            try:
                async with asyncio.timeout(_RENEWAL_SECONDS):
                    await self._renew()
            except Exception as error:  # noqa: BLE001 - files, processes and services of all kinds are behind it
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
    """Find credentials as all AWS SDKs do, and let all clients that `session` will make sign with them.

    Raises `NoCredentialsError` if there are none, and whatever goes wrong on the way to them.
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
    """Keep the library from logging what it raises besides; a start that fails says so in one sentence."""
    library = logging.getLogger("aiobotocore")
    level = library.level
    library.setLevel(logging.ERROR)
    try:
        yield
    finally:
        library.setLevel(level)
