"""Undocumented behaviour of aiohttp that the service relies on: an upgrade that changes it fails here."""

import asyncio
from collections import deque
from typing import Any

import pytest
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser, HttpRequestParserPy
from aiohttp.streams import StreamReader

from service.serving.protocol import _NO_HEAD, SETTINGS

HEAD = b"PUT /hello/Ada?a=b HTTP/1.1\r\nHost: localhost\r\nA: b \r\nContent-Length: 2\r\n\r\n"


async def handler() -> web.RequestHandler:
    """Return a connection's protocol that has not been connected, so that nobody takes its requests."""

    async def respond(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    return web.RequestHandler(web.Server(respond), loop=asyncio.get_running_loop(), **SETTINGS)


async def test_requests_that_were_read_wait_in_messages() -> None:
    """Each complete head, and each error, is at the end of `_messages` at once, with its body."""
    protocol = await handler()
    messages: deque[Any] = protocol._messages  # noqa: SLF001 - the private name that is used
    protocol.data_received(HEAD[:-1])
    assert len(messages) == 0
    protocol.data_received(HEAD[-1:])
    message, body = messages[-1]
    assert (message.headers["Content-Length"], body.is_eof(), body.total_bytes) == ("2", False, 0)
    protocol.data_received(b"{")
    assert (len(messages), body.is_eof(), body.total_bytes) == (1, False, 1)
    protocol.data_received(b"}")
    assert (len(messages), body.is_eof()) == (1, True)
    protocol.data_received(b"nonsense\r\n\r\n")
    error, nothing = messages[-1]
    assert isinstance(error.exc, HttpProcessingError)
    assert isinstance(nothing, StreamReader)
    assert nothing.is_eof()


@pytest.mark.parametrize("parser", [HttpRequestParser, HttpRequestParserPy])
async def test_parser_refuses_what_no_head_goes_on_with(parser: type[HttpRequestParserPy]) -> None:
    """Wherever a head is cut off, the image's parser and the one in Python refuse the bytes that protocol.py adds."""
    for length in range(1, len(HEAD) - 1):
        protocol = await handler()
        reader = parser(protocol, asyncio.get_running_loop(), 2**16)
        assert not reader.feed_data(HEAD[:length])[0]
        with pytest.raises(HttpProcessingError):
            reader.feed_data(_NO_HEAD)
