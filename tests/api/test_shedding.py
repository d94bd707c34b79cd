"""More requests at once than the service accepts: the others are refused at once, but health checks never."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

import aiohttp
import pytest_asyncio
from aiohttp import web
from yarl import URL

from service.config import Config
from service.serving.shedding import REST_SECONDS
from tests.api import check_problem, problem
from tests.support import raw
from tests.support.process import ServiceProcess, running_service
from tests.support.proxy import FaultyProxy

GET = b"GET /hello/nobody HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: refused\r\n\r\n"


class Busy:
    """A service that works on one request at most."""

    def __init__(self, service: ServiceProcess, proxy: FaultyProxy) -> None:
        """Let `service` reach its storage through `proxy`."""
        self.service, self._proxy = service, proxy
        self.port = URL(service.url).port

    @asynccontextmanager
    async def working(self, client: aiohttp.ClientSession) -> AsyncIterator[None]:
        """Keep it at work on a request, which gets its answer when the block ends."""
        asked, finish = asyncio.Event(), asyncio.Event()

        async def hold(request: web.Request) -> web.StreamResponse:
            self._proxy.fault = None
            asked.set()
            await finish.wait()
            return await self._proxy.forward(request)

        self._proxy.fault = hold
        held = asyncio.create_task(client.get("/hello/nobody"))
        await asked.wait()
        yield
        finish.set()
        assert (await held).status == 404


@pytest_asyncio.fixture
async def busy(config: Config, dynamodb: str) -> AsyncIterator[Busy]:
    """Give a service that is busy when it has one request."""
    proxy = FaultyProxy(dynamodb)
    async with proxy.running() as url:
        environ = {"HELLO_TABLE_NAME": config.table_name, "AWS_ENDPOINT_URL_DYNAMODB": url}
        async with running_service(HELLO_MAX_IN_FLIGHT="1", HELLO_DRAIN_SECONDS="1", **environ) as service:
            yield Busy(service, proxy)


@pytest_asyncio.fixture
async def client(busy: Busy) -> AsyncIterator[aiohttp.ClientSession]:
    """Give an HTTP client of the busy service with a connection for each request, so that none waits for a rest."""
    async with aiohttp.ClientSession(busy.service.url, connector=aiohttp.TCPConnector(force_close=True)) as session:
        yield session


async def test_requests_beyond_the_limit_are_refused(busy: Busy, client: aiohttp.ClientSession) -> None:
    """Reads and writes beyond the limit are 503 with Retry-After, and answered again once there is room."""
    async with busy.working(client):
        for method in ("GET", "PUT", "HEAD"):
            async with client.request(method, "/hello/nobody") as response:
                assert (response.status, response.headers["Retry-After"]) == (503, "1")
        async with client.get("/hello/nobody") as response:
            await problem(response, 503, "overloaded")
    async with client.get("/hello/nobody") as response:
        assert response.status == 404


async def test_health_checks_are_never_refused(busy: Busy, client: aiohttp.ClientSession) -> None:
    """Requests about the instance, such as health checks, are answered however busy it is."""
    async with busy.working(client):
        for path, status in (("/healthz", 200), ("/readyz", 200), ("/version", 200), ("/nothing", 404)):
            async with client.get(path) as response:
                assert response.status == status


async def test_refused_request_is_logged_as_others_are(busy: Busy, client: aiohttp.ClientSession) -> None:
    """A refusal has its canonical line, with route, code and the client's request id."""
    async with busy.working(client):
        await client.get("/hello/nobody", headers={"X-Request-Id": "refused"})
        event = await busy.service.event("request.completed")
    assert event.items() >= {
        ("method", "GET"),
        ("route", "/hello/{username}"),
        ("status", 503),
        ("code", "overloaded"),
        ("request_id", "refused"),
    }


async def test_refused_connection_rests(busy: Busy, client: aiohttp.ClientSession) -> None:
    """The next request of a connection that was refused is read later, while another connection's is read at once."""
    async with busy.working(client):
        reader, writer = await asyncio.open_connection("127.0.0.1", busy.port)
        writer.write(GET)
        began = perf_counter()
        refused = await raw.read_response(reader)
        check_problem(refused.json(), refused.headers, 503, "overloaded")
        writer.write(GET)
        again = asyncio.create_task(raw.read_response(reader))
        other = await raw.exchange(busy.service.url, GET)
        assert other.status == 503
        assert not again.done()
        assert (await again).status == 503
        assert perf_counter() - began >= REST_SECONDS
        writer.close()


async def test_resting_connection_is_closed_by_the_stop(busy: Busy, client: aiohttp.ClientSession) -> None:
    """A connection that pauses does not keep the service from stopping."""
    async with busy.working(client):
        reader, writer = await asyncio.open_connection("127.0.0.1", busy.port)
        writer.write(GET)
        assert (await raw.read_response(reader)).status == 503
        busy.service.process.terminate()
        await busy.service.event("drain.started")
        assert (await raw.exchange(busy.service.url, GET)).headers["connection"] == "close"
    assert await busy.service.wait() == 0
    writer.close()


async def test_bodies_that_arrive_slowly_are_no_work(busy: Busy, client: aiohttp.ClientSession) -> None:
    """Requests that wait for their body do not count as in progress, so slow clients cannot keep others out."""
    reader, writer = await asyncio.open_connection("127.0.0.1", busy.port)
    writer.write(b"PUT /hello/Slow HTTP/1.1\r\nHost: a\r\nContent-Length: 28\r\nExpect: 100-continue\r\n\r\n")
    assert (await raw.read_response(reader)).status == 100
    async with client.get("/hello/nobody") as response:
        assert response.status == 404
    writer.write(b'{"dateOfBirth":"1990-06-15"}')
    assert (await raw.read_response(reader)).status == 204
    writer.close()
