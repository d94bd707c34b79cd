"""What is measured: the combinations of server, workload, latency and connections, and how often and how long."""

from dataclasses import dataclass

from tests.bench import fleet
from tests.bench.servers import AIOHTTP, FASTAPI, FASTIFY, FLASK, LIMIT, OURS, PLAIN, UNMETERED

GET, PUT, MIX = "GET", "PUT", "mix"
PUT_PERCENT = {GET: 0, PUT: 100, MIX: 20}
COMPARED = (OURS, FASTAPI, FLASK, AIOHTTP, FASTIFY)
MANY, MORE = 64, 256


@dataclass(frozen=True)
class Cell:
    """One thing to measure; `server` is a name, or `fleet-N` for N processes behind haproxy."""

    workload: str
    latency_ms: int
    connections: int
    server: str

    @property
    def place(self) -> str:
        """Return, in words, what all servers to be compared have in common."""
        return f"{self.workload} x {self.connections:,}, database {self.latency_ms} ms"


@dataclass(frozen=True)
class Plan:
    """Every cell is measured once a round; the rounds follow each other, so a slow minute hits all servers."""

    rounds: int
    seconds: int
    warmup_seconds: int
    cells: tuple[Cell, ...]


def full() -> Plan:
    """Return the plan behind the published figures."""
    cells = [
        *_comparison((GET, PUT, MIX), (0, 3), (MANY, MORE)),
        *(Cell(GET, latency, many, OURS) for latency in (0, 3) for many in (1, 4, 16, MANY, MORE, 1024)),
        *(Cell(GET, latency, many, PLAIN) for latency in (0, 3) for many in (1, MANY)),
        Cell(GET, 0, MANY, UNMETERED),
        *(Cell(GET, 0, MORE, f"fleet-{size}") for size in fleet.sizes()),
    ]
    return Plan(rounds=3, seconds=3, warmup_seconds=5, cells=_ordered(cells))


def short() -> Plan:
    """Return the plan that only shows that everything runs."""
    cells = [
        *_comparison((GET, PUT, MIX), (0,), (MANY,)),
        *_comparison((GET,), (3,), (MANY,)),
        *(Cell(GET, 0, many, OURS) for many in (1, 1024)),
        Cell(GET, 0, 1, PLAIN),
        Cell(GET, 0, MANY, UNMETERED),
    ]
    return Plan(rounds=1, seconds=1, warmup_seconds=1, cells=_ordered(cells))


def _comparison(workloads: tuple[str, ...], latencies: tuple[int, ...], connections: tuple[int, ...]) -> list[Cell]:
    cells = [
        Cell(workload, latency, many, server)
        for workload in workloads
        for latency in latencies
        for many in connections
        for server in (*COMPARED, LIMIT)
    ]
    # The limit knows no database, so its latency makes no difference.
    return [cell for cell in cells if cell.server != LIMIT or cell.latency_ms == 0]


def _ordered(cells: list[Cell]) -> tuple[Cell, ...]:
    """Return the cells, each once, so that servers to be compared are measured one right after the other."""
    position = {name: index for index, name in enumerate((OURS, UNMETERED, *COMPARED[1:], LIMIT, PLAIN))}
    return tuple(
        sorted(
            set(cells),
            key=lambda cell: (
                cell.workload,
                cell.latency_ms,
                cell.connections,
                position.get(cell.server, 9),
                cell.server,
            ),
        )
    )
