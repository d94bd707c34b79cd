"""A network between the service and its DynamoDB that can be told to misbehave."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FaultyProxy:
    """Passes requests on to `upstream` while `fault` is None, otherwise lets `fault` answer."""

    def __init__(self, upstream: str) -> None:
        """Start without a fault."""
        self.fault: Fault | None = None
        self.calls = 0
        self._upstream = upstream
        self._released = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Run the proxy on a free port and give its URL."""
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            server = web.Server(lambda request: self._handle(session, request))  # type: ignore[arg-type]
            runner = web.ServerRunner(server, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            yield site.name.replace(":0", f":{runner.addresses[0][1]}")
            self._released.set()
            await runner.cleanup()

    async def _handle(self, session: aiohttp.ClientSession, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        if self.fault is not None:
            return await self.fault(request)
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name != "Host"}
        async with session.post(self._upstream, data=body, headers=headers) as answer:
            passed = {name: value for name, value in answer.headers.items() if name.lower().startswith("x-amz")}
            return web.Response(
                body=await answer.read(),
                status=answer.status,
                headers=passed,
                content_type="application/x-amz-json-1.0",
            )

    async def silence(self, _request: web.Request) -> web.StreamResponse:
        """Never answer, as a network that drops packets."""
        await self._released.wait()
        return web.Response(status=500)


def aws_error(code: str, status: int = 400) -> Fault:
    """Answer as DynamoDB does when it refuses with `code`."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "for a test"})
        return web.Response(text=body, status=status, content_type="application/x-amz-json-1.0")

    return answer


async def garbage(_request: web.Request) -> web.StreamResponse:
    """Answer 200 with something that is no DynamoDB response."""
    return web.Response(text="<html>It works!</html>", content_type="application/x-amz-json-1.0")


async def cut(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()
