"""Coalesces concurrent calls: keys that arrive while a call is out gather and leave together.

A lone key leaves at once. Whoever has gathered leaves when a call lands, when a batch is full, or
when patience is lost with a slow call. Knows nothing of users, HTTP or DynamoDB.
"""

import asyncio
import contextvars
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

import structlog

log = structlog.get_logger()

# Waiting longer than this for a slow call would show in the tail of all latencies.
PATIENCE_SECONDS = 0.01
MAX_CALLS_OUT = 32
ROUNDS = 4
_SINGLES_AT_ONCE = 16
_BACKOFF_SECONDS = 0.025
_MAX_BACKOFF_SECONDS = 0.8

V = TypeVar("V")
R = TypeVar("R")


@dataclass(slots=True, eq=False)
class Slot(Generic[V, R]):
    """One key on its way, and all who wait for it; whoever gave up has a cancelled future."""

    key: str
    value: V
    waiters: "list[asyncio.Future[R]]"
    retries: int = 0

    @property
    def wanted(self) -> bool:
        """Say whether anybody still waits."""
        return any(not waiter.done() for waiter in self.waiters)

    def settle(self, outcome: "R | Exception") -> None:
        """Give the result, or raise the exception, for all who still wait."""
        for waiter in self.waiters:
            if waiter.done():
                continue
            if isinstance(outcome, Exception):
                waiter.set_exception(outcome)
            else:
                waiter.set_result(outcome)


class Expiry:
    """Fails futures that are not done after `seconds`, all with one timer instead of one for each."""

    def __init__(self, seconds: float, error: Callable[[], Exception]) -> None:
        """Raise what `error` makes for whoever waits for an expired future."""
        self._seconds = seconds
        self._error = error
        self._watched: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, future: "asyncio.Future[Any]") -> None:
        """Give `future` its time, from now on."""
        while self._watched and self._watched[0][1].done():
            self._watched.popleft()
        loop = asyncio.get_running_loop()
        self._watched.append((loop.time() + self._seconds, future))
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._expire)

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        while self._watched and (self._watched[0][1].done() or self._watched[0][0] <= loop.time()):
            future = self._watched.popleft()[1]
            if not future.done():
                future.set_exception(self._error())
        self._timer = loop.call_at(self._watched[0][0], self._expire) if self._watched else None


