"""Coalesces concurrent calls: keys that arrive while a call is in flight are collected and sent together.

If no call is in flight, a key is sent at once. Waiting keys are sent when a call returns, when a batch is full, or when
they have waited long enough (`patience`). `reads` and `writes` define what happens to equal keys. Knows nothing of
users, HTTP or DynamoDB.
"""

import abc
import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Generic

import structlog

from service.errors import Ending, StorageUnavailable
from service.storage import patience
from service.storage.expiry import Caller, Expiry, R, Slot, V
from service.telemetry import metrics, tracing

log = structlog.get_logger()

# The most calls in flight. Far more than useful; it bounds what piles up when calls hang.
MAX_CALLS_OUT = 32
# Iterations of the event loop in which responses are sent and new requests arrive.
_ROUNDS = 4
_SINGLES_AT_ONCE = 16
# How often a temporary failure is retried, and how often as a batch before each key is sent alone.
_RETRIES = 3
_RETRIES_TOGETHER = 2
BACKOFF_SECONDS = 0.025
MAX_BACKOFF_SECONDS = 0.8


@dataclass(slots=True)
class Sender(Generic[V, R]):
    """How keys are sent: one alone, or up to `limit` together.

    The last argument of both functions is their deadline, in seconds of the event loop's clock.
    `many` returns an outcome for each key: a result, or an exception for that key alone. A key that it leaves out was
    not processed, and is sent again after a pause as long as a caller waits; so is one whose call was throttled
    (`StorageUnavailable.ending`). Other temporary failures are retried a few times. If `many` keeps failing as a whole,
    its keys are sent one by one.
    """

    operation: str
    """The label in the metrics."""

    one: Callable[[str, V, float], Awaitable[R]]
    many: Callable[[dict[str, V], float], Awaitable[dict[str, R | Exception]]]
    limit: int


