"""The stage of a rehearsal: network, database, metadata service, load balancer, fleet, and the load on them."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.rehearsal import images
from tests.rehearsal.alarm import Alarm
from tests.rehearsal.balancer import PORT, balancer
from tests.rehearsal.database import Database, database
from tests.rehearsal.fleet import Fleet
from tests.rehearsal.values import Values
from tests.support.machine import bridge
from tests.support.metadata import metadata_service

FOLDER = images.FOLDER.parent
_TABLE = "birthdays"
_SETTLE_SECONDS = 1.0
# The settings that Terraform's launch template would pass, for rehearsals without Terraform.
_OF_THE_TEMPLATE = {
    "HELLO_TABLE_NAME": _TABLE,
    "LOG_GROUP_METRICS": "/rehearsal/metrics",
    "LOG_GROUP_SERVICE": "/rehearsal/service",
    "LOG_GROUP_SYSTEM": "/rehearsal/system",
}


@dataclass
class Load:
    """The clients' results: a running count while they send, and a summary at the end."""

    began: float
    """On the monotonic clock."""
    ticks: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Life:
    """The life of an instance."""

    slot: str
    image: str
    states: list[tuple[float, str]]
    """When it entered each state, in seconds."""


@dataclass
class Stage:
    """Everything that exists before a scenario begins."""

    values: Values
    host: str
    fleet: Fleet
    database: Database
    rate: float
    settings: dict[str, object]
    """Settings that instances need on this machine, in addition to those of their launch template."""

    user_data: str = ""
    """The user data that the metadata service serves."""

    _seeds: int = 0

    @asynccontextmanager
    async def load(self, alarm: Alarm | None = None, rate: float | None = None) -> AsyncIterator[Load]:
        """Apply the load until the block ends, and wait until all answers are in and all users are read back."""
        self._seeds += 1
        arguments = [self.host, PORT, rate or self.rate, self.values.idle / 2, self._seeds]
        command = [sys.executable, "-m", "tests.rehearsal.load", *map(str, arguments)]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        started = asyncio.Event()
        seen = Load(0.0)
        reading = asyncio.create_task(_read(process, seen, alarm or Alarm(self.values), started))
        try:
            await asyncio.wait({reading, asyncio.create_task(started.wait())}, return_when=asyncio.FIRST_COMPLETED)
            assert started.is_set(), "the load did not start"
            await asyncio.sleep(_SETTLE_SECONDS)
            yield seen
            await asyncio.sleep(_SETTLE_SECONDS)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await reading

    def lives(self, since: float) -> list[Life]:
        """Return the life of each instance that existed after `since`, in seconds from then."""
        return [
            Life(instance.slot, instance.image, [(round(at - since, 2), state) for at, state in instance.states])
            for instance in self.fleet.instances
            if instance.state != "gone" or instance.states[-1][0] > since
        ]


async def _read(process: asyncio.subprocess.Process, seen: Load, alarm: Alarm, started: asyncio.Event) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        told = json.loads(line)
        if "summary" in told:
            seen.summary = told["summary"]
            break
        if not started.is_set():
            seen.began = time.monotonic()
            started.set()
        seen.ticks.append(told)
        alarm.count(told["second"], told["statuses"])
    await process.wait()


def _go_first() -> None:
    """Give fleet, database and load priority over everything else on this machine: in AWS each has its own machine.

    Linux applies a process's nice value within its session only, and weighs sessions by a value of their own: see
    sched(7), "The autogroup feature".
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)
        Path("/proc/self/autogroup").write_text("-10", encoding="ascii")


@asynccontextmanager
async def stage(
    values: Values, rate: float, names: list[str], size: int, image_ids: dict[str, str] | None = None
) -> AsyncIterator[Stage]:
    """Build the stage with `size` instances of the first of the images `names` in service."""
    _go_first()
    made = images.make(names)
    with bridge("hello0", "10.77.0") as network:
        async with database(network, _TABLE) as table, balancer(network.address, values, FOLDER) as front:
            fleet = Fleet(network, front, made, values, _folder("network"), image_ids)
            settings: dict[str, object] = {
                "AWS_ENDPOINT_URL_DYNAMODB": table.url,
                "HELLO_DRAIN_SECONDS": values.drain,
                "HELLO_SHUTDOWN_SECONDS": values.shutdown,
            }
            built = Stage(values, network.address, fleet, table, rate, settings)
            built.user_data = lines(_OF_THE_TEMPLATE | settings)
            async with metadata_service(lambda: built.user_data, images=fleet.by_address):
                try:
                    first = [await fleet.launch(names[0]) for _ in range(size)]
                    for instance in first:
                        if not await fleet.wait_in_service(instance):
                            raise SystemExit(f"{instance.slot} did not get healthy; the baked image does not work")
                    yield built
                finally:
                    await fleet.end()


def lines(settings: Mapping[str, object]) -> str:
    """Format settings as lines of user data."""
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _folder(name: str) -> Path:
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
