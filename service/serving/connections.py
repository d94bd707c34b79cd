"""The limit on connections: each needs a file descriptor, and so do the calls to the storage.

Owns the process's limit of descriptors, and closes and logs the connections beyond it. Without that they would wait
unnoticed, and storage, logs and metrics would run out of descriptors too.
"""

import asyncio
import resource

import structlog
from aiohttp import web

from service.config import Config
from service.serving.protocol import HelloProtocol
from service.telemetry import metrics

log = structlog.get_logger()

# Reserved for the storage's connections, at most 128, and all other open files.
_OTHERS = 192
# Used where the system reports no limit; it is the actual limit of macOS, which reports none.
_NO_LIMIT = 10_240
_QUIET_SECONDS = 10


class Room:
    """The descriptors that connections may use; logs refused connections, but not each one."""

    def __init__(self, max_in_flight: int) -> None:
        """Raise the limit of descriptors as far as allowed; warn if it is too low for `max_in_flight`."""
        limit = _raise_limit()
        self._first_beyond = limit - min(_OTHERS, limit // 2)
        self._refused = 0
        self._quiet_until = 0.0
        if self._first_beyond < max_in_flight:
            log.warning(
                "config.limit_exceeded", name="HELLO_MAX_IN_FLIGHT", descriptors=limit, connections=self._first_beyond
            )

    def has(self, descriptor: int) -> bool:
        """Tell whether a connection may use `descriptor`; the system always assigns the lowest free one."""
        return descriptor < self._first_beyond

    def refused(self, now: float) -> None:
        """Count a connection that was refused at `now`, in seconds of the event loop's clock."""
        metrics.CONNECTIONS_REFUSED.inc()
        self._refused += 1
        if now >= self._quiet_until:
            log.warning("connections.refused", count=self._refused)
            self._refused = 0
            self._quiet_until = now + _QUIET_SECONDS


def _raise_limit() -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _NO_LIMIT if hard == resource.RLIM_INFINITY else hard
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    except (ValueError, OSError):  # not every system grants the limit that it reports
        return soft
    return limit


class LimitedProtocol(HelloProtocol):
    """One connection, which is closed at once if there is no room for it."""

    def __init__(self, room: Room, config: Config, manager: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        """Use `room` to decide whether the connection may stay open."""
        super().__init__(config, manager, loop)
        self._room = room

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start serving the connection, or close it."""
        super().connection_made(transport)
        if not self._room.has(transport.get_extra_info("socket").fileno()):
            self._room.refused(self._loop.time())
            self.force_close()