class Coalescer(Generic[V, R]):
    """Callers who ask for a key that has not left yet share its slot: for reads.

    `send_many` takes up to `limit` keys and tells what became of each: a result, or an exception for
    that key alone. A key it leaves out was not processed, and goes again after a pause as long as
    somebody waits. If it fails as a whole, its keys are sent one by one with `send_one`.
    """

    def __init__(
        self,
        send_one: Callable[[str, V], Awaitable[R]],
        send_many: Callable[[dict[str, V]], Awaitable["dict[str, R | Exception]"]],
        limit: int,
        expiry: Expiry,
    ) -> None:
        """Start with nothing waiting and nothing out."""
        self._expiry = expiry
        self._send_one = send_one
        self._send_many = send_many
        self._limit = limit
        self._waiting: dict[str, Slot[V, R]] = {}
        self._out: set[asyncio.Task[None]] = set()
        self._patience: asyncio.TimerHandle | None = None
        self._singles = asyncio.Semaphore(_SINGLES_AT_ONCE)

    def submit(self, key: str, value: V) -> "asyncio.Future[R]":
        """Send `key` as soon as possible; cancelling the future disturbs nobody else."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._expiry.watch(future)
        self._admit(Slot(key, value, [future]))
        return future

    async def close(self) -> None:
        """Cancel what is out; whoever still waits gets `CancelledError`."""
        for slot in self._waiting.values():
            for waiter in slot.waiters:
                waiter.cancel()
        self._waiting.clear()
        for task in self._out:
            task.cancel()
        await asyncio.gather(*self._out, return_exceptions=True)

    def _admit(self, slot: Slot[V, R]) -> None:
        if slot.key in self._waiting:
            self._waiting[slot.key].waiters += slot.waiters
        else:
            self._enqueue(slot)

    def _enqueue(self, slot: Slot[V, R]) -> None:
        self._waiting[slot.key] = slot
        if not self._out or len(self._waiting) >= self._limit:
            self._depart()
        else:
            self._arm()

    def _arm(self) -> None:
        if self._patience is None:
            self._patience = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._depart)

    def _depart(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if len(self._out) < MAX_CALLS_OUT and (slots := self._take()):
            # An empty context: the call belongs to no single request.
            task = asyncio.get_running_loop().create_task(self._call(slots), context=contextvars.Context())
            self._out.add(task)
            task.add_done_callback(self._landed)
        if self._waiting:
            self._arm()

    def _take(self) -> list[Slot[V, R]]:
        slots = [self._waiting.pop(key) for key in list(islice(self._waiting, self._limit))]
        wanted = [slot for slot in slots if slot.wanted]
        for slot in slots:
            if not slot.wanted:
                self._finished(slot)
        return wanted

    def _landed(self, task: "asyncio.Task[None]") -> None:
        self._out.discard(task)
        self._depart()

    async def _call(self, slots: list[Slot[V, R]]) -> None:
        if len(slots) == 1:
            await self._call_alone(slots[0])
        else:
            await self._call_together(slots)
            # Let the answers out, and in what has come meanwhile, before the next call leaves.
            for _ in range(ROUNDS):
                await asyncio.sleep(0)

    async def _call_together(self, slots: list[Slot[V, R]]) -> None:
        try:
            outcomes = await self._send_many({slot.key: slot.value for slot in slots})
        except Exception as error:
            log.warning("batch.failed", keys=len(slots), exc_info=error)
            await asyncio.gather(*map(self._call_in_turn, slots))
            return
        for slot in slots:
            if slot.key in outcomes:
                slot.settle(outcomes[slot.key])
                self._finished(slot)
            else:
                self._retry_later(slot)

    async def _call_in_turn(self, slot: Slot[V, R]) -> None:
        async with self._singles:
            await self._call_alone(slot)

    async def _call_alone(self, slot: Slot[V, R]) -> None:
        if slot.wanted:
            try:
                slot.settle(await self._send_one(slot.key, slot.value))
            except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to those who wait
                slot.settle(error)
        self._finished(slot)

    def _retry_later(self, slot: Slot[V, R]) -> None:
        pause = random.uniform(0, min(_MAX_BACKOFF_SECONDS, _BACKOFF_SECONDS * 2**slot.retries))  # noqa: S311 - jitter
        slot.retries += 1
        asyncio.get_running_loop().call_later(pause, self._retry, slot)

    def _retry(self, slot: Slot[V, R]) -> None:
        if slot.wanted:
            self._admit(slot)

    def _finished(self, slot: Slot[V, R]) -> None:
        """Note that nothing more happens for `slot`."""


class OrderedCoalescer(Coalescer[V, R]):
    """Calls with the same key follow one another, each after the one before it is finished: for writes."""

    def __init__(
        self,
        send_one: Callable[[str, V], Awaitable[R]],
        send_many: Callable[[dict[str, V]], Awaitable["dict[str, R | Exception]"]],
        limit: int,
        expiry: Expiry,
    ) -> None:
        """Start with nothing waiting and nothing out."""
        super().__init__(send_one, send_many, limit, expiry)
        self._followers: dict[str, deque[Slot[V, R]]] = {}

    def _admit(self, slot: Slot[V, R]) -> None:
        if slot.key in self._followers:
            self._followers[slot.key].append(slot)
        else:
            self._followers[slot.key] = deque()
            self._enqueue(slot)

    def _retry(self, slot: Slot[V, R]) -> None:
        if slot.wanted:
            self._enqueue(slot)
        else:
            self._finished(slot)

    def _finished(self, slot: Slot[V, R]) -> None:
        followers = self._followers[slot.key]
        if followers:
            self._enqueue(followers.popleft())
        else:
            del self._followers[slot.key]
