"""Who waits for which key, and until when: slots of callers, and one timer for the time of all of them."""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

V = TypeVar("V")
R = TypeVar("R")

# A call that is given up costs its connection, and its batch; DynamoDB rarely needs longer than this.
LAST_MOMENT_SECONDS = 0.025


@dataclass(slots=True, eq=False)
class Slot(Generic[V, R]):
    """One key on its way, and all who wait for it; whoever gave up has a cancelled future."""

    key: str
    value: V
    waiters: "list[asyncio.Future[R]]"
    since: float
    """When it came, in seconds of `time.perf_counter`: the event loop's clock stands still while the loop is busy."""

    until: float
    """When the last who wait are answered at the latest, in seconds of the event loop's clock."""

    context: contextvars.Context
    """In which its call runs: it belongs to no single request, but its trace is that of the first key."""

    retries: int = 0

    @property
    def wanted(self) -> bool:
        """Say whether anybody still waits."""
        return any(not waiter.done() for waiter in self.waiters)

    def may_leave(self, now: float) -> bool:
        """Say whether anybody still waits, and long enough to get an answer."""
        return now + LAST_MOMENT_SECONDS <= self.until and self.wanted

    def join(self, other: "Slot[V, R]") -> None:
        """Let those who wait for `other` wait for this one."""
        self.waiters += other.waiters
        self.until = max(self.until, other.until)

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

    def watch(self, future: "asyncio.Future[Any]") -> float:
        """Give `future` its time, from now on; return when it ends."""
        while self._watched and self._watched[0][1].done():
            self._watched.popleft()
        loop = asyncio.get_running_loop()
        until = loop.time() + self._seconds
        self._watched.append((until, future))
        if self._timer is None:
            self._timer = loop.call_at(until, self._expire)
        return until

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        while self._watched and (self._watched[0][1].done() or self._watched[0][0] <= loop.time()):
            future = self._watched.popleft()[1]
            if not future.done():
                future.set_exception(self._error())
        self._timer = loop.call_at(self._watched[0][0], self._expire) if self._watched else None
