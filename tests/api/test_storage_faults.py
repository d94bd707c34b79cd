"""The service while DynamoDB, or the network to it, fails: 503 in time, alive, and recovered without help."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import aiohttp
import pytest
import pytest_asyncio

from service.config import Config
from tests.api import problem
from tests.conftest import Clock
from tests.support.inprocess import listening
from tests.support.proxy import Fault, FaultyProxy, aws_error, cut, garbage, spoilt

BUDGET_SECONDS = 3


@dataclass
class Service:
    """A service behind a faulty network."""

    proxy: FaultyProxy
    client: aiohttp.ClientSession


@pytest_asyncio.fixture
async def service(config: Config, dynamodb: str) -> AsyncIterator[Service]:
    """Run a service whose DynamoDB is reached through the faulty proxy."""
    proxy = FaultyProxy(dynamodb)
    with pytest.MonkeyPatch.context() as patch:
        async with proxy.running() as url:
            patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
            async with (
                listening(config, Clock()) as (front, _),
                aiohttp.ClientSession(front, connector=aiohttp.TCPConnector(limit=0)) as client,
            ):
                yield Service(proxy, client)


FAULTS: dict[str, Callable[[FaultyProxy], Fault]] = {
    "throttled": lambda _: aws_error("ProvisionedThroughputExceededException"),
    "throttled on demand": lambda _: aws_error("ThrottlingException"),
    "internal error": lambda _: aws_error("InternalServerError", 500),
    "table gone": lambda _: aws_error("ResourceNotFoundException"),
    "access denied": lambda _: aws_error("AccessDeniedException"),
    "connection cut": lambda _: cut,
    "not DynamoDB": lambda _: garbage,
    "no JSON": lambda _: spoilt(b"not UTF-8: \xff"),
    "silent": lambda proxy: proxy.silence,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_storage_fault_is_503_in_time_and_heals(
    service: Service, username: str, fault: Callable[[FaultyProxy], Fault]
) -> None:
    """A fault is 503 within the time budget for GET, PUT and /readyz; when it is over, all work again at once."""
    path = f"/hello/{username}"
    body = {"dateOfBirth": "1990-06-15"}
    async with service.client.put(path, json=body) as response:
        assert response.status == 204
    service.proxy.fault = fault(service.proxy)
    started = time.monotonic()
    answers = await asyncio.gather(
        service.client.get(path),
        service.client.put(path, json={"dateOfBirth": "1990-06-16"}),
        service.client.get("/readyz"),
    )
    assert time.monotonic() - started < BUDGET_SECONDS + 2
    for answer in answers:
        await problem(answer, 503, "storage_unavailable")
    async with service.client.get("/healthz") as response:
        assert response.status == 200
    service.proxy.fault = None
    async with service.client.get(path) as response:
        assert await response.json() == {"message": f"Hello, {username}! Happy Birthday!"}
    async with service.client.put(path, json=body) as response:
        assert response.status == 204


async def test_one_bad_answer_is_retried(service: Service, username: str) -> None:
    """A single failure inside the budget is not seen by the client."""

    async def once(request: object) -> object:
        service.proxy.fault = None
        return await aws_error("InternalServerError", 500)(request)  # type: ignore[arg-type]

    service.proxy.fault = once  # type: ignore[assignment]
    async with service.client.put(f"/hello/{username}", json={"dateOfBirth": "1990-06-15"}) as response:
        assert response.status == 204


async def test_bad_requests_never_reach_the_storage(service: Service) -> None:
    """A request that breaks a rule causes no storage call."""
    before = len(service.proxy.calls)
    async with service.client.get("/hello/R2D2") as response:
        assert response.status == 400
    async with service.client.put("/hello/Ada", json={"dateOfBirth": "soon"}) as response:
        assert response.status == 400
    async with service.client.get("/healthz") as response:
        assert response.status == 200
    assert len(service.proxy.calls) == before


async def test_more_requests_than_connections_wait_no_longer_than_the_budget(service: Service) -> None:
    """Even requests that wait for a free connection to DynamoDB get their 503 in time."""
    service.proxy.fault = service.proxy.silence
    started = time.monotonic()
    answers = await asyncio.gather(*[service.client.get("/hello/Ada") for _ in range(300)])
    assert time.monotonic() - started < BUDGET_SECONDS + 3
    assert {answer.status for answer in answers} == {503}
