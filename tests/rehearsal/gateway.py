"""The rehearsal's AWS endpoint: passes requests on to the emulator, except for the calls that it answers itself."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

Answer = tuple[str, str]
"""The XML inside an action's result, and the namespace of its API."""
Action = Callable[[dict[str, str]], Awaitable[Answer]]
Change = Callable[[dict[str, str], str], Awaitable[str]]
"""Makes the final answer from a call's parameters and the emulator's answer."""

_LARGEST = 64 * 1024 * 1024
_OF_THIS_HOP = {"connection", "content-length", "expect", "host", "transfer-encoding", "x-amz-crc32"}


class Refused(Exception):
    """An error that AWS returns for a call."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the error code and the message."""
        super().__init__(message)
        self.code = code


class Gateway:
    """Answers actions of AWS's query APIs (Auto Scaling, load balancers), and passes all else on to the emulator."""

    def __init__(self, emulator: str, actions: Mapping[str, Action], changes: Mapping[str, Change]) -> None:
        """Answer `actions` here; let `changes` edit the emulator's answers."""
        self._emulator, self._actions, self._changes = emulator, actions, changes
        self._session: aiohttp.ClientSession | None = None
        self._in_trouble = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Run on a free port until the block ends, and yield the URL."""
        app = web.Application(client_max_size=_LARGEST)
        app.router.add_route("*", "/{path:.*}", self._handle)
        async with (
            aiohttp.ClientSession(auto_decompress=False) as self._session,
            TestServer(app) as server,
        ):
            yield str(server.make_url("/").origin())

    @contextmanager
    def in_trouble(self) -> Iterator[None]:
        """Answer every call with a transient error until the block ends."""
        self._in_trouble = True
        yield
        self._in_trouble = False

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self._in_trouble:
            return _failure(Refused("ServiceUnavailable", "AWS is in trouble."), web.HTTPServiceUnavailable.status_code)
        parameters = await _parameters(request)
        action = parameters.get("Action", "")
        if action in self._actions:
            try:
                return _success(action, *await self._actions[action](parameters))
            except Refused as refusal:
                return _failure(refusal)
        answer = await self._forward(request)
        if action in self._changes and answer.status == web.HTTPOk.status_code:
            answer.text = await self._changes[action](parameters, answer.text or "")
        return answer

    async def _forward(self, request: web.Request) -> web.Response:
        assert self._session is not None
        async with self._session.request(
            request.method,
            URL(self._emulator + request.raw_path, encoded=True),
            data=await request.read(),
            headers=_passed(request.headers),
            allow_redirects=False,
        ) as answer:
            body = await answer.read()
            passed = _passed(answer.headers)
            if request.method == "HEAD" and "Content-Length" in answer.headers:
                passed.append(("Content-Length", answer.headers["Content-Length"]))
            return web.Response(body=body, status=answer.status, headers=passed)


async def _parameters(request: web.Request) -> dict[str, str]:
    """Return the parameters of a call of a query API."""
    if not request.content_type.startswith("application/x-www-form-urlencoded"):
        return {}
    return dict(parse_qsl((await request.read()).decode(), keep_blank_values=True))


def _passed(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name.lower() not in _OF_THIS_HOP]


def _success(action: str, result: str, namespace: str) -> web.Response:
    text = (
        f'<{action}Response xmlns="{namespace}"><{action}Result>{result}</{action}Result>'
        f"<ResponseMetadata><RequestId>rehearsal</RequestId></ResponseMetadata></{action}Response>"
    )
    return web.Response(text=text, content_type="text/xml")


def _failure(refusal: Refused, status: int = web.HTTPBadRequest.status_code) -> web.Response:
    text = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{refusal.code}</Code><Message>{escape(str(refusal))}</Message>"
        "</Error><RequestId>rehearsal</RequestId></ErrorResponse>"
    )
    return web.Response(text=text, status=status, content_type="text/xml")


def xml(value: object) -> str:
    """Serialise a value of an API as XML: mappings as named elements, lists as members."""
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{xml(part)}</{name}>" for name, part in value.items() if part is not None)
    if isinstance(value, (list, tuple)):
        return "".join(f"<member>{xml(part)}</member>" for part in value)
    if isinstance(value, bool):
        return str(value).lower()
    return escape(str(value))
