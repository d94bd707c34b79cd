"""The measurements as data: samples, their medians over the rounds, and the ratios of the pairs."""

import math
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields

from tests.bench.plan import Cell
from tests.bench.servers import OURS

# From here on one digit after the point tells enough.
_TELLING = 10


@dataclass(frozen=True)
class Figures:
    """The figures of one cell: what clients saw, what the server used, and whether the circumstances were right.

    `cpu_us` and `keys` (read or written, which DynamoDB bills) are of a request, `load_core` and `others` in cores.
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
    """The figures of one cell in one round; `pair` is the cell of the pair that is not ours, if it is of a pair."""

    round: int
    cell: Cell
    pair: Cell | None
    figures: Figures


@dataclass(frozen=True)
class Spread:
    """The median of some values, and how far they lie apart."""

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
    """Return how many times `other` is in `one`: without end if the other is nothing, as where all requests failed."""
    return one / other if other else math.inf


def ratio(pairs: Iterable[Pair], figure: Callable[[Figures], float]) -> Spread:
    """Return the spread of ours divided by the other's, each pair by itself: what slows both counts little."""
    return spread(quotient(figure(ours), figure(other)) for ours, other in pairs)


def pairs(samples: Iterable[Sample]) -> Pairs:
    """Return the pairs, ours first, by the cell that is not ours."""
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
    """Return the median of each figure of each cell; no error must be lost in a median, so these are summed up."""
    by_cell: dict[Cell, list[Figures]] = {}
    for sample in samples:
        by_cell.setdefault(sample.cell, []).append(sample.figures)
    return {cell: _median(by_cell[cell]) for cell in sorted(by_cell, key=Cell.order)}


def _median(found: list[Figures]) -> Figures:
    columns = {field.name: [getattr(figures, field.name) for figures in found] for field in fields(Figures)}
    middle = {name: statistics.median(column) for name, column in columns.items()}
    return Figures(**middle | {"errors": sum(columns["errors"])})
