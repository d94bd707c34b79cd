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
class Caller(Generic[V, R]):
    """One who waits, with what; whoever gave up has a cancelled future."""

    future: "asyncio.Future[R]"
    value: V
    until: float
    """When it is answered at the latest, in seconds of the event loop's clock."""

    def may_leave(self, now: float) -> bool:
        """Say whether it still waits, and long enough to get an answer."""
        return now + LAST_MOMENT_SECONDS <= self.until and not self.future.done()


@dataclass(slots=True, eq=False)
class Slot(Generic[V, R]):
    """One key on its way, and all who wait for it, as they came."""

    key: str
    callers: list[Caller[V, R]]
    since: float
    """When it came, in seconds of `time.perf_counter`: the event loop's clock stands still while the loop is busy."""

    context: contextvars.Context
    """In which its call runs: it belongs to no single request, but its trace is that of the first key."""

    leader: Caller[V, R]
    """Whose value is sent, for all, and whose time counts: the last of those who may leave."""

    retries: int = 0

    def may_leave(self, now: float) -> bool:
        """Say whether anybody may leave, and let the last of them lead."""
        for caller in reversed(self.callers):
            if caller.may_leave(now):
                self.leader = caller
                return True
        return False

    def join(self, later: "list[Caller[V, R]]") -> None:
        """Let those who came `later` wait for this one too, and forget who has gone."""
        self.callers = [caller for caller in self.callers + later if not caller.future.done()]

    def settle(self, outcome: "R | Exception") -> None:
        """Give the result, or raise the exception, for all who still wait."""
        for caller in self.callers:
            if caller.future.done():
                continue
            if isinstance(outcome, Exception):
                caller.future.set_exception(outcome)
            else:
                caller.future.set_result(outcome)


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
