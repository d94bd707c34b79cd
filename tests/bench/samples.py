"""What was measured, as data: samples, and their medians over the rounds."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, fields

from tests.bench.plan import Cell


@dataclass(frozen=True)
class Figures:
    """The figures of one cell: what clients saw, what the server used, and whether the circumstances were right."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_us: float
    rss_mb: float
    errors: float
    load_core: float
    others: float


@dataclass(frozen=True)
class Sample:
    """The figures of one cell in one round."""

    round: int
    cell: Cell
    figures: Figures


Medians = dict[Cell, Figures]


def medians(samples: Iterable[Sample]) -> Medians:
    """Return the median of each figure of each cell; no error must be lost in a median, so these are summed up."""
    by_cell: dict[Cell, list[Figures]] = {}
    for sample in samples:
        by_cell.setdefault(sample.cell, []).append(sample.figures)
    return {cell: _median(found) for cell, found in by_cell.items()}


def _median(found: list[Figures]) -> Figures:
    columns = {field.name: [getattr(figures, field.name) for figures in found] for field in fields(Figures)}
    middle = {name: statistics.median(column) for name, column in columns.items()}
    return Figures(**middle | {"errors": sum(columns["errors"])})
