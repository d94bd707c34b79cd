"""The exit status of the benchmark's programs, and when they give no verdict."""

from collections.abc import Sequence
from enum import IntEnum

# If others used more cores than this in a quarter of the measurements or more, the figures mean nothing.
BUSY_OTHERS = 0.1

EXPLAINED = f"""exit status: 0 if all promises were kept, 1 if one was missed, 2 if it could not be run, 3 if others
kept the machine busy (over {BUSY_OTHERS} of a core in a quarter of the measurements): then there is no verdict"""


class Status(IntEnum):
    """An exit status."""

    KEPT = 0
    MISSED = 1
    NOT_POSSIBLE = 2
    NO_VERDICT = 3


def busyness(others: Sequence[float]) -> float:
    """Return how many cores others used at least in the busiest quarter of the measurements.

    If fewer measurements were disturbed, the medians are still sound.
    """
    return sorted(others)[len(others) * 3 // 4]


def judged(missed: Sequence[str], busy: float, *, short: bool) -> Status:
    """Return the verdict on a run during which others were so `busy`; a short one is judged on errors only."""
    if busy > BUSY_OTHERS and not short:
        return Status.NO_VERDICT
    return Status.MISSED if missed else Status.KEPT


def sentence(busy: float) -> str | None:
    """Return what is wrong with the machine and what to do, if others kept it too `busy`."""
    if busy <= BUSY_OTHERS:
        return None
    return (
        f"in a quarter of the measurements others used {busy:.2f} of a core or more; "
        f"over {BUSY_OTHERS} there is no verdict: repeat this on an idle machine"
    )
