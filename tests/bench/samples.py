"""The measurements as data: samples, their medians over the rounds, and the ratios of the pairs."""

import math
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields

from tests.bench.plan import Cell
from tests.bench.servers import OURS

# From this value on, one decimal is enough.
_TELLING = 10


@dataclass(frozen=True)
class Figures:
    """The figures of one cell: what clients saw, what the server used, and how undisturbed it was.

    `cpu_us` and `keys` (read or written, which DynamoDB bills) are per request; `load_core` and `others` are in cores.
    """

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_us: float
    rss_mb: float
    keys: float
    errors: float
    load_core: float
    others: float


@dataclass(frozen=True)
class Sample:
    """The figures of one cell in one round; `pair` is the other server's cell of its pair, if it belongs to one."""

    round: int
    cell: Cell
    pair: Cell | None
    figures: Figures


@dataclass(frozen=True)
class Spread:
    """The median and the range of some values."""

    median: float
    lowest: float
    highest: float

    def __str__(self) -> str:
        """Return all three, the median first."""
        median, lowest, highest = (
            f"{value:.{2 if value < _TELLING else 1}f}" for value in (self.median, self.lowest, self.highest)
        )
        return f"{median} ({lowest}..{highest})"


Medians = dict[Cell, Figures]
Pair = tuple[Figures, Figures]
Pairs = dict[Cell, list[Pair]]


def spread(values: Iterable[float]) -> Spread:
    """Return the spread of at least one value."""
    found = list(values)
    return Spread(statistics.median(found), min(found), max(found))


def quotient(one: float, other: float) -> float:
    """Return `one` divided by `other`: infinity if `other` is 0, as where all requests failed."""
    return one / other if other else math.inf


def ratio(pairs: Iterable[Pair], figure: Callable[[Figures], float]) -> Spread:
    """Return the spread of ours divided by the other's, pair by pair, so that what slows both has little effect."""
    return spread(quotient(figure(ours), figure(other)) for ours, other in pairs)


def pairs(samples: Iterable[Sample]) -> Pairs:
    """Return the pairs, ours first, by the other server's cell."""
    ours: dict[tuple[int, Cell], Figures] = {}
    others: dict[tuple[int, Cell], Figures] = {}
    for sample in samples:
        if sample.pair is not None:
            (ours if sample.cell.server == OURS else others)[sample.round, sample.pair] = sample.figures
    found: Pairs = {}
    for (number, cell), figures in others.items():
        found.setdefault(cell, []).append((ours[number, cell], figures))
    return found


def medians(samples: Iterable[Sample]) -> Medians:
    """Return the median of each figure of each cell; errors are summed instead, so that none is lost."""
    by_cell: dict[Cell, list[Figures]] = {}
    for sample in samples:
        by_cell.setdefault(sample.cell, []).append(sample.figures)
    return {cell: _median(by_cell[cell]) for cell in sorted(by_cell, key=Cell.order)}


def _median(found: list[Figures]) -> Figures:
    columns = {field.name: [getattr(figures, field.name) for figures in found] for field in fields(Figures)}
    middle = {name: statistics.median(column) for name, column in columns.items()}
    return Figures(**middle | {"errors": sum(columns["errors"])})
