"""A private network with a database and a metadata service, and machines booted from the baked image."""

import asyncio
import json
import shlex
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import testinfra
from testinfra.backend.local import LocalBackend
from testinfra.host import Host

from service.storage.dynamodb import create_table
from tests.image.layout import ROOT
from tests.support.dynamodb import moto
from tests.support.machine import OUTSIDE, Bridge, Machine, booted, bridge, trusting
from tests.support.metadata import metadata_service

FIGURES = Path("build/image/figures.json")
READY_SECONDS = 60


class InsideBackend(LocalBackend):  # type: ignore[misc]
    """Lets testinfra inspect a machine from inside."""

    def __init__(self, machine: Machine) -> None:
        """Run every command inside `machine`."""
        super().__init__()
        self._enter = f"{shlex.join(machine.enter)} sh -c %s"

    def run(self, command: str, *args: str, **_options: object) -> testinfra.backend.base.CommandResult:
        """Run a command inside."""
        return self.run_local(self._enter, self.get_command(command, *args))


@dataclass(frozen=True)
class World:
    """What the machines depend on: network and database."""

    network: Bridge
    user_data: str
    trusting: list[str]
    """The options of machines that trust the database."""


@pytest.fixture(scope="session")
def network() -> Iterator[Bridge]:
    """Make the private network."""
    with bridge() as made:
        yield made


@pytest_asyncio.fixture(scope="session")
async def world(network: Bridge, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Run a database outside the machines, with the table in it; it speaks TLS, as DynamoDB does."""
    with moto(network.address, tls=True) as url, pytest.MonkeyPatch.context() as environ:
        environ.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        known_as = url.replace(network.address, OUTSIDE)  # a name that the machines resolve, but not this host
        await create_table("birthdays")
        groups = "".join(f"LOG_GROUP_{part.upper()}=/test/{part}\n" for part in ("metrics", "service", "system"))
        user_data = f"HELLO_TABLE_NAME=birthdays\nAWS_ENDPOINT_URL_DYNAMODB={known_as}\n{groups}"
        yield World(network, user_data, trusting(tmp_path_factory.mktemp("trust")))


@pytest_asyncio.fixture(loop_scope="session")
async def metadata(world: World) -> AsyncIterator[None]:
    """Run the metadata service for one test."""
    async with metadata_service(world.user_data):
        yield


@pytest_asyncio.fixture(scope="module")
async def machine(world: World) -> AsyncIterator[Machine]:
    """Boot one machine for all tests that only inspect it."""
    async with metadata_service(world.user_data):
        with booted(ROOT, world.network, "hello-shared", *world.trusting) as machine:
            note("boot_to_ready_seconds", await ready(machine))
            yield machine


@pytest.fixture(scope="module")
def inside(machine: Machine) -> Host:
    """Inspect the shared machine from inside."""
    return Host(InsideBackend(machine))


async def ready(machine: Machine) -> float:
    """Wait until the service on a machine is ready; return how many seconds after power-on that was."""
    async with asyncio.timeout(READY_SECONDS):
        while not await asyncio.to_thread(is_active, machine):
            await asyncio.sleep(0.02)  # A booting machine has no other way to say that it is ready.
    return round(time.monotonic() - machine.booted_at, 2)


def is_active(machine: Machine) -> bool:
    """Return whether the service has told systemd that it is ready."""
    try:
        state = machine.run("systemctl", "is-active", "hello-birthday", check=False).stdout
    except (IndexError, FileNotFoundError):
        return False  # There is no first process yet.
    return state.strip() == "active"


def ask(machine: Machine, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    """Send one request to a machine's service and return status and body."""
    request = urllib.request.Request(f"http://{machine.address()}:8080{path}", data=body, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def note(name: str, value: float | str) -> None:
    """Record a figure for the summary."""
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    FIGURES.write_text(json.dumps(figures | {name: value}))
