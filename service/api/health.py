"""The endpoints that report on the service itself: liveness, readiness, version.

/healthz is for the load balancer and must stay shallow: if it called DynamoDB, an outage there would get
the whole fleet replaced. /readyz calls DynamoDB; it is for people, alarms and deployments.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from service import __version__
from service.errors import Draining
from service.keys import CONFIG, LIFECYCLE, READINESS


async def healthz(request: web.Request) -> web.Response:
    """Respond with 200 while serving, and with 503 once draining."""
    if request.app[LIFECYCLE].draining:
        raise Draining
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """Respond with 200 if the table has just answered a read, 503 if not; the result is cached for one second."""
    await request.app[READINESS]()
    return web.json_response({"status": "ready"})


async def version(request: web.Request) -> web.Response:
    """Respond with the version, git commit and image of this instance."""
    config = request.app[CONFIG]
    return web.json_response({"version": __version__, "commit": config.git_commit, "image": config.image_id})


class CachedCheck:
    """Runs `check` one at a time and at most once per `seconds`; all callers share the result."""

    def __init__(self, check: Callable[[], Awaitable[None]], seconds: float, clock: Callable[[], float]) -> None:
        """Measure `seconds` on `clock`, a monotonic clock in seconds."""
        self._check = check
        self._seconds = seconds
        self._clock = clock
        self._outcome: asyncio.Task[None] | None = None
        self._expires = 0.0

    async def run(self) -> None:
        """Return if the check succeeded, else raise what it raised."""
        if self._outcome is None or (self._outcome.done() and self._clock() >= self._expires):
            self._outcome = asyncio.create_task(self._ask())
        # A caller that is cancelled must not cancel the check for the others.
        await asyncio.shield(self._outcome)

    async def _ask(self) -> None:
        try:
            await self._check()
        finally:
            self._expires = self._clock() + self._seconds
