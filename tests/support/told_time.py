"""An event loop with simulated time: when nothing is ready, its clock jumps to the next timer.

Only for code that computes and waits for timers: a timer always fires before a socket, a process or a thread is ready.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import ParamSpec

P = ParamSpec("P")


class _Jump(selectors.SelectSelector):
    """Adds up the timeouts instead of waiting."""

    waited = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready now; wait only if there is no timer."""
        if timeout is not None:
            self.waited += max(timeout, 0)
        return super().select(timeout and 0)


class ToldTime(asyncio.SelectorEventLoop):
    """A loop whose time starts at 0 and passes only while all tasks wait for a timer, or when `spend` is called."""

    def __init__(self) -> None:
        """Start at 0."""
        self._jump = _Jump()
        super().__init__(self._jump)

    def spend(self, seconds: float) -> None:
        """Let time pass during which nothing else runs, as blocking work would."""
        self._jump.waited += seconds

    def time(self) -> float:
        """Return the simulated seconds that have passed."""
        return self._jump.waited


def in_told_time(test: Callable[P, Coroutine[object, object, None]]) -> Callable[P, None]:
    """Run `test` in an event loop with simulated time: waiting takes no time, and a busy machine does not matter."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=ToldTime) as runner:
            runner.run(test(*args, **kwargs))

    return run
