"""The service inside the tests' own process, on a real socket of its own."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import date

from aiohttp import web

from service.app import create_app, utc_today
from service.config import Config
from service.serving.server import Server


@asynccontextmanager
async def listening(
    config: Config, today: Callable[[], date] = utc_today, routes: Iterable[web.RouteDef] = ()
) -> AsyncIterator[tuple[str, Server]]:
    """Run the service as `config` says, with `routes` added, until the block ends; yield its URL and the server."""
    app = create_app(config, today=today)
    app.add_routes(routes)
    server = Server(app, config)
    await server.open()
    yield await server.listen(), server
    await server.stop()
