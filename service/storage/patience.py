"""How long keys wait behind a call in flight before they are sent without waiting for it.

An early call costs processor time that a shared one would save. So it is made only when there is time to spare: some
time after the last call, and while the event loop is idle. Knows nothing of keys and calls.
"""

import asyncio
from collections.abc import Callable

# The least time between calls. A call costs 0.25 to 0.4 ms of processor time, so early calls use 12 to 20 % of a core
# at most.
SPARE_SECONDS = 0.002
# The longest wait, even in a busy process: waiting longer for a slow call would show in the tail of all latencies.
PATIENCE_SECONDS = 0.01
# An iteration of the event loop that takes less has done nothing: reading one request takes about this long.
_IDLE_TURN_SECONDS = 0.0001
# How long a busy process waits before it checks again; uvloop's timers have a resolution of 1 ms.
_TICK_SECONDS = 0.001


async def lost(departed: float, clock: Callable[[], float]) -> None:
    """Wait until keys should no longer wait for the call sent at `departed`, a time of `clock` in seconds."""
    await asyncio.sleep(departed + SPARE_SECONDS - clock())
    while await _busy(clock) and clock() < departed + PATIENCE_SECONDS:  # noqa: ASYNC110 - no event tells when the loop is idle
        await asyncio.sleep(_TICK_SECONDS)


async def _busy(clock: Callable[[], float]) -> bool:
    began = clock()
    # One iteration for what is ready now, and one for what the network has received.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return clock() - began > _IDLE_TURN_SECONDS
