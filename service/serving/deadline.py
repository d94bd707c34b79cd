"""A timeout that calls a function unless it is stopped in time."""

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls a function a fixed time after its start, unless it is stopped before."""

    __slots__ = ("_act", "_loop", "_seconds", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, act: Callable[[], None]) -> None:
        """Call `act` when `seconds` have passed since `start`."""
        self._loop, self._seconds, self._act = loop, seconds, act
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start the timer, unless it is running."""
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._pass)

    def stop(self) -> None:
        """Stop the timer without calling the function."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pass(self) -> None:
        self._timer = None
        self._act()
