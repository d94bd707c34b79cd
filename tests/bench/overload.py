"""`python -m tests.bench.overload`: offer more than our service can serve, and check that it goes on serving.

Finds the highest rate that it sustains, then offers three times as much, with load shedding and without. Adds the
results to build/bench.json.
"""

import argparse
import json
import signal
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import layout, report, tools
from tests.bench.database import database
from tests.bench.offer import Offered
from tests.bench.processes import BenchError, told_by
from tests.bench.servers import OURS, SERVERS, UNSHED, started
from tests.bench.status import EXPLAINED, Status, judged, sentence
from tests.bench.watch import Watch

# One and a half times as many as the requests that an instance works on at once.
_CONNECTIONS = 1536
_TIMES = 3
# The share of the offered load to be served for a rate to be sustained; the share of the peak to be kept in overload.
_SUSTAINED, _KEPT = 0.99, 0.8
_RATES = range(4000, 16_000, 2000)
_SHORT_RATES = (100, 500)


def main() -> int:
    """Measure, print and save the figures; return a `Status`."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.overload", description=__doc__, epilog=EXPLAINED)
    parser.add_argument("--short", action="store_true", help="only show that everything runs")
    parser.add_argument("--output", type=Path, default=layout.ROOT / "build" / "bench.json", help="figures as JSON")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        tools.require(tools.for_soak())
        layout.settle()
        found = _measure(_SHORT_RATES, 1, 1) if options.short else _measure(_RATES, 3, 3)
    except BenchError as error:
        print(f"overload: {error}", file=sys.stderr)
        return Status.NOT_POSSIBLE
    _add(options.output, found)
    _show(found)
    return _conclude(found, short=options.short)


def _conclude(found: dict[str, Any], *, short: bool) -> Status:
    missed = ["requests failed"] if found["failed"] else []
    if found["kept_of_peak"] < _KEPT and not short:
        missed.append(f"less than {_KEPT} of the peak is kept")
    if (disturbed := sentence(found["others_used"])) is not None:
        print(f"overload: {disturbed}", file=sys.stderr)
    status = judged(missed, found["others_used"], short=short)
    if status is Status.MISSED:
        print(f"overload: {', '.join(missed)}", file=sys.stderr)
    return status


def _measure(rates: Sequence[int], seconds: int, rounds: int) -> dict[str, Any]:
    with (
        database() as standin,
        started(SERVERS[OURS], standin.url) as ours,
        started(SERVERS[UNSHED], standin.url) as un,
    ):
        watch = Watch(ours.pids, [standin.pid])
        steps = [_offer(ours.port, rate, seconds) for rate in rates]
        sustained = max((step.rate for step in steps if step.goodput >= _SUSTAINED * step.rate), default=0)
        if not sustained:
            raise BenchError(
                f"not even {rates[0]} requests a second are served in time; repeat this on an idle machine"
            )
        pairs = [[_offer(port, _TIMES * sustained, seconds) for port in (ours.port, un.port)] for _ in range(rounds)]
        others = watch.spent().others
    failed = sum(step.failed for step in (*steps, *(one for pair in pairs for one in pair)))
    shedding, without = (_median([pair[which] for pair in pairs]) for which in (0, 1))
    peak = max(step.goodput for step in steps)
    return {
        "connections": _CONNECTIONS,
        "peak_goodput": peak,
        "sustained_rate": sustained,
        "offered_rate": _TIMES * sustained,
        "failed": failed,
        "others_used": others,
        "kept_of_peak": shedding.goodput / peak,
        "kept_of_peak_without_shedding": without.goodput / peak,
        "shedding": asdict(shedding),
        "without_shedding": asdict(without),
        "steps": [asdict(step) for step in steps],
    }


def _offer(port: int, rate: int, seconds: int) -> Offered:
    return Offered(**told_by("offer", port, rate, seconds, _CONNECTIONS))


def _median(offered: Sequence[Offered]) -> Offered:
    names = [field.name for field in fields(Offered)]
    return Offered(**{name: statistics.median(getattr(one, name) for one in offered) for name in names})


def _add(path: Path, found: dict[str, Any]) -> None:
    known = json.loads(path.read_text()) if path.exists() else {"environment": report.environment()}
    report.save(path, known | {"overload": found})


def _show(found: dict[str, Any]) -> None:
    table = Table("a second", "good", "refused", "late", "failed", "not sent", "good p99 ms", "refused p50 ms")
    for name, step in [
        *((f"offered {step['rate']:,}", step) for step in found["steps"]),
        (f"{_TIMES} x sustained", found["shedding"]),
        ("... without shedding", found["without_shedding"]),
    ]:
        counts = [step[count] for count in ("goodput", "refused", "late", "failed", "not_sent")]
        waits = [step["good_p99_ms"], step["refused_p50_ms"]]
        table.add_row(name, *(f"{count:,.0f}" for count in counts), *(f"{wait:,.1f}" for wait in waits))
    Console(width=110).print(table)
    print(f"sustained {found['sustained_rate']:,}, peak {found['peak_goodput']:,.0f} a second")
    kept, without = found["kept_of_peak"], found["kept_of_peak_without_shedding"]
    print(f"at {_TIMES} x sustained {kept:.2f} of the peak is kept (at least {_KEPT}), without shedding {without:.2f}")
    print(f"{found['failed']:,.0f} a second failed (none may)")


if __name__ == "__main__":
    sys.exit(main())
