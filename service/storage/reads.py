"""How reads share calls: a caller joins the slot of its key if that has not been sent yet.

Owns what is particular to reads: they change nothing, so several calls for one key may be in flight, and any call may
be retried.
"""

import time
from collections.abc import Callable, Iterable

from service.storage.coalescing import Coalescer, Sender
from service.storage.expiry import Caller, Expiry, R, Slot, V


class ReadCoalescer(Coalescer[V, R]):
    """Coalesces reads. No caller joins a call in flight: its answer may be older than the caller's request.

    Callers for a throttled key wait for its next attempt; attempts of their own would make the throttling worse.
    """

    def __init__(self, sender: Sender[V, R], expiry: Expiry, clock: Callable[[], float] = time.perf_counter) -> None:
        """Start with no key waiting and no call in flight."""
        super().__init__(sender, expiry, clock)
        self._throttled: dict[str, Slot[V, R]] = {}
        """The slots of throttled keys between two attempts."""

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
        """Do nothing: no read waits for another read."""

    def _repeatable(self, error: Exception) -> bool:  # noqa: ARG002 - true for any error
        """Return True: a read changes nothing."""
        return True

    def _end(self, untils: Iterable[float]) -> float:
        """Return the latest: a read that is too late for some callers does no harm."""
        return max(untils)
