"""A proxy between the service and its DynamoDB that can inject faults; it speaks TLS, as DynamoDB does."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from tests.support.listening import listening_on
from tests.support.tls import authority

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FaultyProxy:
    """Passes requests on to `upstream` while `fault` is None, otherwise lets `fault` answer."""

    def __init__(self, upstream: str) -> None:
        """Start without a fault."""
        self.fault: Fault | None = None
        self.calls: list[str] = []
        self._upstream = upstream
        self._released = asyncio.Event()
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def running(self, address: str = "127.0.0.1", name: str = "") -> AsyncIterator[str]:
        """Run the proxy on a free port of `address` and yield its URL, which clients trust by AWS_CA_BUNDLE.

        The URL has the `name` if there is one, which clients must be able to resolve.
        """
        name = name or address
        async with aiohttp.ClientSession(auto_decompress=False) as self._session:
            runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)  # type: ignore[arg-type]
            async with listening_on(runner, address, tls=authority().server_context(name)) as url:
                yield url.replace(address, name)
                self._released.set()

    async def forward(self, request: web.Request, body: bytes | None = None) -> web.Response:
        """Send `request`, or its headers with another `body`, upstream and return the answer."""
        assert self._session is not None
        headers = {name: value for name, value in request.headers.items() if name not in {"Host", "Content-Length"}}
        body = await request.read() if body is None else body
        async with self._session.post(self._upstream, data=body, headers=headers) as answer:
            passed = {name: value for name, value in answer.headers.items() if name.lower().startswith("x-amzn")}
            return web.Response(
                body=await answer.read(),
                status=answer.status,
                headers=passed,
                content_type="application/x-amz-json-1.0",
            )

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(operation(request))
        return await (self.fault or self.forward)(request)

    async def silence(self, _request: web.Request) -> web.StreamResponse:
        """Never answer, like a network that drops packets."""
        await self._released.wait()
        return web.Response(status=500)


def operation(request: web.Request) -> str:
    """Return the name of the DynamoDB operation that is called."""
    return request.headers["X-Amz-Target"].rpartition(".")[2]


def aws_error(code: str, status: int = 400) -> Fault:
    """Answer as DynamoDB does when it refuses a call with `code`."""
    error = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "for a test"}
    return spoilt(json.dumps(error).encode(), status)


async def garbage(_request: web.Request) -> web.StreamResponse:
    """Answer 200 with something that is not a DynamoDB response."""
    return web.Response(text="<html>It works!</html>", content_type="application/x-amz-json-1.0")


def spoilt(body: bytes, status: int = 200) -> Fault:
    """Answer as DynamoDB would, but with another body."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        headers = {"x-amzn-RequestId": "for a test"}
        return web.Response(body=body, status=status, headers=headers, content_type="application/x-amz-json-1.0")

    return answer


async def cut(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()
