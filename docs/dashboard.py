"""The picture of the dashboard; `python -m docs.dashboard` draws dashboard.json, as Terraform renders it, to an SVG.

Owns how CloudWatch shows titles, metrics and positions; the numbers are those of docs/made_up.py. Letters are drawn
as outlines, so that the picture is the same wherever it is made and shown.
"""

import json
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.typing import RcKeyType

from docs.graphs import lines
from docs.made_up import EVENTS, FIRST_HOUR, MINUTES

DASHBOARD = Path(__file__).with_suffix(".json")
PICTURE = Path(__file__).with_suffix(".svg")
COLUMNS, WIDTH, ROW, MARGIN, HEADING = 24, 12.0, 0.4, 0.1, 0.55  # inches, except the columns
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b")
DARK, GREY, PALE, CARD, PAGE, GOOD = "#16191f", "#687078", "#8a949e", "white", "#eef0f2", "#1d8102"
LONG = 25  # characters of a label
STYLE: dict[RcKeyType, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": DARK,
    "axes.edgecolor": "#c3cad1",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "legend.frameon": False,
    "svg.hashsalt": "hello-birthday",
    "svg.fonttype": "path",
}


def draw(widgets: list[dict[str, Any]]) -> Figure:
    """Draw all widgets at their places."""
    height = HEADING + ROW * max(widget["y"] + widget["height"] for widget in widgets)
    figure = plt.figure(figsize=(WIDTH, height), facecolor=PAGE)
    for widget in widgets:
        PAINTERS[widget["type"]](card(figure, widget, height), widget)
    heading = "hello-birthday-prod: how its dashboard looks. All numbers are made up."
    figure.text(2 * MARGIN / WIDTH, 1 - 0.34 / height, heading, fontsize=13, fontweight="bold")
    return figure


def card(figure: Figure, widget: dict[str, Any], height: float) -> Axes:
    """Draw a widget's background and title; return the axes that it fills, in inches from its lower left corner."""
    wide, tall = widget["width"] * WIDTH / COLUMNS - MARGIN, widget["height"] * ROW - MARGIN
    left = widget["x"] * WIDTH / COLUMNS + MARGIN / 2
    low = height - HEADING - (widget["y"] + widget["height"]) * ROW + MARGIN / 2
    axes = figure.add_axes((left / WIDTH, low / height, wide / WIDTH, tall / height), xlim=(0, wide), ylim=(0, tall))
    axes.add_patch(Rectangle((0, 0), wide, tall, facecolor=CARD, edgecolor="#d5dbdb"))
    axes.text(0.12, tall - 0.14, widget["properties"]["title"], va="top", fontsize=11, fontweight="bold")
    axes.set_axis_off()
    return axes


def graph(axes: Axes, widget: dict[str, Any]) -> None:
    """Draw the lines of a graph, and its legend below."""
    _, wide = axes.get_xlim()
    _, tall = axes.get_ylim()
    drawn = lines(widget)
    columns = 2 if any(len(line.label) > LONG for line in drawn) else 3
    below = 0.42 + 0.17 * -(-len(drawn) // columns)
    plot = axes.inset_axes((0.65, below, wide - 0.95, tall - 0.45 - below), transform=axes.transData)
    for line, colour in zip(drawn, COLOURS * 2, strict=False):
        values = [float("nan") if value is None else value for value in line.values]
        plot.plot(list(MINUTES), values, color=colour, label=line.label, linewidth=1.4)
    plot.margins(x=0, y=0.3)
    plot.set_ylim(bottom=0)
    plot.set_xticks(list(MINUTES)[::30], [f"{FIRST_HOUR + m // 60}:{m % 60:02}" for m in list(MINUTES)[::30]])
    plot.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
    plot.locator_params(axis="y", nbins=4)
    plot.tick_params(length=0, labelsize=9)
    plot.grid(axis="y", color="#e8ebee")
    axes.text(wide - 0.15, tall - 0.15, "made-up numbers", ha="right", va="top", color=PALE)
    axes.legend(
        handles=plot.lines,
        loc="lower left",
        bbox_to_anchor=(0.05, 0.0),
        bbox_transform=axes.transData,
        ncols=columns,
        fontsize=8.5,
        handlelength=0.8,
        labelspacing=0.25,
    )


def alarms(axes: Axes, widget: dict[str, Any]) -> None:
    """Draw a tile for each alarm; none of them is firing."""
    _, wide = axes.get_xlim()
    names = [re.sub(r".*:alarm:hello-birthday-[a-z]+-", "", arn) for arn in widget["properties"]["alarms"]]
    for at, name in enumerate(names):
        left, low = 0.12 + (wide - 0.2) / 7 * (at % 7), 0.54 - 0.23 * (at // 7)
        axes.add_patch(Rectangle((left, low), (wide - 0.2) / 7 - 0.06, 0.2, facecolor="#f2faf0", edgecolor=GOOD))
        axes.text(left + 0.06, low + 0.1, name, va="center", fontsize=8.5)


def log(axes: Axes, widget: dict[str, Any]) -> None:
    """Draw the table of a query: a column for each field, and made-up rows."""
    _, wide = axes.get_xlim()
    _, tall = axes.get_ylim()
    (fields,) = re.findall(r"\| fields (.*)", widget["properties"]["query"])
    places = [0.12 + share * wide for share in (0, 0.1, 0.44, 0.63, 0.81)]
    for left, field in zip(places, fields.replace("`", "").split(", "), strict=True):
        axes.text(left, tall - 0.6, field, fontweight="bold", fontsize=9)
    for row, event in enumerate(EVENTS):
        for left, text in zip(places, event, strict=False):
            axes.text(left, tall - 0.95 - 0.32 * row, text, fontsize=9)
    axes.text(wide - 0.15, 0.12, "made-up events", ha="right", color=PALE)


PAINTERS = {"alarm": alarms, "metric": graph, "log": log}


def main() -> None:
    """Write the picture next to this file."""
    mpl.use("agg")
    with mpl.rc_context(STYLE):
        widgets = json.loads(DASHBOARD.read_text(encoding="utf-8"))["widgets"]
        draw(widgets).savefig(PICTURE, metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main()
