"""How writes share calls: those of one key follow one another, and those that wait are combined.

Owns what makes a write different: what was sent may still arrive, and no value may arrive whose caller was refused.
"""

import time
from collections.abc import Callable, Iterable

from service.errors import Ending, StorageUnavailable
from service.storage.coalescing import Coalescer, Sender
from service.storage.expiry import Caller, Expiry, R, Slot, V


class WriteCoalescer(Coalescer[V, R]):
    """Calls with the same key follow one another; who comes for a key that is out gathers for its next call.

    Only the last value of those who gathered is sent, and its acknowledgement is everybody's: all of them are
    waiting when it takes effect, so theirs took effect right before it, one after another. Whatever else becomes of
    the call becomes of all of them too. A value is sent only while its own caller waits, and no longer than that.
    """

    def __init__(self, sender: Sender[V, R], expiry: Expiry, clock: Callable[[], float] = time.perf_counter) -> None:
        """Start with nothing waiting and nothing out."""
        super().__init__(sender, expiry, clock)
        self._behind: dict[str, Slot[V, R] | None] = {}
        """Of every key that has left and is not finished: who has gathered for it since."""

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
        """Say no if it may still be on its way: it could arrive after what was sent later, and was acknowledged."""
        return isinstance(error, StorageUnavailable) and error.ending is not Ending.UNANSWERED

    def _end(self, untils: Iterable[float]) -> float:
        """Return the earliest: no value is written whose caller has been refused."""
        return min(untils)
