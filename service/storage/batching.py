"""The store that handlers use: lets concurrent requests share DynamoDB's batch calls.

A call costs the same CPU time whether it carries one key or many. Owns the time budget of a
request's storage work. There is no cache: a read joins only a call that has not been sent yet, so it
sees every write that was acknowledged before the read was requested.
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
    """Reads and writes like `UserStore`, with fewer calls and within the same time budget."""

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
        """Return the date of birth, or None, as stored when the read is sent, which is never before this call."""
        return await self._reads.submit(username, None)

    async def put(self, username: str, born: date) -> None:
        """Store the date of birth; on return DynamoDB has acknowledged it, or a later one that replaces it."""
        await self._writes.submit(username, born)

    async def delete(self, username: str) -> None:
        """Delete the user; no write of the same user may be in flight."""
        await self._store.delete(username)

    async def ping(self) -> None:
        """Return if the table answers a read; raise otherwise."""
        await self.get(PING_KEY)

    async def close(self) -> None:
        """Cancel the calls that are still in flight."""
        await self._reads.close()
        await self._writes.close()


def _exhausted() -> StorageUnavailable:
    metrics.BUDGET_EXHAUSTED.inc()
    return StorageUnavailable("TimeoutError", Ending.UNANSWERED)


@asynccontextmanager
async def batching_store(config: Config) -> AsyncIterator[BatchingStore]:
    """Provide a store whose table has answered once; raise `SetupError` if it does not answer."""
    async with connected_store(config) as store:
        batching = BatchingStore(store, config.storage_seconds)
        try:
            yield batching
        finally:
            await batching.close()
