"""A time limit that acts when it is reached, unless it is stopped before."""

import asyncio
from collections.abc import Callable


class Deadline:
    """Does something unless it is stopped in time."""

    __slots__ = ("_act", "_loop", "_seconds", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, act: Callable[[], None]) -> None:
        """Call `act` `seconds` after a start."""
        self._loop, self._seconds, self._act = loop, seconds, act
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Let the time run, if it does not run yet."""
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._pass)

    def stop(self) -> None:
        """Let it not come to that."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pass(self) -> None:
        self._timer = None
        self._act()
