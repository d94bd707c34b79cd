"""Stand-ins that speak HTTP: each listens on a socket of its own."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def listening_on(
    runner: web.BaseRunner, address: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Let `runner` serve until the block ends, on a free port unless one is given, and yield its URL."""
    await runner.setup()
    try:
        await web.TCPSite(runner, address, port, ssl_context=tls).start()
        host, taken = runner.addresses[0][:2]
        yield f"{'https' if tls else 'http'}://{host}:{taken}"
    finally:
        await runner.cleanup()
