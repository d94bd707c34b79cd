"""What the figures mean: how we compare with the others, and which of the promised bounds were missed.

The bounds are checked without latency in the database, where nothing but the servers' own work counts; the same
comparisons at the realistic latency carry `_at_3ms` in their names and are reported only.
"""

import operator
from dataclasses import dataclass

from tests.bench.plan import GET, MANY, MIX, PUT, Cell
from tests.bench.samples import Figures, Medians
from tests.bench.servers import LIMIT, OURS, PEER_NAMES, PLAIN, UNMETERED

BASIS = f"the database answers at once, {MANY} connections"


_COMPARE = {">=": operator.ge, "<=": operator.le, "<": operator.lt}


@dataclass(frozen=True)
class Bound:
    """One promise about one of the ratios."""

    name: str
    relation: str
    limit: float

    def holds(self, ratios: dict[str, float]) -> bool:
        """Tell whether the promise was kept; what was not measured was not kept."""
        return self.name in ratios and _COMPARE[self.relation](ratios[self.name], self.limit)

    def __str__(self) -> str:
        """Return the promise as a formula."""
        return f"{self.name} {self.relation} {self.limit:g}"


BOUNDS = (
    Bound("get64_vs_fastapi", ">=", 8),
    Bound("get64_vs_fastify", ">=", 6),
    Bound("get64_vs_limit", ">=", 0.65),
    Bound("put64_vs_fastapi", ">=", 5),
    Bound("get64_p99_vs_best_peer", "<", 1),
    Bound("put64_p99_vs_best_peer", "<", 1),
    Bound("mix64_p99_vs_best_peer", "<", 1),
    Bound("lone_p50_vs_plain", "<=", 1.1),
    Bound("get64_cpu_vs_unmetered", "<=", 1.03),
    Bound("rss_mb", "<=", 110),
    Bound("errors", "<=", 0),
)


def missed(ratios: dict[str, float], *, only_errors: bool) -> list[str]:
    """Return the promises that were not kept; a short run shows errors only, as it is too short for figures."""
    return [str(bound) for bound in BOUNDS if not bound.holds(ratios) and (bound.name == "errors" or not only_errors)]


def ratios(medians: Medians) -> dict[str, float]:
    """Return every comparison that was measured, by name; larger is better for `vs` of requests/s, else smaller."""
    found = {
        "rss_mb": max(figures.rss_mb for cell, figures in medians.items() if cell.server == OURS),
        "errors": sum(figures.errors for figures in medians.values()),
    }
    for latency in sorted({cell.latency_ms for cell in medians}):
        suffix = f"_at_{latency}ms" if latency else ""
        found |= {name + suffix: value for name, value in _at_latency(medians, latency).items()}
    return found


def _at_latency(medians: Medians, latency: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for workload in (GET, PUT, MIX):
        servers = {name: medians.get(Cell(workload, latency, MANY, name)) for name in (OURS, LIMIT, *PEER_NAMES)}
        found |= _compared(workload.lower(), {name: figures for name, figures in servers.items() if figures})
    ours, unmetered = (medians.get(Cell(GET, latency, MANY, name)) for name in (OURS, UNMETERED))
    if ours and unmetered:
        found[f"get{MANY}_cpu_vs_unmetered"] = ours.cpu_us / unmetered.cpu_us
    ours, plain = (medians.get(Cell(GET, latency, 1, name)) for name in (OURS, PLAIN))
    if ours and plain:
        found["lone_p50_vs_plain"] = ours.p50_ms / plain.p50_ms
        found["lone_p99_vs_plain"] = ours.p99_ms / plain.p99_ms
    return found


def _compared(workload: str, servers: dict[str, Figures]) -> dict[str, float]:
    if OURS not in servers:
        return {}
    ours, prefix = servers[OURS], f"{workload}{MANY}"
    others = {name: figures for name, figures in servers.items() if name != OURS}
    found = {
        f"{prefix}_vs_{name}": ours.requests_per_second / other.requests_per_second for name, other in others.items()
    }
    peers = [others[name].p99_ms for name in PEER_NAMES if name in others]
    return found | ({f"{prefix}_p99_vs_best_peer": ours.p99_ms / min(peers)} if peers else {})
