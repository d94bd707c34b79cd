"""The admin port: serves the metrics to clients on the same machine.

Owns the listener and the periodic measurement of the event loop's delay.
"""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import hdrs, web
from prometheus_client.exposition import choose_encoder

from service import __version__
from service.config import Config
from service.errors import SetupError
from service.lifecycle import Lifecycle
from service.telemetry import metrics

log = structlog.get_logger()

_HOST = "127.0.0.1"
_LOOK_SECONDS = 0.5
_REMEMBERED_SECONDS = 60
# A client that does not read must not delay the exit.
_SHUTDOWN_SECONDS = 1


class LoopLag:
    """The delay of the event loop, measured twice a second and kept for a minute."""

    def __init__(self) -> None:
        """Start without measurements."""
        self._late: deque[float] = deque(maxlen=int(_REMEMBERED_SECONDS / _LOOK_SECONDS))

    def longest(self) -> float:
        """Return the longest delay of the last minute, in seconds."""
        return max(self._late, default=0.0)

    async def watch(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _LOOK_SECONDS
            await asyncio.sleep(_LOOK_SECONDS)
            self._late.append(max(0.0, loop.time() - due))


@asynccontextmanager
async def metrics_server(config: Config, lifecycle: Lifecycle) -> AsyncIterator[None]:
    """Serve /metrics on `config.metrics_port` of the loopback interface; raise `SetupError` if the port is in use."""
    lag = LoopLag()
    metrics.LOOP_LAG.set_function(lag.longest)
    metrics.IN_FLIGHT.set_function(lambda: lifecycle.in_flight)
    metrics.DRAINING.set_function(lambda: lifecycle.draining)
    metrics.BUILD.labels(__version__, config.git_commit, config.image_id).set(1)
    app = web.Application()
    app.router.add_get("/metrics", _expose)
    runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    watching = asyncio.create_task(lag.watch())
    try:
        await _listen(runner, config.metrics_port)
        yield
    finally:
        watching.cancel()
        await runner.cleanup()


async def _listen(runner: web.AppRunner, port: int | None) -> None:
    try:
        await web.TCPSite(runner, _HOST, port).start()
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        message = f"cannot listen on {_HOST} port {port} ({reason}); choose another with HELLO_METRICS_PORT"
        raise SetupError(message) from error
    log.info("metrics.started", host=_HOST, port=runner.addresses[0][1])


async def _expose(request: web.Request) -> web.Response:
    encode, content_type = choose_encoder(request.headers.get(hdrs.ACCEPT, ""))
    return web.Response(body=encode(metrics.REGISTRY), headers={hdrs.CONTENT_TYPE: content_type})
