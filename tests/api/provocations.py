"""Ways to make the service return each of its errors: one for each example of an error in the OpenAPI document."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest
from aiohttp import web
from types_boto3_dynamodb.service_resource import Table

from service.config import Config
from tests.support import firewall, raw
from tests.support.inprocess import listening
from tests.support.issuer import Issuer
from tests.support.proxy import FaultyProxy, aws_error
from tests.support.raw import RawResponse

BODY = b'{"dateOfBirth": "1990-12-10"}'


@dataclass(frozen=True)
class Scene:
    """The running services, an open one and one that requires tokens; their table and their DynamoDB."""

    config: Config
    dynamodb: str
    table: Table
    url: str
    guarded: str
    issuer: Issuer


Provocation = Callable[[Scene], Awaitable[RawResponse]]


def request(method: str, path: str, *fields: str, body: bytes = b"") -> bytes:
    """Return the bytes of a request with these header fields."""
    length = [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *fields, *length, "\r\n"]).encode() + body


def sending_bytes(sent: bytes) -> Provocation:
    """Send these bytes to the open service."""
    return lambda scene: raw.exchange(scene.url, sent)


def sending(method: str, path: str, *fields: str, body: bytes = b"") -> Provocation:
    """Send this request to the open service."""
    return sending_bytes(request(method, path, *fields, body=body))


def with_token(method: str, seconds: int, scope: str) -> Provocation:
    """Send a token of this scope that is valid for `seconds` to the service that requires one."""

    async def provoke(scene: Scene) -> RawResponse:
        token = scene.issuer.token(exp=int(time.time()) + seconds, scope=scope)
        sent = request(method, "/hello/Ada", f"Authorization: Bearer {token}", body=BODY)
        return await raw.exchange(scene.guarded, sent)

    return provoke


async def half_a_request(scene: Scene) -> RawResponse:
    """Start a request and never finish it."""
    async with listening(replace(scene.config, head_seconds=0.1)) as (url, _):
        return await raw.exchange(url, b"GET /hello/")


async def damaged_item(scene: Scene) -> RawResponse:
    """Request a user whose item the service cannot have written."""
    scene.table.put_item(Item={"username": "Damaged", "dateOfBirth": "yesterday"})
    return await raw.exchange(scene.url, request("GET", "/hello/Damaged"))


async def bug(scene: Scene) -> RawResponse:
    """Make a handler raise an unexpected exception."""

    async def handler(_request: web.Request) -> web.Response:
        raise RuntimeError

    async with listening(scene.config, routes=[web.get("/bug", handler)]) as (url, _):
        return await raw.exchange(url, request("GET", "/bug"))


async def unavailable_storage(scene: Scene) -> RawResponse:
    """Make DynamoDB refuse the call."""
    proxy = FaultyProxy(scene.dynamodb)
    with pytest.MonkeyPatch.context() as patch:
        async with proxy.running() as storage:
            patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", storage)
            async with listening(scene.config) as (url, _):
                proxy.fault = aws_error("AccessDeniedException")
                return await raw.exchange(url, request("GET", "/hello/Ada"))


async def one_too_many(scene: Scene) -> RawResponse:
    """Send a request while the service is at its limit of concurrent requests."""
    asked, finish = asyncio.Event(), asyncio.Event()

    async def hold(_request: web.Request) -> web.Response:
        asked.set()
        await finish.wait()
        return web.Response()

    async with listening(replace(scene.config, max_in_flight=1), routes=[web.get("/held", hold)]) as (url, _):
        held = asyncio.create_task(raw.exchange(url, request("GET", "/held")))
        await asked.wait()
        answer = await raw.exchange(url, request("GET", "/hello/Ada"))
        finish.set()
        await held
        return answer


async def leaving(scene: Scene) -> RawResponse:
    """Request the health of an instance that drains."""
    async with listening(scene.config) as (url, server):
        server.drain()
        return await raw.exchange(url, request("GET", "/healthz"))


def of_the_firewall(code: str) -> Provocation:
    """Return the answer that Terraform configures for the firewall, which cannot be provoked here."""

    async def answer(_scene: Scene) -> RawResponse:
        return firewall.answer(code)

    return answer


PROVOCATIONS: dict[str, Provocation] = {
    "bad_request": sending_bytes(b"GET /hello/Ada HTTP/1.1\r\n\r\n"),  # without a Host
    "invalid_username": sending("GET", "/hello/R2D2"),
    "invalid_date_of_birth": sending("PUT", "/hello/Ada", body=b'{"dateOfBirth": "9999-12-31"}'),
    "invalid_body": sending("PUT", "/hello/Ada", body=b"dateOfBirth=1990-12-10"),
    "missing_token": lambda scene: raw.exchange(scene.guarded, request("GET", "/hello/Ada")),
    "invalid_token": with_token("GET", -60, "hello/read"),
    "insufficient_scope_to_read": with_token("GET", 60, "hello/write"),
    "insufficient_scope_to_write": with_token("PUT", 60, "hello/read"),
    "user_not_found": sending("GET", "/hello/Nobody"),
    "method_not_allowed": sending("DELETE", "/hello/Ada"),
    "request_timeout": half_a_request,
    "precondition_failed": sending("PUT", "/hello/Ada", "If-None-Match: *", body=BODY),
    "body_too_large": sending("PUT", "/hello/Ada", body=b" " * 4097),
    "uri_too_long": sending("GET", f"/hello/{'a' * 5000}"),
    "unsupported_media_type": sending("PUT", "/hello/Ada", "Content-Type: text/plain", body=BODY),
    "expectation_failed": sending("GET", "/hello/Ada", "Expect: a-miracle"),
    "blocked_by_firewall": of_the_firewall("blocked_by_firewall"),
    "too_many_requests": of_the_firewall("too_many_requests"),
    "headers_too_large": sending("GET", "/hello/Ada", f"A: {'b' * 9000}"),
    "corrupt_record": damaged_item,
    "internal_error": bug,
    "unknown_transfer_coding": sending("PUT", "/hello/Ada", "Transfer-Encoding: gzip, chunked"),
    "storage_unavailable": unavailable_storage,
    "overloaded": one_too_many,
    "draining": leaving,
}
