"""The signals that end the process, as the event loop receives them.

Owns which signals these are and how they cancel work. Knows nothing of that work.
"""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

Received = asyncio.Queue[signal.Signals]


def caught() -> Received:
    """Catch the signals from now on; return the queue into which they are put."""
    received = Received()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, received.put_nowait, number)
    return received


async def unless_signalled(work: Coroutine[Any, Any, None], signals: Received) -> signal.Signals | None:
    """Run `work`; if a signal arrives first, cancel the work and return the signal, else return None."""
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
