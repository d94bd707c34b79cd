"""The service to ask: the one at --base-url, or one of our own that forgets everything."""

import os
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from tests.support.process import running_service


@pytest.fixture(scope="session", autouse=True)
def dynamodb() -> None:
    """Start none: the service that is asked has its own."""


@pytest_asyncio.fixture(scope="session")
async def base_url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Give the URL of the service."""
    given = request.config.getoption("--base-url")
    if given:
        yield given
        return
    async with running_service("--local") as service:
        yield service.url


@pytest_asyncio.fixture(scope="session")
async def client(base_url: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Give a client that makes a new connection for each request, so that it meets many instances."""
    token = os.environ.get("HELLO_SMOKE_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connector = aiohttp.TCPConnector(force_close=True)
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(base_url, connector=connector, headers=headers, timeout=timeout) as session:
        yield session
