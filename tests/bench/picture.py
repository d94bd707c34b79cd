"""The picture for the README: requests per second compared with the peers, and as the number of clients grows."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import StrMethodFormatter
from matplotlib.typing import RcKeyType

from tests.bench.plan import GET, MANY, PEERS, PUT, Cell
from tests.bench.samples import Medians
from tests.bench.servers import LIMIT, OURS
from tests.bench.tables import title

_BLUE, _GREY, _TEXT = {GET: "#1f6fb2", PUT: "#93c1e6"}, {GET: "#8a949e", PUT: "#c9cfd6"}, "#4b5560"
_BAR = 0.38
_STYLE: dict[RcKeyType, Any] = {
    "font.size": 11,
    "text.color": _TEXT,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.edgecolor": "#c3cad1",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelcolor": _TEXT,
    "grid.color": "#e8ebee",
    "legend.frameon": False,
}


def draw(medians: Medians, path: Path) -> None:
    """Draw the picture from the medians and save it at `path`."""
    mpl.use("agg")
    with mpl.rc_context(_STYLE):
        figure, axes = plt.subplot_mosaic(
            [["bars", "growth"], ["bars", "tail"]], figsize=(12, 5), width_ratios=(1.3, 1), layout="constrained"
        )
        _draw_bars(axes["bars"], medians)
        _draw_growth(axes["growth"], axes["tail"], medians)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=130, facecolor="white")
        plt.close(figure)


def _draw_bars(axes: Axes, medians: Medians) -> None:
    servers = (OURS, *PEERS, LIMIT)
    for offset, workload in ((-_BAR / 2, GET), (_BAR / 2, PUT)):
        cells = [medians.get(Cell(workload, 0, MANY, server)) for server in servers]
        values = [found.requests_per_second if found else 0.0 for found in cells]
        colours = [(_BLUE if server == OURS else _GREY)[workload] for server in servers]
        drawn = axes.barh([row + offset for row in range(len(servers))], values, _BAR, color=colours)
        axes.bar_label(drawn, [f"{value:,.0f}" if value else "" for value in values], padding=4, fontsize=10)
    axes.set_title(f"Requests per second on one core, {MANY} clients")
    axes.set_yticks(range(len(servers)), [title(server) for server in servers])
    axes.get_yticklabels()[servers.index(OURS)].set_fontweight("bold")
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.legend([Patch(color=_GREY[GET]), Patch(color=_GREY[PUT])], [GET, PUT], loc="center right")


def _draw_growth(growth: Axes, tail: Axes, medians: Medians) -> None:
    chosen = [cell for cell in medians if (cell.workload, cell.latency_ms, cell.server) == (GET, 0, OURS)]
    figures = {cell.size: medians[cell] for cell in sorted(chosen, key=Cell.order)}
    growth.plot(list(figures), [found.requests_per_second for found in figures.values()], "o-", color=_BLUE[GET])
    growth.set_title("GET per second as clients become more")
    tail.plot(list(figures), [found.p99_ms for found in figures.values()], "o-", color=_BLUE[GET])
    tail.set_title("The slowest of a hundred: p99 in ms")
    tail.set_xlabel("clients")
    for axes in (growth, tail):
        axes.set_xscale("log", base=2)
        axes.set_xticks(list(figures), [f"{clients:,}" for clients in figures])
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.grid(visible=True, axis="y")
