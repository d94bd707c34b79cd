"""Which callers wait for which key, and until when: slots of callers, and one timer for all deadlines."""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

V = TypeVar("V")
R = TypeVar("R")

# No call is sent with less time left: DynamoDB rarely needs longer, but an abandoned call costs its connection and
# fails its batch.
LAST_MOMENT_SECONDS = 0.025


@dataclass(slots=True, eq=False)
class Caller(Generic[V, R]):
    """A waiting caller and its value; if it has given up, its future is cancelled."""

    future: "asyncio.Future[R]"
    value: V
    until: float
    """Its deadline, in seconds of the event loop's clock."""

    def may_leave(self, now: float) -> bool:
        """Tell whether it still waits, with enough time left to get an answer."""
        return now + LAST_MOMENT_SECONDS <= self.until and not self.future.done()


@dataclass(slots=True, eq=False)
class Slot(Generic[V, R]):
    """A key to be sent or in flight, and the callers that wait for it, in order of arrival."""

    key: str
    callers: list[Caller[V, R]]
    since: float
    """When it arrived, in seconds of `time.perf_counter`: the event loop's clock does not advance in a busy loop."""

    context: contextvars.Context
    """The context of its call: of no single request, but with the trace of the first key's request."""

    leader: Caller[V, R]
    """The caller whose value is sent and whose deadline counts: the last one that `may_leave`."""

    retries: int = 0

    def may_leave(self, now: float) -> bool:
        """Tell whether the call may be sent for any caller, and make the last such caller the leader."""
        for caller in reversed(self.callers):
            if caller.may_leave(now):
                self.leader = caller
                return True
        return False

    def join(self, later: "list[Caller[V, R]]") -> None:
        """Add the callers that came `later`, and drop those that have given up."""
        self.callers = [caller for caller in self.callers + later if not caller.future.done()]

    def settle(self, outcome: "R | Exception") -> None:
        """Deliver the result, or raise the exception, to all callers that still wait."""
        for caller in self.callers:
            if caller.future.done():
                continue
            if isinstance(outcome, Exception):
                caller.future.set_exception(outcome)
            else:
                caller.future.set_result(outcome)


class Expiry:
    """Fails futures that are not done after `seconds`, with one timer for all of them."""

    def __init__(self, seconds: float, error: Callable[[], Exception]) -> None:
        """Fail expired futures with the exception that `error` returns."""
        self._seconds = seconds
        self._error = error
        self._watched: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, future: "asyncio.Future[Any]") -> float:
        """Start the time of `future`; return its deadline in seconds of the event loop's clock."""
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
