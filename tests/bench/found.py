"""The results of one load as clients saw them, whichever program sent it."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """What the clients saw; `errors` counts wrong answers and failed connections."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    errors: int


def percentiles(waits: Sequence[float]) -> list[float]:
    """Return the 1st to 99th percentiles of the waits; zeros if there are fewer than two waits."""
    return statistics.quantiles(waits, n=100) if len(waits) > 1 else [0.0] * 99


def found(waits_ms: Sequence[float], requests: int, seconds: float, errors: int) -> Found:
    """Return the results, with the percentiles of the waits."""
    below = percentiles(waits_ms)
    return Found(requests, seconds, below[49], below[98], max(waits_ms, default=0.0), errors)
