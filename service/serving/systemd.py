"""Tells the service manager that the process is ready and alive.

Owns systemd's notification protocol, one datagram per message: see sd_notify(3). Without a service manager (no
NOTIFY_SOCKET) nothing is sent. Knows nothing of what the process does.
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
        """Read the socket's address and the watchdog's interval from the environment.

        Raises `SetupError` if the interval is not a number.
        """
        address = environ.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the zero byte of Linux's abstract addresses.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._watchdog_seconds = _watchdog_seconds(environ)

    @contextlib.asynccontextmanager
    async def informed(self) -> AsyncIterator[None]:
        """Send READY, and then WATCHDOG messages from the event loop until the block ends."""
        self._tell(READY)
        alive = asyncio.create_task(self._keep_telling())
        try:
            yield
        finally:
            alive.cancel()

    async def _keep_telling(self) -> None:
        # Twice per interval, as sd_watchdog_enabled(3) recommends.
        while self._watchdog_seconds:
            self._tell(ALIVE)
            await asyncio.sleep(self._watchdog_seconds / 2)

    def _tell(self, message: str) -> None:
        if not self._address:
            return
        # A service manager that does not listen must not stop the service.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, contextlib.suppress(OSError):
            sender.sendto(message.encode(), self._address)


def _watchdog_seconds(environ: Mapping[str, str]) -> float:
    """Return the watchdog's interval in seconds, 0 if it does not watch us: see sd_watchdog_enabled(3)."""
    if environ.get("WATCHDOG_PID") not in {None, "", str(os.getpid())}:
        return 0  # the parent process is watched, not this one
    text = environ.get("WATCHDOG_USEC") or "0"
    if not re.fullmatch("[0-9]{1,20}", text):
        raise SetupError(
            f"WATCHDOG_USEC must be a whole number of microseconds, not {text!r}; unset it, unless systemd sets it"
        )
    return int(text) / 1_000_000
