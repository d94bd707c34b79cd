"""Tells the service manager that the process is ready, and that it is alive.

Owns systemd's notification protocol, one datagram a message: see sd_notify(3). Without a service manager, which is to
say without NOTIFY_SOCKET, nothing is sent. Knows nothing of what the process does.
"""

import asyncio
import contextlib
import os
import re
import socket
from collections.abc import AsyncIterator, Mapping

from service.errors import SetupError

READY = "READY=1"
ALIVE = "WATCHDOG=1"


class ServiceManager:
    """The service manager that started this process, if there is one."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        """Read from the environment where to send messages and how often to be heard of.

        Raises `SetupError` if the time of the watchdog is none.
        """
        address = environ.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the zero byte of Linux's abstract addresses.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._watchdog_seconds = _watchdog_seconds(environ)

    @contextlib.asynccontextmanager
    async def informed(self) -> AsyncIterator[None]:
        """Say that the process is ready, and go on saying that its event loop turns, until the block ends."""
        self._tell(READY)
        alive = asyncio.create_task(self._keep_telling())
        try:
            yield
        finally:
            alive.cancel()

    async def _keep_telling(self) -> None:
        # Twice in the time after which the service manager gives up on a process.
        while self._watchdog_seconds:
            self._tell(ALIVE)
            await asyncio.sleep(self._watchdog_seconds / 2)

    def _tell(self, message: str) -> None:
        if not self._address:
            return
        # A service manager that does not listen is no reason to fail.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, contextlib.suppress(OSError):
            sender.sendto(message.encode(), self._address)


def _watchdog_seconds(environ: Mapping[str, str]) -> float:
    """Return after how long the service manager gives up on this process, 0 if it does not: sd_watchdog_enabled(3)."""
    if environ.get("WATCHDOG_PID") not in {None, "", str(os.getpid())}:
        return 0  # another process is watched, which started this one
    text = environ.get("WATCHDOG_USEC") or "0"
    if not re.fullmatch("[0-9]{1,20}", text):
        raise SetupError(
            f"WATCHDOG_USEC must be a whole number of microseconds, not {text!r}; systemd sets it, or unset it"
        )
    return int(text) / 1_000_000
