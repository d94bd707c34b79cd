"""The measurements: start all servers, then go through the plan round by round."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager

from tests.bench import names, wrk
from tests.bench.database import Database, database
from tests.bench.fleet import fleet
from tests.bench.found import Found
from tests.bench.layout import BUILD
from tests.bench.plan import HOT, MIX, OPENED, PUT_PERCENT, Cell, Plan
from tests.bench.processes import told_by, usage
from tests.bench.samples import Figures, Sample
from tests.bench.servers import SERVERS, Running, started
from tests.bench.watch import Watch

Progress = Callable[[str], None]

_NAMES, _HOT_NAME = BUILD / "names.txt", BUILD / "hot-name.txt"
_WARMUP_CONNECTIONS = 64
_PAUSE_SECONDS = 0.2
# A low rate takes longer to give a meaningful 99th percentile.
_STEADY_TIMES = 2


def steps(plan: Plan) -> int:
    """Return how often `measure` will call its `progress`."""
    return len(plan.servers()) + plan.rounds * len(list(plan.round()))


def measure(plan: Plan, progress: Progress) -> list[Sample]:
    """Return the samples of all rounds; call `progress` with what comes next."""
    names.write(_NAMES)
    names.write(_HOT_NAME, count=1)
    with database() as standin, _all_started(plan, standin) as servers:
        for running in servers.values():
            progress(f"warming up {running.title}")
            wrk.load(running.port, _NAMES, PUT_PERCENT[MIX], _WARMUP_CONNECTIONS, plan.warmup_seconds)
        return list(_rounds(plan, standin, servers, progress))


@contextmanager
def _all_started(plan: Plan, standin: Database) -> Iterator[Mapping[str, Running]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(_start(name, standin.url)) for name in plan.servers()}


def _start(name: str, endpoint: str) -> AbstractContextManager[Running]:
    if name in SERVERS:
        return started(SERVERS[name], endpoint)
    return fleet(int(name.removeprefix("fleet-")), endpoint)


def _rounds(plan: Plan, standin: Database, servers: Mapping[str, Running], progress: Progress) -> Iterator[Sample]:
    for number in range(1, plan.rounds + 1):
        for cell, pair in plan.round():
            progress(f"round {number} of {plan.rounds}: {cell.place}")
            standin.set_latency(cell.latency_ms)
            # Lets the server finish what the last load left unanswered.
            time.sleep(_PAUSE_SECONDS)
            figures = _measure_cell(cell, servers[cell.server], standin, plan.seconds)
            yield Sample(number, cell, pair, figures)


def _measure_cell(cell: Cell, running: Running, standin: Database, seconds: int) -> Figures:
    keys, watch = standin.keys(), Watch(running.pids, [standin.pid])
    found = _load(cell, running.port, seconds)
    spent = watch.spent()
    # When the time is over, wrk drops the requests in flight: they are billed, but not counted.
    asked = found.requests + (cell.size if cell.workload in PUT_PERCENT else 0)
    return Figures(
        requests_per_second=found.requests / found.seconds,
        p50_ms=found.p50_ms,
        p99_ms=found.p99_ms,
        max_ms=found.max_ms,
        cpu_us=spent.server / max(found.requests, 1) * 1e6,
        rss_mb=usage(running.pids).rss_mb,
        keys=(standin.keys() - keys) / max(asked, 1),
        errors=found.errors,
        load_core=spent.load_core,
        others=spent.others,
    )


def _load(cell: Cell, port: int, seconds: int) -> Found:
    if cell.workload in PUT_PERCENT:
        users = _HOT_NAME if cell.workload in HOT else _NAMES
        return wrk.load(port, users, PUT_PERCENT[cell.workload], cell.size, seconds)
    if cell.workload == OPENED:
        return Found(**told_by("opened", port, cell.size, seconds))
    return Found(**told_by("steady", port, cell.size, seconds * _STEADY_TIMES))
