"""The store that handlers use: lets concurrent requests share DynamoDB's batch calls.

A call costs the same CPU time whether it carries one key or many. Owns the time budget of a
request's storage work. There is no cache: a read joins only a call that has not left yet, so it
sees every write that was acknowledged before it came.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date

from service.config import Config
from service.errors import Ending, StorageUnavailable
from service.storage.coalescing import Sender
from service.storage.dynamodb import MAX_READS, MAX_WRITES, PING_KEY, UserStore
from service.storage.expiry import Expiry
from service.storage.reads import ReadCoalescer
from service.storage.startup import connected_store
from service.storage.writes import WriteCoalescer
from service.telemetry import metrics


class BatchingStore:
    """Reads and writes as `UserStore` does, with fewer calls, and keeps to the same time budget."""

    def __init__(self, store: UserStore, budget_seconds: float) -> None:
        """Send everything to `store`; no request waits longer than `budget_seconds`."""
        expiry = Expiry(budget_seconds, _exhausted)
        reading = Sender[None, date | None](
            "read", lambda username, _, until: store.get(username, until), store.get_many, MAX_READS
        )
        self._store = store
        self._reads = ReadCoalescer(reading, expiry)
        writing = Sender("write", store.put, store.put_many, MAX_WRITES)
        self._writes = WriteCoalescer(writing, expiry)

    async def get(self, username: str) -> date | None:
        """Return the date of birth as it is when the read leaves, which is never before it came."""
        return await self._reads.submit(username, None)

    async def put(self, username: str, born: date) -> None:
        """Store the date of birth; on return DynamoDB has acknowledged it, or one that came later and replaces it."""
        await self._writes.submit(username, born)

    async def delete(self, username: str) -> None:
        """Forget the user, whom nobody is writing at the moment."""
        await self._store.delete(username)

    async def ping(self) -> None:
        """Return if the table answers a read."""
        await self.get(PING_KEY)

    async def close(self) -> None:
        """Cancel what is still out."""
        await self._reads.close()
        await self._writes.close()


def _exhausted() -> StorageUnavailable:
    metrics.BUDGET_EXHAUSTED.inc()
    return StorageUnavailable("TimeoutError", Ending.UNANSWERED)


@asynccontextmanager
async def batching_store(config: Config) -> AsyncIterator[BatchingStore]:
    """Give a store whose table has answered once; raise `SetupError` if it does not."""
    async with connected_store(config) as store:
        batching = BatchingStore(store, config.storage_seconds)
        try:
            yield batching
        finally:
            await batching.close()
