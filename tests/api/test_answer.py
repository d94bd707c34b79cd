"""Answers that leave in one write, compared with aiohttp's own responses."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from yarl import URL

from service.api.answer import Answer
from tests.support.listening import listening_on

TIMEOUT_SECONDS = 15
# Without `Connection: close` a connection of HTTP/1.1 would stay open.
LAST = b"GET /ours/200 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"


async def respond(request: web.BaseRequest) -> web.StreamResponse:
    """Answer `/ours/STATUS` by our own means and `/theirs/STATUS` by aiohttp's, with the same."""
    _, kind, status = request.path.split("/")
    body = b"" if status == "204" else b'{"a": 1}'
    response: web.StreamResponse
    if kind == "ours":
        response = Answer(int(status), body, "application/json" if body else "")
    elif body:
        response = web.Response(status=int(status), body=body, headers={"Content-Type": "application/json"})
    else:
        response = web.Response(status=int(status))
    response.headers["Server"] = "test"
    if "X-Close" in request.headers:
        response.force_close()
    return response


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """Serve both kinds."""
    async with listening_on(web.ServerRunner(web.Server(respond))) as url:
        yield url


async def received(url: str, kind: str, request: str) -> list[list[str]]:
    """Return the lines of each response to `request` and one more, sorted, until the connection is closed."""
    reader, writer = await asyncio.open_connection(URL(url).host, URL(url).port)
    writer.write(request.replace("KIND", kind).encode() + LAST)
    async with asyncio.timeout(TIMEOUT_SECONDS):
        text = (await reader.read()).decode()
    writer.close()
    text = re.sub("Date: .*? GMT", "Date: now", text)
    return [sorted(response.splitlines()) for response in text.split("HTTP/")]


@pytest.mark.parametrize("fields", ["", "Connection: close\r\n", "Connection: keep-alive\r\n", "X-Close: 1\r\n"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
@pytest.mark.parametrize("status", [200, 204, 404, 503])
async def test_is_what_aiohttp_would_send(url: str, status: int, method: str, version: str, fields: str) -> None:
    """Status line, headers, body, and whether the connection goes on are the same for every kind of request."""
    request = f"{method} /KIND/{status} HTTP/{version}\r\nHost: test\r\n{fields}\r\n"
    ours = await received(url, "ours", request)
    assert ours == await received(url, "theirs", request)
    assert len(ours) > 1
