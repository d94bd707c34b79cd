"""The verdict on the figures: how ours compares with the others, and which promises were missed.

A comparison is named by its place and the other server: `get64_vs_fastapi` is our requests per second with 64 clients,
divided by those of FastAPI; `get64_p50_vs_fastapi` compares median waits, `_p99_` 99th percentiles, `_cpu_` the
processor time of a request; `_at_3ms` is added where every database call takes 3 ms. Promises are about medians.
"""

import operator
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from tests.bench.plan import AT_ONCE, MANY, OPENED, PEERS, Cell
from tests.bench.samples import Pairs, Sample, Spread, pairs, quotient, ratio, spread
from tests.bench.servers import OURS

_COMPARE = {">=": operator.ge, "<=": operator.le, "<": operator.lt}
_COMPARED = {"": "requests_per_second", "_p50": "p50_ms", "_p99": "p99_ms", "_cpu": "cpu_us"}

Ratios = dict[str, Spread]


@dataclass(frozen=True)
class Bound:
    """One promise about the median of one of the ratios."""

    name: str
    relation: str
    limit: float

    def holds(self, ratios: Ratios) -> bool:
        """Return whether the promise was kept; it was not if the ratio was not measured."""
        return self.name in ratios and _COMPARE[self.relation](ratios[self.name].median, self.limit)

    @property
    def other(self) -> str:
        """Return the server that ours is compared with, if it is one."""
        return self.name.partition("_vs_")[2].partition("_at_")[0]

    def __str__(self) -> str:
        """Return the promise as a formula."""
        return f"{self.name} {self.relation} {self.limit:g}"


BOUNDS = (
    Bound("get64_vs_go", ">=", 2.5),
    Bound("get16_vs_go", ">=", 1.5),
    Bound("put64_vs_go", ">=", 1.5),
    Bound("get1_p50_vs_go", "<=", 1.5),
    *(Bound(f"open{rate}_p50_vs_go_at_3ms", "<=", 1.4) for rate in (500, 1000, 2000)),
    # That is 5,000 writes of one name a second, where Go, which does not combine writes, reaches 7,000.
    Bound("hot_put64_vs_go_at_3ms", ">=", 0.7),
    Bound("get64_vs_fastapi", ">=", 12),
    Bound("put64_vs_fastapi", ">=", 5),
    Bound("get64_vs_limit", ">=", 0.75),
    *(Bound(f"{workload}64_p99_vs_best_peer", "<", 1) for workload in ("get", "put", "mix")),
    Bound("get1_p50_vs_plain", "<=", 1.1),
    Bound("get64_cpu_vs_unmetered", "<=", 1.05),
    Bound("opened1000_max_vs_p50", "<=", 3),
    Bound("keys_per_request", "<=", 1.02),
    Bound("rss_mb", "<=", 100),
    Bound("errors", "<=", 0),
)


def missed(ratios: Ratios, left_out: Collection[str], *, only_errors: bool) -> list[str]:
    """Return the promises that were not kept, except for those about servers that were `left_out`.

    A short run shows errors only, as it is too short for figures.
    """
    judged = [bound for bound in BOUNDS if bound.name == "errors" or not only_errors]
    return [str(bound) for bound in judged if not bound.holds(ratios) and bound.other not in left_out]


def name(cell: Cell, figure: str, other: str) -> str:
    """Return the name of the comparison of one `figure` with the server `other` at the place of `cell`."""
    at = f"_at_{cell.latency_ms}ms" if cell.latency_ms else ""
    workload = cell.workload.lower().replace(" ", "_")
    return f"{workload}{cell.size}{figure}_vs_{other}{at}"


def ratios(samples: list[Sample]) -> Ratios:
    """Return every comparison that was measured, by name."""
    found = pairs(samples)
    ours = [sample for sample in samples if sample.cell.server == OURS]
    opened = [sample.figures for sample in ours if sample.cell.workload == OPENED]
    return {
        **dict(_of_pairs(found)),
        **dict(_with_the_best(found)),
        **(
            {f"opened{AT_ONCE}_max_vs_p50": spread(quotient(one.max_ms, one.p50_ms) for one in opened)}
            if opened
            else {}
        ),
        "keys_per_request": _highest(ours, "keys"),
        "rss_mb": _highest(ours, "rss_mb"),
        "errors": spread([sum(sample.figures.errors for sample in samples)]),
    }


def _highest(samples: list[Sample], figure: str) -> Spread:
    """Return the spread of each round's highest value."""
    highest: dict[int, float] = {}
    for sample in samples:
        highest[sample.round] = max(highest.get(sample.round, 0.0), getattr(sample.figures, figure))
    return spread(highest.values())


def _of_pairs(found: Pairs) -> Iterator[tuple[str, Spread]]:
    for cell, measured in found.items():
        for figure, field in _COMPARED.items():
            yield name(cell, figure, cell.server), ratio(measured, attrgetter(field))


def _with_the_best(found: Pairs) -> Iterator[tuple[str, Spread]]:
    """Yield, for each place, our 99th percentile divided by the lowest one of a peer."""
    peers = [cell for cell in found if cell.server in PEERS and cell.size == MANY]
    for workload, latency in {(cell.workload, cell.latency_ms) for cell in peers}:
        there = [cell for cell in peers if (cell.workload, cell.latency_ms) == (workload, latency)]
        yield name(there[0], "_p99", "best_peer"), _largest(ratio(found[cell], attrgetter("p99_ms")) for cell in there)


def _largest(spreads: Iterable[Spread]) -> Spread:
    return max(spreads, key=attrgetter("median"))
