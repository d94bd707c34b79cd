"""The application: its routes, and the resources that are open while it runs.

Owns the wiring only; what is wired is passed in or built from the Config.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime

from aiohttp import web

from service.api import docs, handlers, health
from service.api.payload import MAX_BYTES
from service.config import Config
from service.keys import CONFIG, LIFECYCLE, READINESS, STORE, TODAY, Store
from service.lifecycle import Lifecycle
from service.storage.batching import batching_store
from service.telemetry import admin

READINESS_CACHE_SECONDS = 1.0

ROUTES = (
    # Also matches an empty username, so that it is answered as an invalid username and not as an unknown path.
    web.put("/hello/{username:[^/]*}", handlers.put_user),
    web.get("/hello/{username:[^/]*}", handlers.get_user),
    web.get("/healthz", health.healthz),
    web.get("/readyz", health.readyz),
    web.get("/version", health.version),
    web.get("/openapi.yaml", docs.openapi),
    web.get("/", docs.to_page),
    web.get("/docs", docs.page),
    web.get("/docs/", docs.to_page),
    web.get("/docs/{name}", docs.asset),
)


def utc_today() -> date:
    """Return today's date in UTC, independent of the machine's time zone."""
    return datetime.now(UTC).date()


def create_app(
    config: Config,
    *,
    open_store: Callable[[Config], AbstractAsyncContextManager[Store]] = batching_store,
    today: Callable[[], date] = utc_today,
) -> web.Application:
    """Return the application; it opens its store at start and closes it at shutdown."""
    app = web.Application(client_max_size=MAX_BYTES)
    app[CONFIG] = config
    app[TODAY] = today
    app[LIFECYCLE] = Lifecycle()
    app.add_routes(ROUTES)
    docs.prepare(app, config)

    async def store_context(app: web.Application) -> AsyncIterator[None]:
        async with open_store(config) as store:
            app[STORE] = store
            app[READINESS] = health.CachedCheck(store.ping, READINESS_CACHE_SECONDS, time.monotonic).run
            yield

    async def metrics_context(app: web.Application) -> AsyncIterator[None]:
        async with admin.metrics_server(config, app[LIFECYCLE]):
            yield

    if config.metrics_port is not None:
        app.cleanup_ctx.append(metrics_context)
    if config.auth_issuer:
        from service.auth import tokens  # noqa: PLC0415 - cryptography takes 9 MB, needed only with authentication

        tokens.protect(app, config)
    app.cleanup_ctx.append(store_context)
    return app
