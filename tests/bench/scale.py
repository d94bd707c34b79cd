"""`python -m tests.bench.scale`: calculate what a fleet of any size needs, for the tables of docs/scale.md.

Holds the assumptions about AWS, each of which the page names. How reads share calls is the service's own code, run in
simulated time.
"""

import asyncio
import math
import random
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from service.errors import Ending, StorageUnavailable
from service.storage.coalescing import Sender
from service.storage.expiry import Expiry
from service.storage.reads import ReadCoalescer
from tests.bench.plan import FLEET_RATE
from tests.support import marks
from tests.support.told_time import in_told_time

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
LOADS = (1_000, 100_000, 1_000_000)
FLEETS = (3, 50, 300, 500)

# The fleet, as in Terraform: the share of extra instances during a refresh, the fewest instances, the first checkpoint
# and the pause at it.
SPARE = 0.5
SMALLEST = 3
FIRST = 0.01
PAUSE_SECONDS = 360
# Replacing one instance: launch and boot, health checks, warm-up; deregistration and stop.
BEGIN_SECONDS = 60 + 20 + 60
END_SECONDS = 45 + 30
LAUNCHES_A_SECOND = (5, 1)

# Requests: nine in ten are reads; the size of one on the wire, in both directions, and in the log.
READS = 0.9
WIRE_BYTES = 1_000
LOG_BYTES = 290
# AWS: what a partition serves a second, and what a capacity unit (LCU) of the load balancer carries in an hour.
PARTITION_READS, PARTITION_WRITES = 3_000, 1_000
LCU_BYTES = 1e9
DATABASE_SECONDS = 0.003
BUDGET_SECONDS = 3.0
# Dollars per million requests, or per the unit in the name; as in docs/costs.md.
MONTH_SECONDS = 730 * 3600
PRICES = {
    "instance hour": 0.0413,
    "LCU hour": 0.008,
    "firewall": 0.60,
    "read": 0.1525,
    "write": 0.7625,
    "GB of log": 0.63,
}


def instances(rate: float) -> int:
    """Return how many instances the fleet has at `rate` requests a second."""
    return max(SMALLEST, math.ceil(rate / FLEET_RATE))


def loads() -> list[str]:
    """Return the table of what each load needs."""
    rows = {
        "instances at 2,000 a second each": [f"{instances(rate):,}" for rate in LOADS],
        "vCPUs and private addresses while they are replaced": [f"{_most(rate):,}" for rate in LOADS],
        "units of the load balancer's capacity": [f"{_units(rate):,.0f}" for rate in LOADS],
        "reads and writes a second, in DynamoDB's units": [
            f"{rate * READS:,.0f}, {rate * (1 - READS):,.0f}" for rate in LOADS
        ],
        "partitions that these need at least": [f"{_partitions(rate):,}" for rate in LOADS],
        "log of requests a day": [f"{rate * LOG_BYTES * 86_400 / 1e9:,.0f} GB" for rate in LOADS],
        "a month at this rate all day: instances": [_dollars(_instances_cost(rate)) for rate in LOADS],
        "load balancer": [_dollars(_units(rate) * PRICES["LCU hour"] * 730) for rate in LOADS],
        "DynamoDB, on demand": [
            _dollars(_millions(rate) * (READS * PRICES["read"] + (1 - READS) * PRICES["write"])) for rate in LOADS
        ],
        "firewall": [_dollars(_millions(rate) * PRICES["firewall"]) for rate in LOADS],
        "log": [_dollars(_millions(rate) * LOG_BYTES / 1e3 * PRICES["GB of log"]) for rate in LOADS],
    }
    head = ["| requests a second | " + " | ".join(f"{rate:,}" for rate in LOADS) + " |", "|---|" + "---:|" * len(LOADS)]
    return head + [f"| {name} | {' | '.join(values)} |" for name, values in rows.items()]


def _most(rate: float) -> int:
    return math.floor(instances(rate) * (1 + SPARE))


def _units(rate: float) -> float:
    return rate * WIRE_BYTES * 3600 / LCU_BYTES


def _partitions(rate: float) -> int:
    return math.ceil(max(rate * READS / PARTITION_READS, rate * (1 - READS) / PARTITION_WRITES))


def _millions(rate: float) -> float:
    return rate * MONTH_SECONDS / 1e6


def _instances_cost(rate: float) -> float:
    return instances(rate) * PRICES["instance hour"] * 730


