"""What all tests share: a DynamoDB-compatible server with a table, the service, a client, a clock."""

import os
import random
import string
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import date

import aiohttp
import boto3
import pytest
import pytest_asyncio
from types_boto3_dynamodb.service_resource import Table

from service.config import Config
from service.storage.dynamodb import create_table
from tests.support.inprocess import listening
from tests.support.issuer import AUDIENCE, Issuer, running_issuer


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add an option to run the same tests against another server."""
    parser.addoption("--dynamodb", choices=("moto", "local"), default="moto", help="server to test against")
    parser.addoption("--base-url", help="running service that tests/smoke asks; without it, one of its own")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Make a skipped test a failure in continuous integration."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run twice as many tests at once as there are cores: most of them wait for a process or a timeout."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture(scope="session", autouse=True)
def dynamodb(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the DynamoDB-compatible server, point AWS's variables at it and yield its URL."""
    from tests.support import dynamodb as servers  # noqa: PLC0415 - takes a second, which tests/smoke need not wait

    chosen = {"moto": servers.moto, "local": servers.dynamodb_local}[request.config.getoption("--dynamodb")]
    with chosen() as url:
        servers.use(url)
        yield url


@pytest.fixture(scope="session")
def table(dynamodb: str) -> Table:
    """Return the table as its administrator accesses it, through another AWS client than the service's."""
    resource = boto3.resource("dynamodb", region_name="eu-central-1", endpoint_url=dynamodb)
    return resource.Table(f"birthdays-{uuid.uuid4().hex}")


@pytest_asyncio.fixture(scope="session")
async def config(table: Table) -> Config:
    """Create the tests' own table, and return the settings of a service on a free port with it."""
    await create_table(table.name)
    return Config(port=0, table_name=table.name)


@dataclass
class Clock:
    """A calendar that the tests set."""

    today: date = field(default=date(2025, 6, 15))

    def __call__(self) -> date:
        """Return its date."""
        return self.today


@pytest_asyncio.fixture(scope="session")
async def _clock_and_url(config: Config) -> AsyncIterator[tuple[Clock, str]]:
    clock = Clock()
    async with listening(config, clock) as (url, _):
        yield clock, url


@pytest.fixture
def clock(_clock_and_url: tuple[Clock, str]) -> Clock:
    """Return the running service's calendar, set to Sunday 15 June 2025 when the test begins."""
    _clock_and_url[0].today = Clock().today
    return _clock_and_url[0]


@pytest.fixture
def url(_clock_and_url: tuple[Clock, str], clock: Clock) -> str:  # noqa: ARG001 - sets the calendar back
    """Return the URL of the running service."""
    return _clock_and_url[1]


@pytest_asyncio.fixture(scope="session")
async def _guarded(config: Config, _clock_and_url: tuple[Clock, str]) -> AsyncIterator[tuple[str, Issuer]]:
    """Run a second service, which has the same calendar and requires tokens."""
    async with running_issuer() as issuer:
        settings = replace(config, auth_issuer=issuer.url, auth_audience=(AUDIENCE,))
        async with listening(settings, _clock_and_url[0]) as (url, _):
            yield url, issuer


@pytest.fixture
def guarded(_guarded: tuple[str, Issuer], clock: Clock) -> tuple[str, Issuer]:  # noqa: ARG001 - sets the calendar back
    """Return the URL of a running service that requires tokens, and their issuer."""
    return _guarded


@pytest.fixture
def _door(request: pytest.FixtureRequest) -> tuple[str, dict[str, str]]:
    if getattr(request, "param", "open") == "open":
        return request.getfixturevalue("url"), {}
    url, issuer = request.getfixturevalue("guarded")
    return url, {"Authorization": f"Bearer {issuer.token()}"}


@pytest_asyncio.fixture
async def client(_door: tuple[str, dict[str, str]]) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield an HTTP client of the running service.

    With `tests.api.with_and_without_tokens` the test runs again, for a service that requires tokens. One test of each
    kind of answer is enough: once the token is accepted, bodies are checked in the same way.
    """
    url, token = _door
    async with aiohttp.ClientSession(url, headers={"Content-Type": "application/json"} | token) as session:
        yield session


@pytest.fixture
def username() -> str:
    """Return an unused username."""
    return "".join(random.choices(string.ascii_letters, k=20))
