"""Improper requests: unknown paths and methods, exceeded limits, malformed HTTP."""

import asyncio
import dataclasses
import re

import aiohttp
import pytest
from aiohttp import web
from types_boto3_dynamodb.service_resource import Table
from yarl import URL

from service.config import Config
from tests.api import check_problem, problem, with_and_without_tokens
from tests.support import raw
from tests.support.inprocess import listening
from tests.support.issuer import AUDIENCE, running_issuer

HOST = b"Host: localhost\r\n"


@pytest.mark.parametrize(
    "path",
    ["/hello", "/hello/Ada/", "/hello/Ada/x", "/Hello/Ada", "/hello//Ada", "/favicon.ico", "/docs/x.js", "/%"],
)
@with_and_without_tokens
async def test_unknown_path(client: aiohttp.ClientSession, path: str) -> None:
    """An unknown path is 404."""
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
    """A request id that the client chose is returned, in success and in failure."""
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
    "length of zeros": b"PUT /hello/Ada HTTP/1.1\r\n" + HOST + b"Content-Length: " + b"0" * 5000 + b"\r\n\r\n",
    "length with zeros in front": b"PUT /hello/Ada HTTP/1.1\r\n" + HOST + b"Content-Length: %05000d\r\n\r\n{}" % 2,
    "two lengths": b"PUT /hello/Ada HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "length and chunked": b"PUT /hello/Ada HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown transfer encoding": b"PUT /hello/Ada HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: cow\r\n\r\n",
    "chunks in HTTP/1.0": b"PUT /hello/Ada HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two hosts": b"GET /hello/Ada HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
}


@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED)
async def test_malformed_http(url: str, request_bytes: bytes) -> None:
    """Bytes that are not HTTP are answered with 400 in the shape of all errors, and the connection is closed."""
    response = await raw.exchange(url, request_bytes)
    check_problem(response.json(), response.headers, 400, "bad_request")
    assert b"Ada" not in response.body


@pytest.mark.parametrize("field", [b"Content-Length: 0", b"X-Empty:"])
async def test_odd_but_legal_request(url: str, field: bytes) -> None:
    """A GET that says it has no body, and a field without a value, are legal (RFC 9110, sections 5.5 and 8.6)."""
    response = await raw.exchange(url, b"GET /version HTTP/1.1\r\n" + HOST + field + b"\r\n\r\n")
    assert response.status == 200, response


HOSTS = (
    [
        "",
        "localhost",
        "LOCALHOST:8080",
        "127.0.0.1:80",
        "[::1]:80",
        "a_b.example.",
        "a:",
        "a%2db",
        "h" * 255,
        "a:65535",
    ],
    ["a b", "a:443:443", "[::1", "[:::1]", "::1", "a:65536", "a:000080", "a:x", "u@a", "a/b", "a%2", "h" * 256, "\xff"],
)


@pytest.mark.parametrize(("host", "status"), [(host, 200) for host in HOSTS[0]] + [(host, 400) for host in HOSTS[1]])
async def test_host(url: str, host: str, status: int) -> None:
    """A Host that is no name or address with or without a port is 400 (RFC 9112, section 3.2)."""
    response = await raw.exchange(url, b"GET /version HTTP/1.1\r\nHost: " + host.encode("latin-1") + b"\r\n\r\n")
    assert response.status == status, response
    if status == 400:
        check_problem(response.json(), response.headers, 400, "bad_request")


CHUNKED = b'1c\r\n{"dateOfBirth":"1990-12-10"}\r\n0\r\n\r\n'
VERSION = b"GET /version HTTP/1.1\r\n" + HOST + b"\r\n"


async def statuses(url: str, sent: bytes) -> list[int]:
    """Send bytes in one go and return the statuses of all answers until the service closes the connection."""
    target = URL(url)
    reader, writer = await asyncio.open_connection(target.host, target.port)
    writer.write(sent)
    async with asyncio.timeout(raw.TIMEOUT_SECONDS):
        heard = await reader.read()
    writer.close()
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", heard)]


