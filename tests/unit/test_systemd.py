"""systemd gets the notifications that it needs, on a real datagram socket."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.serving.systemd import ServiceManager


@pytest.fixture(params=["in the file system", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """Listen as systemd does and return the socket and the address that it passes on."""
    address = str(tmp_path / "notify") if request.param == "in the file system" else f"@{tmp_path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(5)
        listener.bind(address.replace("@", "\0"))
        yield listener, address


async def test_manager_hears_ready_first(manager: tuple[socket.socket, str]) -> None:
    """The first message says that the process is ready."""
    listener, address = manager
    async with ServiceManager({"NOTIFY_SOCKET": address}).informed():
        assert listener.recv(100) == b"READY=1"


async def test_manager_hears_again_and_again_that_the_loop_turns(manager: tuple[socket.socket, str]) -> None:
    """If a watchdog waits, notifications keep coming."""
    listener, address = manager
    listener.setblocking(False)
    heard: list[bytes] = []
    async with ServiceManager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000"}).informed():
        while len(heard) < 4:
            heard.append(await _receive(listener))
    assert heard == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"WATCHDOG=1"]


@pytest.mark.parametrize(
    "environ",
    [{}, {"WATCHDOG_USEC": ""}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}],
    ids=["not set", "empty", "zero", "of another process"],
)
async def test_manager_that_does_not_watch_hears_nothing_more(
    manager: tuple[socket.socket, str], environ: dict[str, str]
) -> None:
    """Without a watchdog, or with one that watches the parent process, only READY is sent."""
    listener, address = manager
    async with ServiceManager({"NOTIFY_SOCKET": address} | environ).informed():
        assert listener.recv(100) == b"READY=1"
        await asyncio.sleep(0.01)  # in which a message more would come
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.recv(100)


async def test_own_watchdog_is_heard(manager: tuple[socket.socket, str]) -> None:
    """A watchdog that names this process gets its notifications."""
    listener, address = manager
    environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": str(os.getpid())}
    listener.setblocking(False)
    async with ServiceManager(environ).informed():
        assert [await _receive(listener), await _receive(listener)] == [b"READY=1", b"WATCHDOG=1"]


async def test_process_without_a_manager_just_runs() -> None:
    """Nothing is sent unless it is configured, and a manager that is gone does no harm."""
    async with ServiceManager({}).informed():
        pass
    async with ServiceManager({"NOTIFY_SOCKET": "/nowhere/notify"}).informed():
        pass


async def _receive(listener: socket.socket) -> bytes:
    return await asyncio.get_running_loop().sock_recv(listener, 100)
