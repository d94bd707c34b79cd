"""Slow clients, malicious or not: their connections are closed, and no other client notices."""

import asyncio
import contextlib
import dataclasses
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from time import perf_counter

import aiohttp
import psutil
import pytest
import pytest_asyncio
from aiohttp import web
from yarl import URL

from service.config import Config
from tests.api import check_problem
from tests.support import raw
from tests.support.inprocess import listening
from tests.support.process import ServiceProcess, running_service

SLOW_CLIENTS = 100
IDLE_CLIENTS = 1000
SECONDS = 0.5
# What a busy machine may add to a time that is short.
SLACK_SECONDS = 5


@asynccontextmanager
async def impatient(config: Config) -> AsyncIterator[ServiceProcess]:
    """Run a service that has little patience."""
    times = dict.fromkeys(("HELLO_HEAD_SECONDS", "HELLO_BODY_SECONDS", "HELLO_ANSWER_SECONDS"), str(SECONDS))
    async with running_service(HELLO_TABLE_NAME=config.table_name, HELLO_DRAIN_SECONDS="0", **times) as service:
        yield service


@asynccontextmanager
async def followed(service: ServiceProcess) -> AsyncIterator[None]:
    """Read what the service logs, so that it never waits for a reader; stop it at the end."""
    reading = asyncio.create_task(service.wait())
    yield
    service.process.terminate()
    assert await reading == 0


@pytest_asyncio.fixture
async def service(config: Config) -> AsyncIterator[ServiceProcess]:
    """Give one whose log is read."""
    async with impatient(config) as service, followed(service):
        yield service


@asynccontextmanager
async def connection(service: ServiceProcess) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Give a connection, and close it at the end."""
    target = URL(service.url)
    reader, writer = await asyncio.open_connection(target.host, target.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def dribble(service: ServiceProcess, beginning: bytes) -> tuple[raw.RawResponse, float]:
    """Send `beginning` and then byte after byte; return the answer that ends this, and after how many seconds."""
    async with connection(service) as (reader, writer):
        writer.write(beginning)
        began = perf_counter()
        answer = asyncio.create_task(raw.read_response(reader))
        while not (await asyncio.wait({answer}, timeout=SECONDS / 20))[0]:
            writer.write(b"a")
        with contextlib.suppress(ConnectionResetError):  # by the last byte, which came too late
            assert await reader.read() == b""
        return await answer, perf_counter() - began


SLOW = {
    "head": b"GET /hello/Ada HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    "body": b"PUT /hello/Ada HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000\r\n\r\n",
}


@pytest.mark.parametrize("beginning", SLOW.values(), ids=SLOW)
async def test_slow_clients_are_cut_while_others_are_served(service: ServiceProcess, beginning: bytes) -> None:
    """Clients that send slowly get 408 when their time is over, and other clients are served as usual meanwhile."""
    slow = asyncio.gather(*[dribble(service, beginning) for _ in range(SLOW_CLIENTS)])
    served = 0
    async with aiohttp.ClientSession(service.url) as client:
        while not slow.done():
            async with client.get("/version") as response:
                assert response.status == 200
                served += 1
    for answer, seconds in await slow:
        check_problem(answer.json(), answer.headers, 408, "request_timeout")
        # The service's clock counts whole milliseconds.
        assert SECONDS - 0.01 < seconds < SECONDS + SLACK_SECONDS
    assert served > SLOW_CLIENTS


async def test_slow_head_is_logged(config: Config) -> None:
    """A request whose head did not arrive completely is logged."""
    async with impatient(config) as service:
        answer, _ = await dribble(service, SLOW["head"])
        event = await service.event("request.rejected")
    assert (event["status"], event["code"]) == (408, "request_timeout")
    assert event["request_id"] == answer.headers["x-request-id"]


async def test_idle_connections_may_rest_longer_than_a_head_may_take(service: ServiceProcess) -> None:
    """An idle connection, new or after an answer, stays open for longer than one with an incomplete request."""
    parts = connection(service), connection(service), connection(service), connection(service), connection(service)
    async with parts[0] as new, parts[1] as used, parts[2] as halves, parts[3] as body, parts[4] as refused:
        used[1].write(b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n")
        halves[1].write(b"GET /version HTTP/1.1\r\n")
        assert (await raw.read_response(used[0])).status == 200
        halves[1].write(b"Host: localhost\r\n\r\n")
        assert (await raw.read_response(halves[0])).status == 200
        head = "PUT /hello/{} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 28\r\n{}\r\n"
        body[1].write(head.format("Ada", "Expect: 100-continue\r\n").encode())
        assert (await raw.read_response(body[0])).status == 100
        body[1].write(b'{"dateOfBirth":"1990-06-15"}')
        assert (await raw.read_response(body[0])).status == 204
        refused[1].write(head.format("R2D2", "").encode())
        assert (await raw.read_response(refused[0])).status == 400
        refused[1].write(b'{"dateOfBirth":"1990-06-15"}')  # nobody wants it any more
        await dribble(service, SLOW["head"])
        for reader, writer in (new, used, halves, body, refused):
            writer.write(b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await raw.read_response(reader)).status == 200


async def test_later_requests_of_a_connection_have_no_more_time(service: ServiceProcess) -> None:
    """A head that arrives slowly after an earlier request's answer is refused, too."""
    async with connection(service) as (reader, writer):
        writer.write(b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await raw.read_response(reader)).status == 200
        writer.write(b"GET /hello/")
        answer = await raw.read_response(reader)
        check_problem(answer.json(), answer.headers, 408, "request_timeout")
        assert await reader.read() == b""


