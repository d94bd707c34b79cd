"""The typed keys under which the application and its requests keep the objects that several modules share."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import date
from typing import Protocol

from aiohttp import web

from service.config import Config
from service.lifecycle import Lifecycle


class Store(Protocol):
    """What the service needs from a storage; every method may raise `errors.StorageUnavailable`."""

    async def get(self, username: str) -> date | None:
        """Return the date of birth stored for `username`, or None if there is none."""

    async def put(self, username: str, born: date) -> None:
        """Store the date of birth of `username`; on return the storage has acknowledged it."""

    async def delete(self, username: str) -> None:
        """Delete `username`; there is no retry if the storage does not process the request."""

    async def ping(self) -> None:
        """Return if the storage answers reads; raise otherwise."""


CONFIG = web.AppKey("CONFIG", Config)
STORE: web.AppKey[Store] = web.AppKey("STORE")
TODAY: web.AppKey[Callable[[], date]] = web.AppKey("TODAY")
READINESS: web.AppKey[Callable[[], Awaitable[None]]] = web.AppKey("READINESS")
LIFECYCLE = web.AppKey("LIFECYCLE", Lifecycle)
OWN_TOKEN: web.AppKey[Callable[[], AbstractContextManager[str]]] = web.AppKey("OWN_TOKEN")

REQUEST_ID = web.RequestKey("REQUEST_ID", str)
