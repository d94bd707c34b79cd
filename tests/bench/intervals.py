"""The soak as data: what happened in each interval, how it is shown, and whether anything grew."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields

from tests.bench.found import percentiles
from tests.bench.openloop import Seen
from tests.bench.watch import Spent

_RSS_GROWTH, _P99_GROWTH, _P99_SLACK_MS = 1.05, 1.5, 5.0
_WIDTH = 9


@dataclass(frozen=True)
class Interval:
    """One interval of the soak; `others` is how many cores were kept busy by anything else."""

    seconds: float
    requests: int
    errors: int
    p50_ms: float
    p99_ms: float
    cpu_us: float
    rss_mb: float
    others: float


def interval(seen: Seen, spent: Spent, rss_mb: float) -> Interval:
    """Return what the clients saw and what the server used, as one interval."""
    requests = len(seen.waits_ms)
    below = percentiles(seen.waits_ms)
    return Interval(
        seconds=spent.passed,
        requests=requests,
        errors=len(seen.errors),
        p50_ms=below[49],
        p99_ms=below[98],
        cpu_us=spent.server / max(requests, 1) * 1e6,
        rss_mb=rss_mb,
        others=spent.others,
    )


def heading() -> str:
    """Return the line above the rows."""
    return _line(["interval", *(field.name for field in fields(Interval))])


def row(number: int, count: int, found: Interval) -> str:
    """Return one interval as a line."""
    return _line([f"{number}/{count}", *_cells(found)])


def _cells(found: Interval) -> Iterator[str]:
    for value in astuple(found):
        yield str(value) if isinstance(value, int) else f"{value:.1f}"


def _line(cells: Sequence[str]) -> str:
    return " ".join(f"{cell:>{_WIDTH}}" for cell in cells)


def missed(intervals: list[Interval], *, only_errors: bool) -> list[str]:
    """Describe what crept up or failed; the list is empty if nothing did.

    The first interval is warm-up. Of the others, the last third is compared with the first third, unless the soak was
    so short that `only_errors` count.
    """
    third = (len(intervals) - 1) // 3
    first, last = intervals[1 : third + 1], intervals[-third:]
    errors = sum(found.errors for found in intervals)
    rss = [statistics.median(found.rss_mb for found in part) for part in (first, last)]
    p99 = [statistics.median(found.p99_ms for found in part) for part in (first, last)]
    problems = {f"{errors} requests failed": errors > 0}
    creeping = {
        f"memory grew from {rss[0]:.1f} to {rss[1]:.1f} MB": rss[1] > rss[0] * _RSS_GROWTH,
        f"p99 grew from {p99[0]:.1f} to {p99[1]:.1f} ms": p99[1] > p99[0] * _P99_GROWTH + _P99_SLACK_MS,
    }
    if not only_errors:
        problems |= creeping
    return [problem for problem, occurred in problems.items() if occurred]
