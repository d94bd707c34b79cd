"""How reads share calls: whoever asks for a key that has not left yet shares its slot.

Owns what makes a read different: it changes nothing, so several of one key may be out, and any may go again.
"""

import time
from collections.abc import Callable, Iterable

from service.storage.coalescing import Coalescer, Sender
from service.storage.expiry import Caller, Expiry, R, Slot, V


class ReadCoalescer(Coalescer[V, R]):
    """Nobody joins a call that has left: its answer may be older than the caller.

    Who asks for a key that is throttled waits for its next attempt; attempts of their own would only make it worse.
    """

    def __init__(self, sender: Sender[V, R], expiry: Expiry, clock: Callable[[], float] = time.perf_counter) -> None:
        """Start with nothing waiting and nothing out."""
        super().__init__(sender, expiry, clock)
        self._throttled: dict[str, Slot[V, R]] = {}
        """Keys between two attempts."""

    def _gathering(self, key: str) -> Slot[V, R] | None:
        return self._waiting.get(key) or self._throttled.get(key)

    def _retry_later(self, slot: Slot[V, R], *, throttled: bool) -> None:
        if (other := self._throttled.get(slot.key)) is not None:
            other.join(slot.callers)
            return
        if throttled:
            self._throttled[slot.key] = slot
        super()._retry_later(slot, throttled=throttled)

    def _retry(self, slot: Slot[V, R]) -> None:
        if self._throttled.get(slot.key) is slot:
            del self._throttled[slot.key]
        super()._retry(slot)

    def _admit(self, slot: Slot[V, R]) -> None:
        self._enqueue(slot)

    def _gathered(self, key: str) -> list[Caller[V, R]]:
        slot = self._waiting.pop(key, None)
        return slot.callers if slot is not None else []

    def _finished(self, slot: Slot[V, R]) -> None:
        """Do nothing: no read waits for another."""

    def _repeatable(self, error: Exception) -> bool:  # noqa: ARG002 - whatever it is
        """Say yes: a read changes nothing."""
        return True

    def _end(self, untils: Iterable[float]) -> float:
        """Return the latest: a read that comes too late for some does no harm."""
        return max(untils)
