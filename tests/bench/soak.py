"""`python -m tests.bench.soak`: load our service at a constant rate for minutes, and check that nothing creeps up.

Memory and the 99th percentile of the waits must stay flat, and no request may fail.
"""

import argparse
import asyncio
import signal
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from tests.bench import intervals, layout, report, tools
from tests.bench.database import Database, database
from tests.bench.intervals import Interval
from tests.bench.names import names
from tests.bench.openloop import OpenLoop
from tests.bench.processes import BenchError, usage
from tests.bench.servers import OURS, SERVERS, Running, started
from tests.bench.status import BUSY_OTHERS
from tests.bench.watch import Watch

_CREPT_UP, _NOT_POSSIBLE = 1, 2
_LATENCY_MS = 3
_INTERVAL_SECONDS = 10
_FEWEST, _MOST = 10, 60
# A shorter soak is mostly warm-up, so only failed requests are judged.
_TELLING_MINUTES = 3


def main() -> int:
    """Run the soak; return 0, 1 if something crept up or failed, 2 if it could not be run."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        tools.require(tools.for_soak())
        layout.settle()
        with database() as standin, started(SERVERS[OURS], standin.url) as running:
            standin.set_latency(_LATENCY_MS)
            print(f"{options.rate} requests/s for {options.minutes:g} minutes, database {_LATENCY_MS} ms")
            found, errors = asyncio.run(_soak(running, standin, options.minutes * 60, options.rate))
    except BenchError as error:
        print(f"soak: {error}", file=sys.stderr)
        return _NOT_POSSIBLE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return _conclude(options, found, errors)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long (default %(default)s)")
    parser.add_argument("--rate", type=int, default=500, help="requests per second (default %(default)s)")
    parser.add_argument("--output", type=Path, default=layout.ROOT / "build" / "soak.json", help="figures as JSON")
    return parser


async def _soak(running: Running, standin: Database, seconds: float, rate: int) -> tuple[list[Interval], Counter[str]]:
    count = min(max(round(seconds / _INTERVAL_SECONDS), _FEWEST), _MOST)
    load = OpenLoop(f"http://127.0.0.1:{running.port}", names(), rate)
    sending = asyncio.create_task(load.run(seconds))
    found, errors = [], Counter[str]()
    print(intervals.heading())
    for number in range(1, count + 1):
        watch = Watch(running.pids, [standin.pid])
        await (asyncio.sleep(seconds / count) if number < count else sending)
        seen = load.take()
        errors.update(seen.errors)
        found.append(intervals.interval(seen, watch.spent(), usage(running.pids).rss_mb))
        print(intervals.row(number, count, found[-1]), flush=True)
    return found, errors


def _conclude(options: argparse.Namespace, found: list[Interval], errors: Counter[str]) -> int:
    short = options.minutes < _TELLING_MINUTES
    missed = intervals.missed(found, only_errors=short)
    content = {
        "environment": report.environment(),
        "rate": options.rate,
        "minutes": options.minutes,
        "errors": dict(errors),
        "missed": missed,
        "intervals": [asdict(interval) for interval in found],
    }
    report.save(options.output, content)
    good = "no request failed; too short to tell more" if short else "memory and p99 stayed flat, no request failed"
    print(f"soak: {'; '.join(missed) or good}")
    if max(interval.others for interval in found) > BUSY_OTHERS:
        print("soak: other programs were busy meanwhile; repeat this on an idle machine if it failed")
    return _CREPT_UP if missed else 0


if __name__ == "__main__":
    sys.exit(main())
