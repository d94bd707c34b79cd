"""The results of one load as clients saw them, whichever program sent it."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """What the clients saw; `errors` counts wrong answers and connections that failed."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    errors: int


def percentiles(waits: Sequence[float]) -> list[float]:
    """Return the waits that 1, 2, ... 99 % are below; of fewer than two, zeros."""
    return statistics.quantiles(waits, n=100) if len(waits) > 1 else [0.0] * 99


def found(waits_ms: Sequence[float], requests: int, seconds: float, errors: int) -> Found:
    """Return what was seen, with the percentiles of the waits."""
    below = percentiles(waits_ms)
    return Found(requests, seconds, below[49], below[98], max(waits_ms, default=0.0), errors)
