"""How writes share calls: writes of one key are sent one after another, and waiting ones are combined.

Owns what is particular to writes: a call that was sent may still take effect later, and a value must not be stored
after its caller got an error.
"""

import time
from collections.abc import Callable, Iterable

from service.errors import Ending, StorageUnavailable
from service.storage.coalescing import Coalescer, Sender
from service.storage.expiry import Caller, Expiry, R, Slot, V


class WriteCoalescer(Coalescer[V, R]):
    """Coalesces writes. Calls for the same key are sequential; callers for a key in flight wait for its next call.

    Only the last of the waiting values is sent, and its acknowledgement counts for all of them: all callers are waiting
    when it takes effect, so the other values can be regarded as written just before it, one after another. If the call
    fails, all of them fail. A value is sent only while its own caller waits.
    """

    def __init__(self, sender: Sender[V, R], expiry: Expiry, clock: Callable[[], float] = time.perf_counter) -> None:
        """Start with no key waiting and no call in flight."""
        super().__init__(sender, expiry, clock)
        self._behind: dict[str, Slot[V, R] | None] = {}
        """For every key in flight: the slot of the callers that came since, if any."""

    def _gathering(self, key: str) -> Slot[V, R] | None:
        return self._waiting.get(key) or self._behind.get(key)

    def _admit(self, slot: Slot[V, R]) -> None:
        if slot.key in self._behind:
            self._behind[slot.key] = slot
        else:
            self._enqueue(slot)

    def _gathered(self, key: str) -> list[Caller[V, R]]:
        slot = self._behind.pop(key)
        return slot.callers if slot is not None else []

    def _take(self) -> list[Slot[V, R]]:
        slots = super()._take()
        self._behind |= dict.fromkeys(slot.key for slot in slots)
        return slots

    def _finished(self, slot: Slot[V, R]) -> None:
        if (behind := self._behind.pop(slot.key)) is not None:
            self._enqueue(behind)

    def _repeatable(self, error: Exception) -> bool:
        """Return False if the call may still take effect: it could overwrite a later value that was acknowledged."""
        return isinstance(error, StorageUnavailable) and error.ending is not Ending.UNANSWERED

    def _end(self, untils: Iterable[float]) -> float:
        """Return the earliest: no value may be written after its caller got an error."""
        return min(untils)
