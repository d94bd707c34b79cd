"""The signals that end the process, as the event loop receives them.

Owns which those are and how work gives way to them. Knows nothing of what they end.
"""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

Received = asyncio.Queue[signal.Signals]


def caught() -> Received:
    """Catch the signals from now on and return where they arrive."""
    received = Received()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, received.put_nowait, number)
    return received


async def unless_signalled(work: Coroutine[Any, Any, None], signals: Received) -> signal.Signals | None:
    """Do `work`; if a signal comes meanwhile, cancel it and return the signal."""
    working = asyncio.create_task(work)
    signalled = asyncio.create_task(signals.get())
    await asyncio.wait({working, signalled}, return_when=asyncio.FIRST_COMPLETED)
    if signalled.done():
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        return signalled.result()
    signalled.cancel()
    await working
    return None
