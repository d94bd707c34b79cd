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
    """Return a name that no user has or will want: 256 letters, most of them random."""
    return "SmokeTest" + "".join(random.SystemRandom().choices(string.ascii_letters, k=247))


@pytest.fixture(scope="session")
def user(pytestconfig: pytest.Config) -> str:
    """Return the name that is written; it is printed at the end, since nothing is deleted."""
    pytestconfig.stash[_WROTE] = name()
    return pytestconfig.stash[_WROTE]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the name that was written."""
    if written := config.stash.get(_WROTE, None):
        terminalreporter.write_line(f"The smoke tests wrote this user, and leave it there: {written}")


def through_the_firewall(pauses_seconds: Sequence[float] = (1, 2, 4)) -> aiohttp.ClientMiddlewareType:
    """Retry after a 403 that is not from the service, since such an answer says nothing about the service."""

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
    """Return the token; the service started here requires none."""
    return os.environ.get("HELLO_SMOKE_TOKEN") if config.getoption("--base-url") else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip the tests of tokens if there is no token: where tokens are required, all other tests fail."""
    return True if collection_path.name == "test_tokens.py" and _token(config) is None else None


@pytest.fixture(scope="session", autouse=True)
def dynamodb() -> None:
    """Start none: the service under test has its own."""


@pytest_asyncio.fixture(scope="session")
async def base_url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Yield the URL of the service."""
    given = request.config.getoption("--base-url")
    if given:
        yield given
        return
    async with running_service("--local") as service:
        yield service.url


@pytest.fixture(scope="session")
def headers(request: pytest.FixtureRequest) -> dict[str, str]:
    """Return the headers of every request."""
    token = _token(request.config)
    return {"Authorization": f"Bearer {token}"} if token else {}


@pytest_asyncio.fixture(scope="session")
async def client(base_url: str, headers: dict[str, str]) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield a client that opens a new connection for each request, so that it reaches many instances."""
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(
        base_url, connector=connector, headers=headers, timeout=TIMEOUT, middlewares=[through_the_firewall()]
    ) as session:
        yield session