async def test_unknown_transfer_coding(url: str) -> None:
    """A transfer coding before `chunked` is 501, and what follows is not read as a request (RFC 9112, section 6.1)."""
    head = b"PUT /hello/Ada HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n"
    response = await raw.exchange(url, head + CHUNKED)
    check_problem(response.json(), response.headers, 501, "unknown_transfer_coding")
    assert await statuses(url, head + CHUNKED + VERSION) == [501]


PUT = b"PUT /hello/Ada HTTP/1.1\r\n" + HOST
REFUSED = {
    "host": b"PUT /hello/Ada HTTP/1.1\r\nHost: a b\r\nContent-Length: 28\r\n\r\n",
    "version": b"PUT /hello/Ada\r\nHost: a\r\nContent-Length: 28\r\n\r\n",
    "HTTP/1.0 with chunks": b"PUT /hello/Ada HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
}


@pytest.mark.parametrize("head", REFUSED.values(), ids=REFUSED)
async def test_connection_of_a_refused_head_ends_at_once(config: Config, head: bytes) -> None:
    """The service does not wait for the body of an invalid request."""
    patient = dataclasses.replace(config, body_seconds=3600)
    async with listening(patient) as (url, _):
        assert await statuses(url, head) == [400]


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
SIZED = b'Content-Length: 28\r\n\r\n{"dateOfBirth":"1990-12-10"}'
FOLLOWED = {
    "close": (VERSION[:-2] + b"Connection: close\r\n\r\n", VERSION, [200]),
    "close after a body": (PUT + b"Connection: close\r\n" + SIZED, VERSION, [204]),
    "HTTP/1.0": (b"GET /version HTTP/1.0\r\n\r\n", VERSION, [200]),
    "no HTTP": (VERSION, b"nonsense\r\n\r\n", [200, 400]),
    "no HTTP after bodies": (
        PUT + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED + PUT + SIZED,
        b"\0",
        [204, 204, 400],
    ),
    "h2c": (VERSION[:-2] + UPGRADE + b"\r\n", VERSION, [200]),
    "h2c with a body": (PUT + UPGRADE + SIZED, VERSION, [204]),
    "h2c with chunks": (PUT + UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED, VERSION, [204]),
    "websocket": (PUT + b"Connection: Upgrade\r\nUpgrade: websocket\r\n" + SIZED, VERSION, [204]),
    "CONNECT": (b"CONNECT a:80 HTTP/1.1\r\n" + HOST + b"\r\n", VERSION, [404]),
}


@pytest.mark.parametrize(("request_bytes", "behind", "answers"), FOLLOWED.values(), ids=FOLLOWED)
async def test_request_with_something_behind_it(
    url: str, request_bytes: bytes, behind: bytes, answers: list[int]
) -> None:
    """A good request is answered whatever came with it, and the connection is closed if nothing may follow."""
    assert await statuses(url, request_bytes + behind) == answers


@pytest.mark.parametrize("size", ["0x1c", "-1c", "1c ", "", "XX"])
async def test_chunks_that_are_malformed_are_answered_once(url: str, size: str) -> None:
    """A request with malformed chunks is 400 wherever the network cuts it, and is the last of its connection."""
    head, body = PUT + b"Transfer-Encoding: chunked\r\n\r\n", CHUNKED.replace(b"1c", size.encode())
    assert await statuses(url, head + body + VERSION) == [400]
    response = await raw.exchange(url, head, body + VERSION)
    check_problem(response.json(), response.headers, 400, "invalid_body")
    assert response.headers["connection"] == "close"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64])
async def test_requests_in_any_pieces(url: str, size: int) -> None:
    """Wherever the network cuts them, requests are answered as if they had come one after the other."""
    sent = VERSION + PUT + SIZED + PUT + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED + b"\r\n" + VERSION
    target = URL(url)
    reader, writer = await asyncio.open_connection(target.host, target.port)
    for start in range(0, len(sent), size):
        writer.write(sent[start : start + size])
        await asyncio.sleep(0)
    assert [(await raw.read_response(reader)).status for _ in range(4)] == [200, 204, 204, 200]
    writer.close()


