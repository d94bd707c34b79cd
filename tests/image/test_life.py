"""The life of a machine: a bad start, a hang, a stop, a reboot."""

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.image.conftest import World, ask, is_active, note, ready
from tests.image.layout import ROOT
from tests.support.dynamodb import free_port, moto
from tests.support.load import Load
from tests.support.machine import OUTSIDE, Machine, booted
from tests.support.metadata import metadata_service

pytestmark = pytest.mark.image

LATE_SECONDS = 30
SETTLE_SECONDS = 60
REBOOT = 133  # systemd-nspawn's exit status when a machine asks to be started again


def main_process(machine: Machine) -> str:
    """Return the process id, inside the machine, of the service."""
    return machine.run("systemctl", "show", "--property=MainPID", "--value", "hello-birthday").stdout.strip()


@pytest.mark.usefixtures("metadata")
async def test_hung_process_is_replaced(world: World) -> None:
    """The watchdog kills a process whose event loop hangs, and its successor serves."""
    with booted(ROOT, world.network, "hello-hung", *world.trusting) as machine:
        await ready(machine)
        hung = main_process(machine)
        machine.run("kill", "-STOP", hung)
        async with asyncio.timeout(SETTLE_SECONDS):
            while main_process(machine) in {hung, "0"} or not is_active(machine):
                await asyncio.sleep(0.2)
        assert (await asyncio.to_thread(ask, machine, "/healthz"))[0] == 200
        journal = machine.run("journalctl", "--unit=hello-birthday", "--output=cat").stdout
        assert "Watchdog timeout" in journal


@pytest.mark.usefixtures("metadata")
async def test_stop_under_load_loses_nothing(world: World) -> None:
    """`systemctl stop` fails no request of clients that leave when /healthz says so."""
    with booted(ROOT, world.network, "hello-stopped", *world.trusting) as machine:
        await ready(machine)
        load = Load(f"http://{machine.address()}:8080")
        running = asyncio.create_task(load.run())
        await load.warm.wait()
        stopping = asyncio.create_task(asyncio.to_thread(machine.run, "systemctl", "stop", "hello-birthday"))
        await running
        await stopping
        note("requests_during_stop", load.answered)
        assert load.failures == []
        shown = machine.run("systemctl", "show", "--property=Result", "--value", "hello-birthday").stdout
        assert shown.strip() == "success"


async def test_machine_is_not_ready_without_its_database(world: World) -> None:
    """Without DynamoDB the service does not become ready, says why, and becomes ready once it answers."""
    port = free_port()
    url = f"https://{OUTSIDE}:{port}"
    async with metadata_service(
        f"HELLO_TABLE_NAME=birthdays\nHELLO_STARTUP_SECONDS=5\nAWS_ENDPOINT_URL_DYNAMODB={url}\n"
    ):
        with booted(ROOT, world.network, "hello-lonely", *world.trusting) as machine:
            async with asyncio.timeout(SETTLE_SECONDS):
                while "DynamoDB did not answer" not in await journal(machine):
                    assert not is_active(machine)
                    await asyncio.sleep(0.2)
            with moto(world.network.address, port, tls=True):  # all moto servers in this process share their tables
                await ready(machine)
                assert (await asyncio.to_thread(ask, machine, "/readyz"))[0] == 200


async def journal(machine: Machine) -> str:
    """Return the service's log so far, which is empty until the machine is up."""
    try:
        read = await asyncio.to_thread(machine.run, "journalctl", "--unit=hello-birthday", "--output=cat", check=False)
    except (IndexError, FileNotFoundError):
        return ""
    return read.stdout


async def test_machine_waits_for_a_late_metadata_service(world: World) -> None:
    """A metadata service that is absent for the first half minute delays the start and nothing else."""
    with booted(ROOT, world.network, "hello-late", *world.trusting) as machine:
        await asyncio.sleep(LATE_SECONDS)  # this delay is what is tested
        assert not is_active(machine)
        async with metadata_service(world.user_data):
            waited = await ready(machine)
            note("ready_after_late_metadata_seconds", round(waited - LATE_SECONDS, 2))
            assert (await asyncio.to_thread(ask, machine, "/healthz"))[0] == 200


@pytest.mark.usefixtures("metadata")
async def test_reboot_keeps_it_working(world: World, tmp_path: Path) -> None:
    """After a reboot the same machine serves again."""
    root = tmp_path / "root"
    subprocess.run(["cp", "--archive", ROOT, root], check=True)
    with booted(root, world.network, "hello-reboot", *world.trusting, keep=True) as machine:
        await ready(machine)
        identity = machine.run("cat", "/etc/machine-id").stdout
        machine.run("systemctl", "reboot", check=False)
        assert await asyncio.to_thread(machine.process.wait, SETTLE_SECONDS) == REBOOT
    with booted(root, world.network, "hello-reboot", *world.trusting, keep=True) as machine:
        await ready(machine)
        assert (await asyncio.to_thread(ask, machine, "/healthz"))[0] == 200
        assert machine.run("cat", "/etc/machine-id").stdout == identity != ""
    shutil.rmtree(root)


async def test_user_data_is_never_run(world: World) -> None:
    """A script in the user data is not run; it is only read for settings."""
    script = f"#!/bin/sh\ntouch /run/ran\n{world.user_data}"
    async with metadata_service(script):
        with booted(ROOT, world.network, "hello-script", *world.trusting) as machine:
            await ready(machine)
            assert "status: done" in machine.run("cloud-init", "status", "--wait").stdout
            assert machine.run("ls", "/run/ran", check=False).returncode == 2
