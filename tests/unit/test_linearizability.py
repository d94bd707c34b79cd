"""The checker of histories: what it accepts, and that it can reject."""

import pytest

from tests.support.linearizability import Operation, is_linearizable


def write(value: int, called: float, returned: float = float("inf")) -> Operation:
    """Return a write; without `returned` it failed."""
    return Operation("write", value, called, returned)


def read(value: int | None, called: float, returned: float) -> Operation:
    """Return a read."""
    return Operation("read", value, called, returned)


GOOD = {
    "nothing": [],
    "in order": [read(None, 0, 1), write(1, 2, 3), read(1, 4, 5)],
    "read during the write sees the old": [write(1, 0, 5), read(None, 1, 2)],
    "read during the write sees the new": [write(1, 0, 5), read(1, 1, 2)],
    "overlapping writes in either order": [write(1, 0, 5), write(2, 1, 4), read(1, 6, 7)],
    "failed write that happened": [write(1, 0, 1), write(2, 2), read(1, 3, 4), read(2, 5, 6)],
    "failed write that did not": [write(1, 0, 1), write(2, 2), read(1, 3, 4)],
}
BAD = {
    "lost write": [write(1, 0, 1), read(None, 2, 3)],
    "stale read": [write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)],
    "read of what nobody wrote": [read(7, 0, 1)],
    "back and forth": [write(1, 0, 9), read(1, 1, 2), read(None, 3, 4)],
    "failed write that came and went": [write(1, 0, 1), write(2, 2), read(2, 3, 4), read(1, 5, 6)],
}


@pytest.mark.parametrize("history", GOOD.values(), ids=GOOD)
def test_accepts(history: list[Operation]) -> None:
    """Histories that a single register can produce are linearizable."""
    assert is_linearizable(history)


@pytest.mark.parametrize("history", BAD.values(), ids=BAD)
def test_refuses(history: list[Operation]) -> None:
    """Histories that it cannot produce are not."""
    assert not is_linearizable(history)
