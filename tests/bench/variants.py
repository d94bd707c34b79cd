"""Our own service with a part replaced, to compare it with itself: `python -m tests.bench.variants NAME --port N`.

`limit` answers from memory, which leaves the framework and our handlers. `plain` makes one DynamoDB call for each
request. `unmetered` records no metrics. Everything else is `python -m service`, whose code for running is not repeated
here.
"""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from unittest import mock

from aiohttp import web
from prometheus_client import Histogram

from service.app import create_app
from service.config import Config
from service.keys import Store
from service.serving import command
from service.storage.batching import batching_store
from service.storage.startup import connected_store
from service.telemetry import metrics
from tests.bench.names import BORN, names
from tests.support.stores import Memory


class MemoryStore(Memory):
    """A store in memory."""

    def __init__(self) -> None:
        """Know every user of the benchmark."""
        super().__init__()
        self.born |= dict.fromkeys(names(), BORN)


@asynccontextmanager
async def _memory_store(_config: Config) -> AsyncIterator[Store]:
    yield MemoryStore()


_STORES: dict[str, Callable[[Config], AbstractAsyncContextManager[Store]]] = {
    "limit": _memory_store,
    "plain": connected_store,
    "unmetered": batching_store,
}


def main(name: str, arguments: list[str]) -> int:
    """Run the service with the store called `name`; return its exit status."""

    def create(config: Config) -> web.Application:
        return create_app(config, open_store=_STORES[name])

    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(command, "create_app", create))
        if name == "unmetered":
            patches.enter_context(mock.patch.object(metrics, "request_ended", _count_nothing))
            patches.enter_context(mock.patch.object(Histogram, "observe", _count_nothing))
        return command.run(arguments)


def _count_nothing(*_values: object) -> None:
    pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
