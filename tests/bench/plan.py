"""The plan of measurements: combinations of server, workload, latency and size, how often and how long to measure."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from tests.bench import fleet
from tests.bench.servers import AIOHTTP, FASTAPI, FASTIFY, FLASK, GO, JOURNAL, LIMIT, OURS, PLAIN, SERVERS, UNMETERED

GET, PUT, MIX, HOT_GET, HOT_PUT, OPEN, OPENED = "GET", "PUT", "mix", "hot GET", "hot PUT", "open", "opened"
# The workloads of clients that each send one request after the other.
PUT_PERCENT = {GET: 0, PUT: 100, MIX: 20, HOT_GET: 0, HOT_PUT: 100}
HOT, WAITS = (HOT_GET, HOT_PUT), (OPEN, OPENED)
RATES = (130, 500, 1000, 2000, 4000)
FLEET_RATE = 2000  # per instance; at this rate, Terraform adds another
AT_ONCE = 1000
PEERS = (GO, FASTAPI, FLASK, AIOHTTP, FASTIFY)
MANY, MORE = 64, 256

_WORKLOADS, _SERVERS = (*PUT_PERCENT, *WAITS), tuple(SERVERS)
_PLACES = {OPEN: "GET at {:,} a second", OPENED: "{:,} connections opened at once"}


@dataclass(frozen=True)
class Cell:
    """One measurement of a server, given by name, or as `fleet-N` for N processes behind haproxy.

    Its size is the number of clients or, for requests sent whatever is answered, their number per second.
    """

    workload: str
    latency_ms: int
    size: int
    server: str

    @property
    def place(self) -> str:
        """Describe what all servers to be compared have in common."""
        what = _PLACES.get(self.workload, f"{self.workload} x {{:,}}").format(self.size)
        return f"{what}, database {self.latency_ms} ms"

    def order(self) -> tuple[int, int, int, int]:
        """Return the key that sorts cells by place, ours first."""
        server = _SERVERS.index(self.server) if self.server in _SERVERS else len(_SERVERS)
        return _WORKLOADS.index(self.workload), self.latency_ms, self.size, server


@dataclass(frozen=True)
class Plan:
    """Everything is measured once a round, and rounds follow each other, so that a slow minute affects all servers.

    `pairs` has the other server's cell of each pair: ours is measured at the same place right before it.
    """

    rounds: int
    seconds: int
    warmup_seconds: int
    pairs: tuple[Cell, ...]
    alone: tuple[Cell, ...]

    def round(self) -> Iterator[tuple[Cell, Cell | None]]:
        """Yield the cells of a round in their order, each with its pair, if it has one."""
        for pair in sorted(self.pairs, key=Cell.order):
            yield replace(pair, server=OURS), pair
            yield pair, pair
        for cell in self.alone:
            yield cell, None

    def without(self, servers: Collection[str]) -> "Plan":
        """Return the plan without `servers`, which are not available."""
        pairs, alone = (
            tuple(cell for cell in cells if cell.server not in servers) for cells in (self.pairs, self.alone)
        )
        return replace(self, pairs=pairs, alone=alone)

    def servers(self) -> list[str]:
        """Return the servers that are measured."""
        return sorted({cell.server for cell, _ in self.round()})


def full() -> Plan:
    """Return the plan behind the published figures."""
    pairs = (
        *(Cell(workload, 0, MANY, server) for workload in (GET, PUT, MIX) for server in PEERS),
        *(Cell(GET, 3, MANY, server) for server in (GO, FASTAPI, FASTIFY)),
        *(Cell(GET, latency, size, GO) for latency in (0, 3) for size in (1, 16, MORE)),
        *(Cell(workload, 0, MANY, LIMIT) for workload in (GET, PUT)),
        *(Cell(GET, latency, 1, PLAIN) for latency in (0, 3)),
        *(Cell(GET, 0, MANY, server) for server in (UNMETERED, JOURNAL)),
        *(Cell(workload, 3, MANY, GO) for workload in HOT),
        *(Cell(OPEN, 3, rate, GO) for rate in RATES),
        Cell(OPEN, 3, FLEET_RATE, JOURNAL),
        Cell(OPENED, 0, AT_ONCE, GO),
    )
    alone = (
        *(Cell(GET, 0, size, OURS) for size in (4, 1024)),
        Cell(GET, 3, 1024, OURS),
        *(Cell(GET, 0, MORE, f"fleet-{size}") for size in fleet.sizes()),
    )
    return Plan(rounds=5, seconds=2, warmup_seconds=3, pairs=pairs, alone=alone)


def short() -> Plan:
    """Return the plan that only shows that everything runs."""
    pairs = (
        *(Cell(GET, 0, MANY, server) for server in (*PEERS, LIMIT, UNMETERED, JOURNAL)),
        *(Cell(workload, 0, MANY, FASTAPI) for workload in (PUT, MIX)),
        Cell(GET, 3, 1, PLAIN),
        *(Cell(workload, 3, MANY, GO) for workload in HOT),
        Cell(OPEN, 3, RATES[0], GO),
        Cell(OPENED, 0, AT_ONCE, GO),
    )
    return Plan(rounds=1, seconds=1, warmup_seconds=1, pairs=pairs, alone=(Cell(GET, 0, 1024, OURS),))
