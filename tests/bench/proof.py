"""`python -m tests.bench.proof`: put the last `make bench` and its picture into docs/proof.md, between its two marks.

Only a full run on an idle machine is published, including the promises that it missed.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from typing import Any

from tests.bench.layout import ROOT
from tests.bench.plan import (
    AT_ONCE,
    FLEET_RATE,
    GET,
    HOT_GET,
    HOT_PUT,
    MANY,
    MIX,
    OPEN,
    OPENED,
    PEERS,
    PUT,
    RATES,
    Cell,
)
from tests.bench.samples import Spread
from tests.bench.servers import FASTAPI, FASTIFY, GO, JOURNAL, LIMIT, OURS, PLAIN, UNMETERED
from tests.bench.tables import title
from tests.bench.verdict import name
from tests.support import marks

BEGIN = "<!-- bench: make bench, then python -m tests.bench.proof -->\n"

Figures = dict[str, float]


class Run:
    """The contents of build/bench.json."""

    def __init__(self, report: dict[str, Any]) -> None:
        """Index the medians by cell."""
        self.report = report
        self._medians = {
            (row["workload"], row["latency_ms"], row["size"], row["server"]): row for row in report["medians"]
        }

    def median(self, cell: Cell) -> Figures | None:
        """Return the medians of a cell, if it was measured."""
        return self._medians.get((cell.workload, cell.latency_ms, cell.size, cell.server))

    def ratio(self, named: str) -> str:
        """Return a ratio with its range, or a dash."""
        found = self.report["ratios"].get(named)
        return str(Spread(**found)) if found else "-"


def renew(text: str, report: dict[str, Any]) -> str:
    """Return the document with the tables of a run."""
    if report["short"] or report["verdict"] == "no verdict":
        raise SystemExit("docs/proof.md tells of whole runs on an idle machine; repeat make bench on one")
    return marks.replace(text, BEGIN, "\n".join(_parts(Run(report))))


def _parts(run: Run) -> Iterator[str]:
    yield _table("| 64 clients | GET/s | p99 ms | CPU µs per request | PUT/s | p99 ms |", _servers(run))
    yield _table("| ours divided by the other: median (range) of the pairs | Go | FastAPI | fastify |", _ratios(run))
    yield _table(
        "| GET at a steady rate, database 3 ms | ours p50, p99 ms | CPU µs | Go p50, p99 ms | CPU µs |", _rates(run)
    )
    yield _table("| other figures | |", _more(run), "|---|---|")
    yield _circumstances(run)


def _table(head: str, rows: Iterator[list[str]], rule: str = "") -> str:
    columns = head.count("|") - 2
    lines = [head, rule or f"|---|{'---:|' * columns}", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"


def _servers(run: Run) -> Iterator[list[str]]:
    for server in (OURS, *PEERS, LIMIT):
        get, put = (run.median(Cell(workload, 0, MANY, server)) for workload in (GET, PUT))
        if get and put:
            cells = [
                title(server),
                f"{get['requests_per_second']:,.0f}",
                f"{get['p99_ms']:,.1f}",
                f"{get['cpu_us']:,.0f}",
                f"{put['requests_per_second']:,.0f}",
                f"{put['p99_ms']:,.1f}",
            ]
            yield [f"**{cell}**" for cell in cells] if server == OURS else cells


def _ratios(run: Run) -> Iterator[list[str]]:
    for told, workload, latency, size, figure in (
        ("GET/s, 64 clients", GET, 0, MANY, ""),
        ("PUT/s, 64 clients", PUT, 0, MANY, ""),
        ("mixed, 64 clients: p99", MIX, 0, MANY, "_p99"),
        ("GET/s, 64 clients, database 3 ms", GET, 3, MANY, ""),
        ("GET/s, 16 clients", GET, 0, 16, ""),
        ("a lone request's p50", GET, 0, 1, "_p50"),
        ("a lone request's p50, database 3 ms", GET, 3, 1, "_p50"),
    ):
        cell = Cell(workload, latency, size, OURS)
        yield [told, *(run.ratio(name(cell, figure, other)) for other in (GO, FASTAPI, FASTIFY))]


def _rates(run: Run) -> Iterator[list[str]]:
    for rate in RATES:
        yield [
            f"{rate:,} a second",
            *(told for server in (OURS, GO) for told in _rate(run, Cell(OPEN, 3, rate, server))),
        ]


def _rate(run: Run, cell: Cell) -> list[str]:
    found = run.median(cell)
    return [f"{found['p50_ms']:,.1f}, {found['p99_ms']:,.1f}", f"{found['cpu_us']:,.0f}"] if found else ["-", "-"]


def _more(run: Run) -> Iterator[list[str]]:
    get, one = Cell(GET, 0, MANY, OURS), Cell(GET, 0, 1, OURS)
    yield ["GET/s as a share of the limit", run.ratio(name(get, "", LIMIT))]
    yield ["CPU per request, relative to ours without metrics", run.ratio(name(get, "_cpu", UNMETERED))]
    yield ["GET/s, relative to ours with its log into journald on the same core", run.ratio(name(get, "", JOURNAL))]
    busy = Cell(OPEN, 3, FLEET_RATE, OURS)
    yield [f"CPU per request at {FLEET_RATE:,} a second, relative to the same", run.ratio(name(busy, "_cpu", JOURNAL))]
    yield ["a lone request's p50, relative to one plain GetItem", run.ratio(name(one, "_p50", PLAIN))]
    for told, workload in (("read", HOT_GET), ("written", HOT_PUT)):
        ratio = run.ratio(name(Cell(workload, 3, MANY, OURS), "", GO))
        yield [f"one name, {told} by 64 clients, database 3 ms: relative to Go", ratio]
    for server in (OURS, GO):
        if found := run.median(Cell(OPENED, 0, AT_ONCE, server)):
            waits = f"{found['p50_ms']:,.0f}, {found['p99_ms']:,.0f}, {found['max_ms']:,.0f} ms"
            yield [f"{AT_ONCE:,} connections opened at once, {title(server)}: p50, p99, max", waits]
    yield ["keys billed for each request", run.ratio("keys_per_request")]
    yield ["memory (RSS), MB", run.ratio("rss_mb")]
    if overload := run.report.get("overload"):
        yield ["kept of the peak at three times the sustained rate", f"{overload['kept_of_peak']:.2f}"]


def _circumstances(run: Run) -> str:
    known, missed = run.report["environment"], run.report["missed"]
    where = f"{known['date']}, {known['python']}, {known['processor']}, {known['cores']} cores"
    kept = f"Goals missed: {', '.join(f'`{bound}`' for bound in missed)}." if missed else "All goals were met."
    return (
        " ".join([f"Measured on {where}.", kept, *(f"{said[0].upper()}{said[1:]}." for said in run.report["left_out"])])
        + "\n"
    )


def main() -> int:
    """Renew docs/proof.md."""
    report, document = ROOT / "build" / "bench.json", ROOT / "docs" / "proof.md"
    if not report.exists():
        print("there is no build/bench.json: run make bench first", file=sys.stderr)
        return 2
    renewed = renew(document.read_text(), json.loads(report.read_text()))
    document.write_text(renewed)
    shutil.copy(report.with_suffix(".png"), ROOT / "docs" / "bench.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
