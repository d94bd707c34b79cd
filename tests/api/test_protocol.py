"""What is no proper request: unknown paths and methods, limits, malformed HTTP."""

import asyncio
import dataclasses

import aiohttp
import pytest
from aiohttp import web
from types_boto3_dynamodb.service_resource import Table
from yarl import URL

from service.config import Config
from tests.api import check_problem, problem, with_and_without_tokens
from tests.support import raw
from tests.support.inprocess import listening

HOST = b"Host: localhost\r\n"


@pytest.mark.parametrize(
    "path",
    ["/", "/hello", "/hello/Ada/", "/hello/Ada/x", "/Hello/Ada", "/hello//Ada", "/favicon.ico", "/docs/x.js", "/%"],
)
@with_and_without_tokens
async def test_unknown_path(client: aiohttp.ClientSession, path: str) -> None:
    """A path without a resource is 404."""
    async with client.get(URL(path, encoded=True)) as response:
        await problem(response, 404, "not_found")


@pytest.mark.parametrize(
    ("path", "allow"), [("/hello/Ada", "GET,HEAD,PUT"), ("/healthz", "GET,HEAD"), ("/docs", "GET,HEAD")]
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@with_and_without_tokens
async def test_unknown_method(client: aiohttp.ClientSession, path: str, allow: str, method: str) -> None:
    """A method that the resource does not have is 405, and Allow lists those it has."""
    async with client.request(method, path) as response:
        await problem(response, 405, "method_not_allowed")
        assert response.headers["Allow"] == allow


@pytest.mark.parametrize("sane", ["abc", "0b684c43-88ca-4711-bb48-fd6a18ef4188", "A.b_c-9", "x" * 128])
async def test_takes_a_sane_request_id(client: aiohttp.ClientSession, sane: str) -> None:
    """A request id of the client's choice comes back, in success and in failure."""
    for path, status in (("/healthz", 200), ("/nothing", 404)):
        async with client.get(path, headers={"X-Request-Id": sane}) as response:
            assert (response.status, response.headers["X-Request-Id"]) == (status, sane)


@pytest.mark.parametrize("insane", ["", "x" * 129, "a b", "a\tb", '"quoted"', "ümlaut", "{}"])
async def test_replaces_an_insane_request_id(client: aiohttp.ClientSession, insane: str) -> None:
    """An id that could disturb a log is replaced by one of ours, which differs each time."""
    ids = set()
    for _ in range(2):
        async with client.get("/healthz", headers={"X-Request-Id": insane}) as response:
            ids.add(response.headers["X-Request-Id"])
    assert len(ids) == 2
    assert insane not in ids


MALFORMED = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client hello\r\n\r\n",
    "unknown method": b"BREW /hello/Ada HTTP/1.1\r\n" + HOST + b"\r\n",
    "unknown version": b"GET /hello/Ada HTTP/9.9\r\n" + HOST + b"\r\n",
    "no version": b"PUT /hello/Ada\r\n" + HOST + b"Content-Length: 28\r\n\r\n" + b'{"dateOfBirth":"1990-12-10"}',
    "HTTP/0.9": b"GET /hello/Ada HTTP/0.9\r\n" + HOST + b"\r\n",
    "HTTP/2.0 in the clear": b"GET /hello/Ada HTTP/2.0\r\n" + HOST + b"Connection: keep-alive\r\n\r\n",
    "no host": b"GET /hello/Ada HTTP/1.1\r\n\r\n",
    "blank in the path": b"GET /hello/Ada Lovelace HTTP/1.1\r\n" + HOST + b"\r\n",
    "NUL in the path": b"GET /hello/Ada\x00 HTTP/1.1\r\n" + HOST + b"\r\n",
    "header without colon": b"GET /hello/Ada HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n",
    "blank before colon": b"GET /hello/Ada HTTP/1.1\r\n" + HOST + b"A : b\r\n\r\n",
    "NUL in a header": b"GET /hello/Ada HTTP/1.1\r\n" + HOST + b"A: b\x00c\r\n\r\n",
    "length that is no number": b"PUT /hello/Ada HTTP/1.1\r\n" + HOST + b"Content-Length: ten\r\n\r\n",
    "negative length": b"PUT /hello/Ada HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
    "two lengths": b"PUT /hello/Ada HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "length and chunked": b"PUT /hello/Ada HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown transfer encoding": b"PUT /hello/Ada HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: cow\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED)
async def test_malformed_http(url: str, request_bytes: bytes) -> None:
    """What is no HTTP is 400 in the shape of all errors, and the connection ends."""
    response = await raw.exchange(url, request_bytes)
    check_problem(response.json(), response.headers, 400, "bad_request")
    assert b"Ada" not in response.body