PUT = (
    b"PUT /hello/Ada HTTP/1.1\r\nHost: localhost\r\n",
    b'Content-Length: 28\r\n\r\n{"dateOfBirth":"1990-06-15"}',
    b'Transfer-Encoding: chunked\r\n\r\n1c\r\n{"dateOfBirth":"1990-06-15"}\r\n0\r\n\r\n',
)
VERSION = b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n"
BEFORE = (
    (VERSION, [200]),
    (PUT[0] + PUT[1], [204]),
    (PUT[0] + PUT[2], [204]),
    (VERSION * 100, [200] * 100),
    (PUT[0] + PUT[2] + PUT[0] + PUT[1] + VERSION, [204, 204, 200]),
)


async def cut_behind(service: ServiceProcess, whole: bytes, statuses: list[int]) -> None:
    """Send whole requests, once with half a head behind, which is refused in time, and once without, which is not."""
    async with connection(service) as (reader, writer), connection(service) as other:
        other[1].write(whole + b"\r\n")
        writer.write(whole + b"GET /hello/")
        assert [(await raw.read_response(reader)).status for _ in statuses] == statuses
        answer = await raw.read_response(reader)
        check_problem(answer.json(), answer.headers, 408, "request_timeout")
        assert await reader.read() == b""
        other[1].write(VERSION)
        assert [(await raw.read_response(other[0])).status for _ in statuses] == statuses
        assert (await raw.read_response(other[0])).status == 200


async def test_half_a_head_behind_whole_requests(service: ServiceProcess) -> None:
    """A head that begins in the packet in which another request ends has no more time than others."""
    await asyncio.gather(*[cut_behind(service, whole, statuses) for whole, statuses in BEFORE])


async def test_half_a_head_while_another_request_is_worked_on(config: Config) -> None:
    """A head whose time ends while the request before it is handled is refused after that request's answer."""
    ready = asyncio.Event()

    async def handler(_request: web.Request) -> web.Response:
        await ready.wait()
        return web.Response()

    hasty = dataclasses.replace(config, head_seconds=0.1)
    async with listening(hasty, routes=[web.get("/slow", handler)]) as (url, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", URL(url).port)
        writer.write(VERSION.replace(b"version", b"slow") + b"GET /hello/")
        other = asyncio.create_task(raw.exchange(url, b"GET /hello/", b""))
        assert (await other).status == 408
        ready.set()
        assert [(await raw.read_response(reader)).status for _ in range(2)] == [200, 408]
        writer.close()


async def send_without_reading(service: ServiceProcess) -> None:
    """Send requests and leave the answers unread until the connection is cut."""
    async with connection(service) as (_, writer):
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)
                await writer.drain()


async def test_client_that_reads_nothing_is_cut(config: Config) -> None:
    """A client that leaves thousands of answers unread gets no more, and is disconnected when its time is over."""
    async with impatient(config) as service:
        client = asyncio.create_task(send_without_reading(service))
        await service.event("connection.aborted")
        await client


async def test_client_that_reads_nothing_does_not_hold_up_the_stop(config: Config) -> None:
    """The service stops cleanly, and in time, while a client leaves its answers unread."""
    patient = {"HELLO_TABLE_NAME": config.table_name, "HELLO_DRAIN_SECONDS": "0"}
    async with running_service(**patient) as service:
        client = asyncio.create_task(send_without_reading(service))
        await service.event("request.completed")
        service.process.terminate()
        assert await service.wait() == 0
        await client


@pytest.fixture
def many_files() -> Iterator[None]:
    """Allow this process, and those it starts, a file for each idle client."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4 * IDLE_CLIENTS, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
async def test_idle_connections_slow_nobody_down(config: Config) -> None:
    """With a thousand idle connections, GETs cost less than twice the CPU time that they cost without them."""
    environ = {"HELLO_TABLE_NAME": config.table_name, "HELLO_DRAIN_SECONDS": "0"}
    async with running_service(**environ) as service, followed(service):
        alone = await cheapest(service)
        idle = [await asyncio.open_connection("127.0.0.1", URL(service.url).port) for _ in range(IDLE_CLIENTS)]
        beside = await cheapest(service)
        for _, writer in idle:
            writer.close()
    assert beside < 2 * alone


async def cheapest(service: ServiceProcess) -> float:
    """Return the least CPU time, in seconds, that any of five rounds of GETs cost the service."""
    process = psutil.Process(service.process.pid)
    costs = []
    async with connection(service) as (reader, writer):
        for _ in range(5):
            before = process.cpu_times()
            for _ in range(500):
                writer.write(b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert (await raw.read_response(reader)).status == 200
            after = process.cpu_times()
            costs.append(after.user + after.system - before.user - before.system)
    return min(costs)