class Coalescer(abc.ABC, Generic[V, R]):
    """Collects keys and sends them together."""

    def __init__(self, sender: Sender[V, R], expiry: Expiry, clock: Callable[[], float] = time.perf_counter) -> None:
        """Start with no key waiting; `clock` counts seconds and, unlike the loop's, advances while the loop is busy."""
        self._sender = sender
        self._batch_size = metrics.BATCH_SIZE.labels(sender.operation)
        self._queue_wait = metrics.QUEUE_WAIT.labels(sender.operation)
        self._expiry = expiry
        self._waiting: dict[str, Slot[V, R]] = {}
        self._out: set[asyncio.Task[None]] = set()
        self._clock = clock
        self._departed = 0.0
        self._patience: asyncio.Task[None] | None = None
        self._singles = asyncio.Semaphore(_SINGLES_AT_ONCE)

    def submit(self, key: str, value: V) -> "asyncio.Future[R]":
        """Send `key` as soon as possible; cancelling the returned future does not affect other callers."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        caller = Caller(future, value, self._expiry.watch(future))
        if (slot := self._gathering(key)) is not None:
            slot.callers.append(caller)
        else:
            self._admit(Slot(key, [caller], self._clock(), tracing.detached_context(), caller))
        return future

    async def close(self) -> None:
        """Cancel calls in flight and discard waiting keys; to be called when no caller waits any more."""
        self._waiting.clear()
        tasks = self._out if self._patience is None else {*self._out, self._patience}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @abc.abstractmethod
    def _gathering(self, key: str) -> Slot[V, R] | None:
        """Return the slot of `key` that has not been sent and accepts more callers."""

    @abc.abstractmethod
    def _admit(self, slot: Slot[V, R]) -> None:
        """Accept a new slot; no other slot of its key is waiting, but one may be in flight."""

    @abc.abstractmethod
    def _gathered(self, key: str) -> list[Caller[V, R]]:
        """Remove and return the callers that came for `key` since it was sent."""

    @abc.abstractmethod
    def _finished(self, slot: Slot[V, R]) -> None:
        """Note that `slot` is done."""

    @abc.abstractmethod
    def _repeatable(self, error: Exception) -> bool:
        """Tell whether a call that ended with `error` may safely be repeated."""

    @abc.abstractmethod
    def _end(self, untils: Iterable[float]) -> float:
        """Return the deadline of a call for callers with these deadlines."""

    def _enqueue(self, slot: Slot[V, R]) -> None:
        self._waiting[slot.key] = slot
        if not self._out or len(self._waiting) >= self._sender.limit:
            self._depart()
        elif self._patience is None:
            self._lose_patience()

    def _lose_patience(self) -> None:
        self._patience = asyncio.get_running_loop().create_task(self._depart_early())

    async def _depart_early(self) -> None:
        await patience.lost(self._departed, self._clock)
        self._patience = None
        self._depart()

    def _depart(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if len(self._out) < MAX_CALLS_OUT and (slots := self._take()):
            task = asyncio.get_running_loop().create_task(self._call(slots), context=slots[0].context)
            self._out.add(task)
            task.add_done_callback(self._landed)
        self._departed = self._clock()
        if self._waiting:
            self._lose_patience()

    def _take(self) -> list[Slot[V, R]]:
        slots = [self._waiting.pop(key) for key in list(islice(self._waiting, self._sender.limit))]
        now = asyncio.get_running_loop().time()
        return [slot for slot in slots if slot.may_leave(now)]

    def _landed(self, task: "asyncio.Task[None]") -> None:
        self._out.discard(task)
        if self._waiting:
            self._depart()

    async def _call(self, slots: list[Slot[V, R]]) -> None:
        self._batch_size.observe(len(slots))
        self._queue_wait.observe(self._clock() - slots[0].since)
        if len(slots) == 1:
            await self._call_alone(slots[0])
        else:
            await self._call_together(slots)
        if len(slots) > 1 or len(slots[0].callers) > 1:
            # Let responses be sent and new requests be read before the next call is made.
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)

    async def _call_together(self, slots: list[Slot[V, R]]) -> None:
        try:
            until = self._end(slot.leader.until for slot in slots)
            outcomes = await self._sender.many({slot.key: slot.leader.value for slot in slots}, until)
        except Exception as error:
            known = isinstance(error, StorageUnavailable)  # and has been logged with its reason
            log.warning("batch.failed", keys=len(slots), exc_info=None if known else error)
            await asyncio.gather(*[self._recover(slot, error) for slot in slots])
            return
        for slot in slots:
            if slot.key in outcomes:
                slot.settle(outcomes[slot.key])
                self._finished(slot)
            else:
                self._retry_later(slot, throttled=True)

    async def _recover(self, slot: Slot[V, R], error: Exception) -> None:
        """Retry a key whose batch failed as a whole, send it alone, or fail it."""
        if self._goes_again(slot, error, _RETRIES_TOGETHER):
            self._retry_later(slot, throttled=_is_throttled(error))
        elif self._repeatable(error):
            async with self._singles:
                await self._call_alone(slot)
        else:
            slot.settle(error)
            self._finished(slot)

    async def _call_alone(self, slot: Slot[V, R]) -> None:
        if slot.may_leave(asyncio.get_running_loop().time()):
            try:
                slot.settle(await self._sender.one(slot.key, slot.leader.value, slot.leader.until))
            except Exception as error:  # noqa: BLE001 - any error is raised for the callers
                if self._goes_again(slot, error, _RETRIES):
                    # then together with other keys, which needs fewer calls
                    self._retry_later(slot, throttled=_is_throttled(error))
                    return
                slot.settle(error)
        self._finished(slot)

    def _goes_again(self, slot: Slot[V, R], error: Exception, retries: int) -> bool:
        if not isinstance(error, StorageUnavailable) or error.ending is Ending.REFUSED:
            return False
        patient = _is_throttled(error) or slot.retries < retries
        return patient and self._repeatable(error) and slot.may_leave(asyncio.get_running_loop().time())

    def _retry_later(self, slot: Slot[V, R], *, throttled: bool) -> None:  # noqa: ARG002 - used by reads
        pause = random.uniform(0, min(MAX_BACKOFF_SECONDS, BACKOFF_SECONDS * 2**slot.retries))  # noqa: S311 - jitter
        slot.retries += 1
        metrics.RETRIES.inc()
        asyncio.get_running_loop().call_later(pause, self._retry, slot)

    def _retry(self, slot: Slot[V, R]) -> None:
        slot.join(self._gathered(slot.key))
        if slot.callers:
            self._enqueue(slot)


def _is_throttled(error: Exception) -> bool:
    return isinstance(error, StorageUnavailable) and error.ending is Ending.THROTTLED
