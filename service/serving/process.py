"""The life of the process: start, serve, drain, stop.

Owns what signals do: SIGTERM starts the drain; SIGINT, a second signal, or any signal during the start stops the
process at once.
"""

import asyncio
import signal
from collections.abc import Callable
from typing import Any

import structlog
from aiohttp import web

from service.config import Config
from service.serving import signals
from service.serving.server import Server
from service.serving.systemd import ServiceManager
from service.telemetry import tracing

log = structlog.get_logger()


async def serve(app: web.Application, config: Config, announce: Callable[[str], None]) -> int:
    """Serve until a signal arrives; return the exit status: 0, or 128 + signal if a drain was cut short.

    Calls `announce` with the URL once connections are accepted. Raises `SetupError` if the store
    cannot be opened or the address is not available.
    """
    received = signals.caught()
    asyncio.get_running_loop().set_exception_handler(_log_stray_exception)
    manager = ServiceManager()
    server = Server(app, config)
    try:
        if early := await signals.unless_signalled(_start(server, config, announce), received):
            log.info("start.aborted", signal=early.name)
            return 0
        async with manager.informed():
            if await received.get() == signal.SIGINT:
                return 0
            server.drain()
            return await _drain_until_signal(server, config.drain_seconds, received)
    finally:
        await server.stop()


async def _start(server: Server, config: Config, announce: Callable[[str], None]) -> None:
    until = asyncio.get_running_loop().time() + config.startup_seconds
    await server.open()
    if config.self_test == "on":
        await server.prove(until)
    else:
        log.warning("self_test.skipped")
    tracing.begin()
    announce(await server.listen())


async def _drain_until_signal(server: Server, seconds: float, received: signals.Received) -> int:
    second = await signals.unless_signalled(_finish_later(server, seconds), received)
    if second is None:
        return 0
    log.warning("drain.aborted", signal=second.name)
    return 128 + second


async def _finish_later(server: Server, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await server.finish()


def _log_stray_exception(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # The context's message may quote what a client sent, so only the exception's type is logged.
    log.error("task.failed", exc_info=context.get("exception"))
