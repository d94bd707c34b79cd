"""One application and its listening address: opened, tested, listening, draining, closed.

Owns the order of start and shutdown. While draining, /healthz answers 503 and every response closes its connection, but
new connections are still accepted, so that a load balancer loses no request. Knows nothing of signals.
"""

import asyncio
import contextlib
import gc
import os
import socket
import time
from typing import Any

import structlog
from aiohttp import web

from service.api.middlewares import observed
from service.config import Config
from service.errors import SetupError
from service.keys import LIFECYCLE
from service.serving import self_test
from service.serving.connections import LimitedProtocol, Room
from service.serving.heads import checked
from service.serving.listener import BACKLOG, Listener
from service.serving.shedding import admitted

log = structlog.get_logger()

# How long finished responses may still take to be written.
_WRITE_SECONDS = 1


class Server:
    """One application, listening on one address."""

    def __init__(self, app: web.Application, config: Config) -> None:
        """Create the server; nothing is opened before `open`."""
        self._app = app
        self._config = config
        self._runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=_WRITE_SECONDS)
        self._listener: Listener | None = None
        self._room = Room(config.max_in_flight)

    async def open(self) -> None:
        """Open the store; raise `SetupError` if that fails."""
        await self._runner.setup()
        manager = self._manager()
        handler: Any = checked(admitted(self._app, observed(self._app, manager.request_handler)))
        manager.request_handler = handler
        # Objects made at start live as long as the process: without them, full collections take 1 ms instead of 25.
        gc.collect()
        gc.freeze()
        # A request makes about a hundred objects: with the default of 700, every seventh would trigger a collection.
        gc.set_threshold(20_000, 10, 10)

    def _manager(self) -> web.Server:
        manager = self._runner.server
        assert manager is not None, "setup() makes it"  # noqa: S101 - for the type checker
        return manager

    async def prove(self, until: float) -> None:
        """Run the self-test through a loopback socket of its own; raise `SetupError` if it fails.

        After a 503 it is repeated until `until`, in seconds of the event loop's clock.
        """
        started = time.perf_counter()
        listener = self._new_listener("127.0.0.1", 0)
        try:
            with self._app[LIFECYCLE].proves():
                await self_test.run(_url(listener), self._app, until)
        finally:
            listener.close()
        log.debug("self_test.passed", duration_ms=round((time.perf_counter() - started) * 1000, 3))

    async def listen(self) -> str:
        """Accept connections and return the URL; raise `SetupError` if the address is not available."""
        self._listener = self._new_listener(self._config.host, self._config.port)
        host, port = self._listener.address
        log.info("server.started", host=host, port=port)
        return _url(self._listener)

    def _new_listener(self, host: str, port: int) -> Listener:
        loop = asyncio.get_running_loop()
        manager = self._manager()
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            listening = socket.create_server(address[:2], family=family, backlog=BACKLOG)
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that no host can have
            reason = _reason(error) if isinstance(error, OSError) else "it is not a host name"
            message = f"cannot listen on {host} port {port} ({reason}); choose others with --host and --port"
            raise SetupError(message) from error
        return Listener(listening, lambda: LimitedProtocol(self._room, self._config, manager, loop))

    def drain(self) -> None:
        """Make the load balancer and all clients leave, but keep serving."""
        self._app[LIFECYCLE].draining = True
        log.info("drain.started", seconds=self._config.drain_seconds)

    async def finish(self) -> None:
        """Accept no more connections and give the requests in flight `shutdown_seconds` to finish."""
        if self._listener is not None:
            self._listener.close()
        # aiohttp's own shutdown would discard a body that is still arriving.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._config.shutdown_seconds):
                await self._app[LIFECYCLE].idle()

    async def stop(self) -> None:
        """Close everything, and abort the requests that are still in flight."""
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()
        if self._listener is not None:
            log.info("server.stopped")


def _reason(error: OSError) -> str | None:
    """Return the system's message, without the address that the standard library adds."""
    return error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)


def _url(listener: Listener) -> str:
    host, port = listener.address
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
