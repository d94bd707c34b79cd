"""The tables on the terminal: the medians, the promises, and any reason to doubt the figures."""

from itertools import groupby

from rich import box
from rich.console import Console
from rich.table import Table

from tests.bench.plan import WAITS, Cell
from tests.bench.report import Outcome
from tests.bench.samples import Figures, Medians
from tests.bench.servers import OURS, SERVERS
from tests.bench.status import Status
from tests.bench.verdict import BOUNDS, Bound, Ratios, name

_BUSY_LOAD = 0.95


def show(console: Console, medians: Medians, outcome: Outcome) -> None:
    """Print the tables, and a warning if the load was too slow."""
    console.print(_figures_table(medians, outcome.ratios))
    console.print(_bounds_table(outcome))
    load = max(figures.load_core for figures in medians.values())
    if load > _BUSY_LOAD:
        console.print(f"[yellow]The load's own core was up to {load:.0%} busy: the fastest figures are too low.")


def title(server: str) -> str:
    """Return the server's name for people."""
    return SERVERS[server].title if server in SERVERS else f"{server.removeprefix('fleet-')} of ours behind haproxy"


def _figures_table(medians: Medians, ratios: Ratios) -> Table:
    heading = "Medians of all rounds, each server on one core; ours divided by it: median and range of the pairs"
    table = Table(title=heading, box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    table.add_column("workload x clients", no_wrap=True)
    for column in ("req/s", "p50 ms", "p99 ms", "max ms", "CPU µs", "errors", "ours / it"):
        table.add_column(column, justify="right", no_wrap=True)
    for place, rows in groupby(medians.items(), key=lambda row: row[0].place):
        table.add_row(f"[bold]{place}")
        for cell, figures in rows:
            table.add_row(f" {title(cell.server)}", *_columns(figures), _beside(cell, ratios))
        table.add_section()
    return table


def _beside(cell: Cell, ratios: Ratios) -> str:
    """Return how ours compares: by requests per second, or, where only waits are compared, by the median wait."""
    figure, what = ("_p50", "p50 ") if cell.workload in WAITS else ("", "")
    found = ratios.get(name(cell, figure, cell.server))
    return f"{what}{found}" if found and cell.server != OURS else ""


def _columns(figures: Figures) -> tuple[str, ...]:
    return (
        f"{figures.requests_per_second:,.0f}",
        f"{figures.p50_ms:,.2f}",
        f"{figures.p99_ms:,.2f}",
        f"{figures.max_ms:,.0f}",
        f"{figures.cpu_us:,.0f}",
        f"{figures.errors:.0f}",
    )


def _bounds_table(outcome: Outcome) -> Table:
    table = Table("promise", "measured", "kept", title="Promises, about medians", box=box.SIMPLE_HEAD, min_width=78)
    for bound in BOUNDS:
        measured = str(outcome.ratios[bound.name]) if bound.name in outcome.ratios else "not measured"
        table.add_row(str(bound), measured, _kept(bound, outcome))
    return table


def _kept(bound: Bound, outcome: Outcome) -> str:
    if bound.other in outcome.left_out:
        return "left out"
    if outcome.status is Status.NO_VERDICT or (outcome.short and bound.name != "errors"):
        return "not judged"
    return "[green]yes" if bound.holds(outcome.ratios) else "[red]no"