TOO_LARGE = {
    "long request line": (b"GET /hello/" + b"a" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "uri_too_long"),
    "long query": (b"GET /hello/Ada?" + b"a" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "uri_too_long"),
    "long header": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 9000 + b"\r\n\r\n", 431, "headers_too_large"),
    "long header name": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"A" * 9000 + b": b\r\n\r\n", 431, "headers_too_large"),
    "many headers": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 200 + b"\r\n", 431, "headers_too_large"),
}


@pytest.mark.parametrize(("request_bytes", "status", "code"), TOO_LARGE.values(), ids=TOO_LARGE)
async def test_oversized_head(url: str, request_bytes: bytes, status: int, code: str) -> None:
    """A request line or header fields beyond the limits have a status of their own."""
    response = await raw.exchange(url, request_bytes)
    check_problem(response.json(), response.headers, status, code)


@pytest.mark.parametrize("path", [b"/hello/Ada", b"/nothing"])
@pytest.mark.parametrize("expectation", [b"a-miracle", b"\xff"], ids=["unknown", "not UTF-8"])
async def test_unknown_expectation(url: str, path: bytes, expectation: bytes) -> None:
    """Expecting anything but 100-continue is 417, whatever its bytes are."""
    request = b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"Expect: " + expectation + b"\r\n\r\n"
    response = await raw.exchange(url, request)
    check_problem(response.json(), response.headers, 417, "expectation_failed")


async def test_broken_chunks(url: str, username: str) -> None:
    """A body whose chunks are malformed is 400."""
    target = URL(url)
    reader, writer = await asyncio.open_connection(target.host, target.port)
    head = f"PUT /hello/{username} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
    writer.write(head.encode())
    assert (await raw.read_response(reader)).status == 100
    writer.write(b"xyz\r\n{}\r\n0\r\n\r\n")
    response = await raw.read_response(reader)
    check_problem(response.json(), response.headers, 400, "invalid_body")
    writer.close()


async def test_body_that_does_not_arrive(config: Config, username: str) -> None:
    """A client that does not finish its body in time gets 408."""
    hasty = dataclasses.replace(config, body_seconds=0.2)
    head = f"PUT /hello/{username} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 29\r\n\r\n".encode()
    async with listening(hasty) as (url, _):
        response = await raw.exchange(url, head, b'{"dateOf')
    check_problem(response.json(), response.headers, 408, "request_timeout")


async def test_client_that_goes_away(url: str, client: aiohttp.ClientSession, table: Table, username: str) -> None:
    """A client that leaves in the middle of its body stores nothing and disturbs nobody."""
    target = URL(url)
    _, writer = await asyncio.open_connection(target.host, target.port)
    writer.write(f"PUT /hello/{username} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 29\r\n\r\n{{".encode())
    await writer.drain()
    writer.transport.abort()
    async with client.get("/healthz") as response:
        assert response.status == 200
    assert "Item" not in table.get_item(Key={"username": username})


class Breaking(web.Response):
    """A response that fails when half of it is sent."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the first byte and fail."""
        await super().write(data[:1] or b"h")
        raise RuntimeError


async def test_response_that_breaks_is_cut(config: Config) -> None:
    """When a response fails half-way the connection is cut; no second response is mixed into it."""

    async def handler(_request: web.Request) -> web.Response:
        return Breaking(text="hello", headers={"Content-Length": "5"})

    async with listening(config, routes=[web.get("/breaking", handler)]) as (url, _):
        target = URL(url)
        reader, writer = await asyncio.open_connection(target.host, target.port)
        writer.write(b"GET /breaking HTTP/1.1\r\n" + HOST + b"\r\n")
        answer = await reader.read()
        writer.close()
    assert answer.count(b"HTTP/1.1") == 1
    assert answer.endswith(b"\r\n\r\nh")


async def test_pipelined_requests(url: str) -> None:
    """Requests sent at once on one connection are answered in their order."""
    target = URL(url)
    reader, writer = await asyncio.open_connection(target.host, target.port)
    for path in ("/healthz", "/nothing", "/version"):
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert [(await raw.read_response(reader)).status for _ in range(3)] == [200, 404, 200]
    writer.close()


async def test_absolute_target_and_http_1_0(url: str) -> None:
    """A proxy's absolute form and an old client's HTTP/1.0 are served."""
    response = await raw.exchange(url, b"GET http://localhost/healthz HTTP/1.1\r\n" + HOST + b"\r\n")
    assert response.status == 200
    response = await raw.exchange(url, b"GET /healthz HTTP/1.0\r\n\r\n")
    assert response.status == 200