def _dollars(amount: float) -> str:
    return f"${amount:,.0f}"


def refresh_seconds(size: int, launches_a_second: float) -> float:
    """Return how long a refresh of `size` instances takes: the first, a pause, then half of the fleet at a time."""
    first = math.ceil(size * FIRST)
    left, at_once = size - first, max(1, math.floor(size * SPARE))
    batches = [first] + [min(at_once, left - done) for done in range(0, left, at_once)]
    return PAUSE_SECONDS + sum(batch / launches_a_second + BEGIN_SECONDS + END_SECONDS for batch in batches)


def deployments() -> list[str]:
    """Return the table of how long deployments take."""
    head = [
        "| instances | " + " | ".join(f"{rate} launched a second" for rate in LAUNCHES_A_SECOND) + " |",
        "|---|" + "---:|" * len(LAUNCHES_A_SECOND),
    ]
    return head + [
        f"| {size} | {' | '.join(f'{refresh_seconds(size, rate) / 60:.0f} minutes' for rate in LAUNCHES_A_SECOND)} |"
        for size in FLEETS
    ]


@dataclass
class Partition:
    """The partition of one name: it answers a limited number of reads a second, and refuses the others."""

    tokens: float = 0.0
    filled: float = 0.0
    asked: int = 0

    async def read(self) -> None:
        """Return after the database's latency; raise `StorageUnavailable` beyond the partition's capacity."""
        self.asked += 1
        now = asyncio.get_running_loop().time()
        self.tokens = min(self.tokens + (now - self.filled) * PARTITION_READS, PARTITION_READS / 100)
        self.filled = now
        accepted = self.tokens >= 1
        self.tokens -= accepted
        await asyncio.sleep(DATABASE_SECONDS)
        if not accepted:
            raise StorageUnavailable("ThrottlingException", Ending.THROTTLED)


@dataclass
class HotName:
    """Many instances that are asked for one name, and share calls by the service's own code."""

    size: int
    rate: int
    seconds: float = 4.0
    partition: Partition = field(default_factory=Partition)
    waits: list[float] = field(default_factory=list)
    failed: int = 0

    async def run(self) -> None:
        """Send `rate` requests a second, each to a random instance; those that take too long have failed."""
        loop, chance = asyncio.get_running_loop(), random.Random(1)
        fleet = [
            ReadCoalescer(Sender("read", self._one, self._many, 100), Expiry(BUDGET_SECONDS, TimeoutError), loop.time)
            for _ in range(self.size)
        ]
        async with asyncio.TaskGroup() as tasks:
            for _ in range(int(self.rate * self.seconds)):
                tasks.create_task(self._get(chance.choice(fleet)))
                await asyncio.sleep(chance.expovariate(self.rate))

    async def _get(self, reads: "ReadCoalescer[None, date | None]") -> None:
        began = asyncio.get_running_loop().time()
        try:
            await reads.submit("Hot", None)
        except (StorageUnavailable, TimeoutError):
            self.failed += 1
        self.waits.append(asyncio.get_running_loop().time() - began)

    async def _one(self, _name: str, _nothing: None, _until: float) -> date | None:
        await self.partition.read()
        return None

    async def _many(self, names: Iterable[str], until: float) -> dict[str, date | Exception | None]:
        return {name: await self._one(name, None, until) for name in names}

    def row(self) -> str:
        """Return the results as a row."""
        p50, p99 = (statistics.quantiles(self.waits, n=100)[index] * 1000 for index in (49, 98))
        reads, failed = self.partition.asked / self.seconds, self.failed / len(self.waits)
        return f"| {self.size} | {self.rate:,} | {reads:,.0f} | {p50:.0f} ms | {p99:,.0f} ms | {failed:.1%} |"


def _hot_names() -> list[str]:
    head = [
        "| instances | GETs of one name a second | reads sent a second | p50 | p99 | 503 |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    rows = []
    for size, rate in ((3, 10_000), (10, 10_000), (50, 20_000), (500, 20_000)):
        hot = HotName(size, rate)
        in_told_time(hot.run)()
        rows.append(hot.row())
    return head + rows


def main() -> None:
    """Write the page's tables, and print them."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    for name, table in (("loads", loads()), ("deployments", deployments()), ("hot names", _hot_names())):
        print("\n".join(table), "\n")
        if text:
            text = marks.replace(text, f"<!-- {name} -->", "\n".join(table))
    if text:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
