"""An event loop with simulated time: when nothing is ready, its clock jumps to the next timer.

Only for code that computes and waits: every timer overtakes what waits for a socket, a process or a thread.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import ParamSpec

P = ParamSpec("P")


class _Jump(selectors.SelectSelector):
    """Adds up the time it should wait instead of waiting."""

    waited = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready now; only what no timer will end is really waited for."""
        if timeout is not None:
            self.waited += max(timeout, 0)
        return super().select(timeout and 0)


class ToldTime(asyncio.SelectorEventLoop):
    """Begins at 0 and passes only while everybody waits for a timer, or somebody spends it."""

    def __init__(self) -> None:
        """Begin."""
        self._jump = _Jump()
        super().__init__(self._jump)

    def spend(self, seconds: float) -> None:
        """Let so much time pass in which nobody else gets on with anything, as work would."""
        self._jump.waited += seconds

    def time(self) -> float:
        """Return the seconds that were told to have passed."""
        return self._jump.waited


def in_told_time(test: Callable[P, Coroutine[object, object, None]]) -> Callable[P, None]:
    """Let `test` run in an event loop of its own, in which a minute is nothing and a busy machine loses no time."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=ToldTime) as runner:
            runner.run(test(*args, **kwargs))

    return run
