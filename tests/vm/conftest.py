"""A private network with a database and a metadata service, the image's disk, and a machine booted from it."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from service.storage.dynamodb import create_table
from tests.support.dynamodb import moto
from tests.support.machine import OUTSIDE, Bridge, bridge
from tests.support.metadata import metadata_service
from tests.vm import disk
from tests.vm.qemu import VirtualMachine, switched_on

FIGURES = disk.WORK / "figures.json"


@dataclass(frozen=True)
class World:
    """What the machines depend on: the network."""

    network: Bridge

    @asynccontextmanager
    async def booted(self, machines_disk: Path, name: str) -> AsyncIterator[VirtualMachine]:
        """Switch a machine on and wait until its boot has ended, successful or not."""
        with switched_on(machines_disk, self.network, name) as machine:
            await asyncio.to_thread(machine.run, "systemctl", "is-system-running", "--wait", check=False)
            yield machine


@pytest.fixture(scope="session")
def image() -> Path:
    """Make the disk of the baked image."""
    started = time.monotonic()
    made = disk.make()
    note("disk_building_seconds", time.monotonic() - started)
    note("disk_mb_used", made.stat().st_blocks * 512 / 1e6)
    return made


@pytest_asyncio.fixture(scope="session")
async def world() -> AsyncIterator[World]:
    """Run a metadata service, and a database that speaks TLS, as DynamoDB does, with the table in it."""
    with bridge() as network, moto(network.address, tls=True) as url, pytest.MonkeyPatch.context() as environ:
        environ.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        await create_table("birthdays")
        store = f"AWS_ENDPOINT_URL_DYNAMODB={url.replace(network.address, OUTSIDE)}\n"
        groups = "".join(f"LOG_GROUP_{part.upper()}=/test/{part}\n" for part in ("metrics", "service", "system"))
        async with metadata_service(f"HELLO_TABLE_NAME=birthdays\n{store}{groups}"):
            yield World(network)


@pytest_asyncio.fixture(scope="session")
async def first(image: Path, world: World) -> AsyncIterator[VirtualMachine]:
    """Boot the first machine of the image."""
    async with world.booted(disk.overlay(image, "first"), "first") as machine:
        yield machine


def ask(address: str, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    """Send one request to a machine's service and return status and body; raise `OSError` if there is no answer."""
    request = urllib.request.Request(f"http://{address}:8080{path}", data=body, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def note(name: str, value: float) -> None:
    """Record a figure for the summary."""
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    FIGURES.write_text(json.dumps(figures | {name: round(value, 1)}))
