"""How long those who gather behind a call wait before they leave without it.

An early call costs processor time that a shared one would not. So it leaves only while there is time to spare: when
some time has passed since the last one left, and nothing else is to be done. Knows nothing of keys and calls.
"""

import asyncio
from collections.abc import Callable

# A call costs 0.25 to 0.4 ms of processor time, so that early calls take 12 to 20 % of a core at most.
SPARE_SECONDS = 0.002
# However busy the process is: waiting longer than this for a slow call would show in the tail of all latencies.
PATIENCE_SECONDS = 0.01
# A turn of the event loop that takes less has done nothing: a request needs about as long to be read.
_IDLE_TURN_SECONDS = 0.0001
# How long a busy process waits until it looks again; timers of uvloop have whole milliseconds.
_TICK_SECONDS = 0.001


async def lost(departed: float, clock: Callable[[], float]) -> None:
    """Return when nobody should wait any longer for a call that left when `clock` said `departed`."""
    await asyncio.sleep(departed + SPARE_SECONDS - clock())
    while await _busy(clock) and clock() < departed + PATIENCE_SECONDS:  # noqa: ASYNC110 - nobody tells when it is idle
        await asyncio.sleep(_TICK_SECONDS)


async def _busy(clock: Callable[[], float]) -> bool:
    began = clock()
    # Once for what is ready now, and once for what the network has for us.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return clock() - began > _IDLE_TURN_SECONDS
