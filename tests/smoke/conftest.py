"""The service to test: the one at --base-url, or one of our own with a store in memory."""

import asyncio
import os
import random
import string
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from tests.support.process import running_service

TIMEOUT = aiohttp.ClientTimeout(total=10)
_WROTE = pytest.StashKey[str]()


def name() -> str:
    """Return a name that nobody has and nobody will want: 256 letters, new each time."""
    return "SmokeTest" + "".join(random.SystemRandom().choices(string.ascii_letters, k=247))


@pytest.fixture(scope="session")
def user(pytestconfig: pytest.Config) -> str:
    """Give the name that is written; it is told in the end, since nothing is ever deleted."""
    pytestconfig.stash[_WROTE] = name()
    return pytestconfig.stash[_WROTE]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell what was written."""
    if written := config.stash.get(_WROTE, None):
        terminalreporter.write_line(f"The smoke tests wrote this user, and leave it there: {written}")


def through_the_firewall(pauses_seconds: Sequence[float] = (1, 2, 4)) -> aiohttp.ClientMiddlewareType:
    """Retry after a 403 that is not from the service, since it says nothing about the service."""

    async def ask(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        pauses = iter(pauses_seconds)
        while True:
            response = await handler(request)
            if response.status != web.HTTPForbidden.status_code or "X-Request-Id" in response.headers:
                return response
            if (pause := next(pauses, None)) is None:
                break
            response.close()
            await asyncio.sleep(pause)
        pytest.exit(
            f"the 403 is not from the service but from {response.headers.get('Server', 'somebody')} in front of it: "
            f"its firewall blocks this machine's address. Run this from another address. ({request.url})",
            returncode=pytest.ExitCode.TESTS_FAILED,
        )

    return ask


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
    async with aiohttp.ClientSession(
        base_url, connector=connector, headers=headers, timeout=TIMEOUT, middlewares=[through_the_firewall()]
    ) as session:
        yield session
