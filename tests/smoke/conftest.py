"""The service to ask: the one at --base-url, or one of our own that forgets everything."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.support.process import running_service

TIMEOUT = aiohttp.ClientTimeout(total=10)


def _token(config: pytest.Config) -> str | None:
    """Return the token; the service of our own asks for none."""
    return os.environ.get("HELLO_SMOKE_TOKEN") if config.getoption("--base-url") else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without a token there is nothing to test about tokens: where they are needed, all else fails."""
    return True if collection_path.name == "test_tokens.py" and _token(config) is None else None


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


@pytest.fixture(scope="session")
def headers(request: pytest.FixtureRequest) -> dict[str, str]:
    """Give what every request carries."""
    token = _token(request.config)
    return {"Authorization": f"Bearer {token}"} if token else {}


@pytest_asyncio.fixture(scope="session")
async def client(base_url: str, headers: dict[str, str]) -> AsyncIterator[aiohttp.ClientSession]:
    """Give a client that makes a new connection for each request, so that it meets many instances."""
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(base_url, connector=connector, headers=headers, timeout=TIMEOUT) as session:
        yield session
