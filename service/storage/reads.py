"""How reads share calls: whoever asks for a key that has not left yet shares its slot.

Owns what makes a read different: it changes nothing, so several of one key may be out, and any may go again.
"""

from collections.abc import Iterable

from service.storage.coalescing import Coalescer
from service.storage.expiry import Caller, R, Slot, V


class ReadCoalescer(Coalescer[V, R]):
    """Nobody joins a call that has left: its answer may be older than the caller."""

    def _gathering(self, key: str) -> Slot[V, R] | None:
        return self._waiting.get(key)

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
