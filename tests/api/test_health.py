"""GET /healthz, /readyz and /version."""

import asyncio

import aiohttp
import pytest
from pytest_aiohttp import AiohttpClient

from service import __version__
from service.api.health import CachedCheck
from service.app import create_app
from service.config import Config
from service.errors import StorageUnavailable
from tests.api import problem, with_and_without_tokens
from tests.support.inprocess import listening


@with_and_without_tokens
async def test_healthz_and_readyz(client: aiohttp.ClientSession) -> None:
    """A working service is alive and ready."""
    for path, status in (("/healthz", "ok"), ("/readyz", "ready")):
        async with client.get(path) as response:
            assert (response.status, await response.json()) == (200, {"status": status})


async def test_version(config: Config, aiohttp_client: AiohttpClient) -> None:
    """/version returns version, commit and image of the instance that answers."""
    built = Config(table_name=config.table_name, git_commit="abc123", image_id="ami-0123")
    client = await aiohttp_client(create_app(built))
    async with client.get("/version") as response:
        assert await response.json() == {"version": __version__, "commit": "abc123", "image": "ami-0123"}


async def test_draining_closes_connections_but_serves(config: Config) -> None:
    """While draining, /healthz is 503, everything else is served, and every response closes its connection."""
    async with listening(config) as (url, server), aiohttp.ClientSession(url) as client:
        server.drain()
        async with client.get("/healthz") as response:
            await problem(response, 503, "draining")
            assert response.headers["Connection"] == "close"
        for path, status in (("/version", 200), ("/readyz", 200), ("/hello/nobody", 404), ("/nothing", 404)):
            async with client.get(path) as response:
                assert (response.status, response.headers["Connection"]) == (status, "close")


class Probe:
    """A check whose outcome and duration the test decides."""

    def __init__(self) -> None:
        """Let it pass until told otherwise."""
        self.runs = 0
        self.failing = False
        self.gate = asyncio.Event()

    async def __call__(self) -> None:
        """Wait for the gate, then pass or fail."""
        self.runs += 1
        await self.gate.wait()
        if self.failing:
            raise StorageUnavailable("for a test")


async def test_readiness_is_checked_once_for_all_who_ask() -> None:
    """However many clients request /readyz at the same time, and even if some go away, the table is read once."""
    probe = Probe()
    check = CachedCheck(probe, seconds=1, clock=lambda: 0)
    callers = [asyncio.create_task(check.run()) for _ in range(10)]
    await asyncio.sleep(0)
    callers[0].cancel()
    await asyncio.sleep(0)
    probe.gate.set()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert outcomes[1:] == [None] * 9
    assert probe.runs == 1


async def test_readiness_is_remembered_for_its_time_only() -> None:
    """Both good and bad results are cached for the given seconds, and then checked again."""
    now = 0.0
    probe = Probe()
    probe.gate.set()
    check = CachedCheck(probe, seconds=1, clock=lambda: now)
    await check.run()
    probe.failing = True
    now = 0.9
    await check.run()
    for later in (1.0, 1.9):
        now = later
        with pytest.raises(StorageUnavailable):
            await check.run()
    probe.failing = False
    now = 2.0
    await check.run()
    assert probe.runs == 3
