"""A gateway in front of the service: it gives some answers itself, as a firewall does, and passes the rest on."""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from tests.support.listening import listening_on
from tests.support.raw import RawResponse

_PASSED = ("Content-Type", "Retry-After", "X-Request-Id")


class Gateway:
    """Gives `answers` to the first requests, one each, and passes those that follow on to the service at `url`."""

    def __init__(self, url: str, answers: Iterable[RawResponse]) -> None:
        """Prepare the gateway, which listens only in `running`."""
        self._url = url
        self._answers = list(answers)
        self.asked: list[float] = []
        """When each request arrived, in seconds of a monotonic clock."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Listen until the block ends, and yield the URL."""
        runner = web.ServerRunner(web.Server(self._handle))
        async with aiohttp.ClientSession(self._url) as self._session, listening_on(runner) as url:
            yield url

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(time.monotonic())
        if self._answers:
            answer = self._answers.pop(0)
            return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
        types = {name: value for name, value in request.headers.items() if name == "Content-Type"}
        sent = self._session.request(request.method, request.path, headers=types, data=await request.read())
        async with sent as response:
            passed = {name: value for name, value in response.headers.items() if name in _PASSED}
            return web.Response(status=response.status, headers=passed, body=await response.read())
