"""The metrics: what is counted, who can read it, and that they contain no usernames."""

import asyncio
import random
import socket
import string
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from prometheus_client import generate_latest

from service import __version__
from service.config import Config
from service.errors import SetupError
from service.telemetry import metrics
from tests.support import raw
from tests.support.inprocess import listening
from tests.support.process import ServiceProcess, running_service
from tests.support.prometheus import Scrape, parse, scrape
from tests.support.proxy import FaultyProxy, aws_error

BODY = {"dateOfBirth": "1990-12-10"}
COUNT = "http_server_request_duration_seconds_count"


@pytest_asyncio.fixture
async def service(config: Config) -> AsyncIterator[ServiceProcess]:
    """Run a service with metrics on a free port."""
    environ = {"HELLO_TABLE_NAME": config.table_name, "HELLO_DRAIN_SECONDS": "30", "HELLO_LOG_FORMAT": "json"}
    async with running_service(HELLO_METRICS_PORT="0", HELLO_GIT_COMMIT="abc123", **environ) as running:
        yield running


def requests(seen: Scrape, method: str, route: str, status: int) -> float:
    """Return how many requests of a kind were counted."""
    labels = {"http_request_method": method, "http_route": route, "http_response_status_code": status}
    return seen.value(COUNT, **labels)


def since(start: Scrape, seen: Scrape, name: str, **labels: object) -> float:
    """Return how much was counted after the start, in which the service proves itself."""
    return seen.value(name, **labels) - start.value(name, **labels)


async def test_requests_and_calls_are_counted(service: ServiceProcess, username: str) -> None:
    """Every request is counted once by method, route template and status, every call by operation."""
    start = await scrape(service)
    async with aiohttp.ClientSession(service.url) as client:
        for _ in range(3):
            await client.put(f"/hello/{username}", json=BODY)
        await client.get(f"/hello/{username}")
        await client.get("/hello/R2D2")
        await client.get("/nothing")
        await client.delete("/healthz")
    await raw.exchange(service.url, b"NONSENSE\r\n\r\n")
    seen = await scrape(service)
    counted = {
        ("PUT", "/hello/{username}", 204): 3,
        ("GET", "/hello/{username}", 200): 1,
        ("GET", "/hello/{username}", 400): 1,
        ("GET", "none", 404): 1,
        ("DELETE", "none", 405): 1,
        ("other", "none", 400): 1,
    }
    assert {kind: requests(seen, *kind) for kind in counted} == counted
    assert sum(value for (name, _), value in seen.values.items() if name == COUNT) == sum(counted.values())
    calls = "db_client_operation_duration_seconds_count"
    for operation, count in (("PutItem", 3), ("GetItem", 1)):
        assert since(start, seen, calls, db_operation_name=operation, error_type="") == count
    for operation, count in (("write", 3), ("read", 1)):
        assert since(start, seen, "hello_storage_batch_size_sum", operation=operation) == count
        assert since(start, seen, "hello_storage_queue_wait_seconds_count", operation=operation) == count


async def test_state_of_the_instance(service: ServiceProcess) -> None:
    """Build, requests in flight, draining and the machine's view of the process are gauges."""
    seen = await scrape(service)
    assert seen.value("hello_build_info", version=__version__, commit="abc123", image="unknown") == 1
    assert seen.value("hello_draining") == 0
    assert seen.value("process_resident_memory_bytes") > 1e6
    port = int(service.url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"PUT /hello/Slow HTTP/1.1\r\nHost: a\r\nContent-Length: 28\r\nExpect: 100-continue\r\n\r\n")
    while (await scrape(service)).value("http_server_active_requests") != 1:
        await asyncio.sleep(0)
    service.process.terminate()
    await service.event("drain.started")
    assert (await scrape(service)).value("hello_draining") == 1
    writer.close()


def strange_path(chooser: random.Random) -> str:
    """Return a path nobody has asked for yet: mostly names, also others."""
    name = "".join(chooser.choices(string.ascii_letters, k=30))
    return chooser.choice([f"/hello/{name}", f"/hello/{name}", f"/hello/{name}1", f"/{name}", f"/docs/{name}"])


async def test_cardinality_is_constant(client: aiohttp.ClientSession) -> None:
    """Hundreds of usernames and paths create no more series than one of each kind, and none shows a username."""
    chooser = random.Random(7)
    for path in ("/hello/nobody", "/hello/Ada1", "/Ada", "/docs/Ada"):  # other tests store Ada in this table
        for method in ("GET", "POST"):
            await client.request(method, path)
    before = registry()
    paths = [strange_path(chooser) for _ in range(300)]
    for path in paths:
        await client.request(chooser.choice(["GET", "POST"]), path)
    after = registry()
    assert after.values.keys() == before.values.keys()
    assert requests(after, "GET", "/hello/{username}", 404) > 50
    assert not any(path.rpartition("/")[2] in after.text for path in paths)


async def test_only_this_machine_may_look(service: ServiceProcess) -> None:
    """The admin port listens only on 127.0.0.1, and the public port has no metrics."""
    port = next(event["port"] for event in service.events if event["event"] == "metrics.started")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.2", port)
    async with aiohttp.ClientSession(service.url) as client, client.get("/metrics") as response:
        assert response.status == 404


async def test_off_by_default(config: Config) -> None:
    """Without the setting, only the service's own port listens."""
    async with running_service(HELLO_TABLE_NAME=config.table_name) as service:
        assert [event["event"] for event in service.events] == ["server.started"]


async def test_port_that_is_taken(config: Config) -> None:
    """A port that is taken is named in the error."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(SetupError) as failure:
            await listening(Config(port=0, table_name=config.table_name, metrics_port=port)).__aenter__()
    message = f"cannot listen on 127.0.0.1 port {port} (Address already in use); choose another with HELLO_METRICS_PORT"
    assert message in str(failure.value)


async def test_late_event_loop_is_seen(config: Config) -> None:
    """A blocked event loop is reported in the metrics for a minute."""
    async with listening(Config(port=0, table_name=config.table_name, metrics_port=0)):
        await asyncio.sleep(0)  # lets the watch begin
        time.sleep(1)  # this is the fault
        async with asyncio.timeout(20):  # a busy machine adds lateness of its own, before and after
            while registry().value("hello_event_loop_lag_seconds") < 0.4:
                await asyncio.sleep(0)


async def test_trouble_with_the_storage(config: Config, dynamodb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors are counted by name, and so are retries and exceeded time budgets."""
    proxy = FaultyProxy(dynamodb)
    async with proxy.running() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        settings = Config(port=0, table_name=config.table_name, storage_seconds=1)
        async with listening(settings) as (front, _), aiohttp.ClientSession(front) as client:
            before = registry()
            for fault, status in ((aws_error("InternalServerError", 500), 503), (proxy.silence, 503), (None, 404)):
                proxy.fault = fault
                async with client.get("/hello/nobody") as response:
                    assert response.status == status
            after = registry()
    retries = after.value("hello_storage_retries_total") - before.value("hello_storage_retries_total")
    assert retries > 0
    exhausted = "hello_storage_budget_exhausted_total"
    assert after.value(exhausted) - before.value(exhausted) == 1
    call = {"db_operation_name": "GetItem", "error_type": "InternalServerError"}
    failed = "db_client_operation_duration_seconds_count"
    assert after.value(failed, **call) - before.value(failed, **call) == 1 + retries


def registry() -> Scrape:
    """Return what would be scraped from this very process."""
    return parse(generate_latest(metrics.REGISTRY).decode())