TOO_LARGE = {
    "long request line": (b"GET /hello/" + b"a" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "uri_too_long"),
    "long query": (b"GET /hello/Ada?" + b"a" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "uri_too_long"),
    "long header": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 9000 + b"\r\n\r\n", 431, "headers_too_large"),
    "long header name": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"A" * 9000 + b": b\r\n\r\n", 431, "headers_too_large"),
    "long version": (b"GET / HTTP/1." + b"1" * 5000 + b"\r\n" + HOST + b"\r\n", 414, "uri_too_long"),
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


WAIT = b"Expect: 100-continue\r\n"
LENGTH = b"Content-Length: 28\r\n"
DECIDED = {
    "bad name": (b"PUT /hello/R2D2 HTTP/1.1\r\n" + HOST + LENGTH, 400, "invalid_username"),
    "no route": (b"PUT /nothing HTTP/1.1\r\n" + HOST + LENGTH, 404, "not_found"),
    "wrong method": (b"POST /hello/Ada HTTP/1.1\r\n" + HOST + LENGTH, 405, "method_not_allowed"),
    "too large": (PUT + b"Content-Length: 4097\r\n", 413, "body_too_large"),
    "wrong type": (PUT + LENGTH + b"Content-Type: text/plain\r\n", 415, "unsupported_media_type"),
    "wrong charset": (PUT + LENGTH + b"Content-Type: application/json; charset=latin-1\r\n", 400, "invalid_body"),
    "encoded": (PUT + LENGTH + b"Content-Encoding: gzip\r\n", 415, "unsupported_media_type"),
    "condition": (PUT + LENGTH + b"If-None-Match: *\r\n", 412, "precondition_failed"),
    "bytes that are not UTF-8": (PUT + LENGTH + b"Content-Type: \xff\r\n", 415, "unsupported_media_type"),
}


@pytest.mark.parametrize(("head", "status", "code"), DECIDED.values(), ids=DECIDED)
async def test_final_status_at_once(url: str, head: bytes, status: int, code: str) -> None:
    """A request that is refused by its head gets no 100 Continue, and is told that the connection closes."""
    target = URL(url)
    reader, writer = await asyncio.open_connection(target.host, target.port)
    writer.write(head + WAIT + b"\r\n")
    response = await raw.read_response(reader)
    check_problem(response.json(), response.headers, status, code)
    assert response.headers["connection"] == "close"
    writer.close()


async def test_missing_token_at_once(config: Config) -> None:
    """A request without a token gets no 100 Continue."""
    async with running_issuer() as issuer:
        guarded = dataclasses.replace(config, auth_issuer=issuer.url, auth_audience=(AUDIENCE,))
        async with listening(guarded) as (url, _):
            response = await raw.exchange(url, PUT + LENGTH + WAIT + b"\r\n")
    check_problem(response.json(), response.headers, 401, "missing_token")


async def test_continue_only_while_the_body_is_missing(url: str) -> None:
    """100 Continue is sent only if the body has not arrived yet, and the connection stays open in both cases."""
    target = URL(url)
    reader, writer = await asyncio.open_connection(target.host, target.port)
    writer.write(PUT + WAIT + SIZED + PUT + WAIT + LENGTH + b"\r\n")
    assert [(await raw.read_response(reader)).status for _ in range(2)] == [204, 100]
    writer.write(SIZED[-28:] + VERSION)
    assert [(await raw.read_response(reader)).status for _ in range(2)] == [204, 200]
    writer.close()


@pytest.mark.parametrize("field", [b"Expect: a-miracle", b"Transfer-Encoding: gzip, chunked"])
async def test_who_sends_on_gets_the_refusal(url: str, field: bytes) -> None:
    """A client that is refused while it sends its body can finish sending, and then read the answer."""
    target = URL(url)
    reader, writer = await asyncio.open_connection(target.host, target.port)
    framing = b"" if field.startswith(b"Transfer") else b"Transfer-Encoding: chunked\r\n"
    writer.write(PUT + framing + field + b"\r\n\r\n")
    response = await raw.read_response(reader)
    assert response.status in (417, 501)
    writer.write(CHUNKED)
    await writer.drain()
    assert await reader.read() == b""
    writer.close()


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
    """A client that disconnects in the middle of its body stores nothing and affects no other client."""
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
    """If a response fails half-way, the connection is closed, and no second response is mixed into it."""

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
