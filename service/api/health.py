"""What the service says about itself: alive, ready, version.

/healthz is for the load balancer and must stay shallow: were it to ask DynamoDB, an outage there
would replace the whole fleet. /readyz asks, for people, alarms and deploy gates.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from service import __version__
from service.errors import Draining
from service.keys import CONFIG, LIFECYCLE, READINESS


async def healthz(request: web.Request) -> web.Response:
    """Answer 200 while serving and 503 once draining."""
    if request.app[LIFECYCLE].draining:
        raise Draining
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """Answer 200 if the table answered a moment ago, 503 if not."""
    await request.app[READINESS]()
    return web.json_response({"status": "ready"})


async def version(request: web.Request) -> web.Response:
    """Tell which build answers."""
    config = request.app[CONFIG]
    return web.json_response({"version": __version__, "commit": config.git_commit, "image": config.image_id})


class CachedCheck:
    """Runs `check` at most once at a time and at most every `seconds`; all callers share the outcome."""

    def __init__(self, check: Callable[[], Awaitable[None]], seconds: float, clock: Callable[[], float]) -> None:
        """Measure `seconds` on `clock`, which counts seconds."""
        self._check = check
        self._seconds = seconds
        self._clock = clock
        self._outcome: asyncio.Task[None] | None = None
        self._expires = 0.0

    async def run(self) -> None:
        """Return, or raise what the check raised."""
        if self._outcome is None or (self._outcome.done() and self._clock() >= self._expires):
            self._outcome = asyncio.create_task(self._ask())
        # Whoever goes away must not cancel the check for the others.
        await asyncio.shield(self._outcome)

    async def _ask(self) -> None:
        try:
            await self._check()
        finally:
            self._expires = self._clock() + self._seconds
