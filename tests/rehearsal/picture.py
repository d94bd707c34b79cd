"""A picture of a scenario: requests by version, latency, failures, and the life of each instance, over time."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from tests.rehearsal.load import TICK
from tests.rehearsal.scenarios import Result

mpl.use("Agg")

_COLOURS = {
    "a": "#4477aa",
    "b": "#228833",
    "never-ready": "#ccbb44",
    "crash-loop": "#ee6677",
    "errors": "#aa3377",
    "breaks-later": "#aa3377",
}
_STATES = {
    "pending": "#dddddd",
    "in service": "#228833",
    "deregistered": "#bbcc33",
    "deregistering": "#ccbb44",
    "stopping": "#ee8866",
    "lost": "#cc3311",
}


def draw(done: Result, path: Path) -> None:
    """Draw `done` into a PNG file."""
    figure, (rates, latency, lives) = plt.subplots(
        3, 1, figsize=(9, 7), sharex=True, height_ratios=(3, 2, 2), constrained_layout=True
    )
    ticks = done.ticks[1:]  # the first only says that the load began
    seconds = [tick["second"] for tick in ticks]
    images = {life.image for life in done.lives}
    order = [image for image in _COLOURS if image in images]
    by_image = {image: [_answered(done, tick, image) / TICK for tick in ticks] for image in order}
    rates.stackplot(
        seconds, *by_image.values(), labels=[f"version {i}" for i in order], colors=[_COLOURS[i] for i in order]
    )
    rates.plot(seconds, [tick["failed"] / TICK for tick in ticks], color="#cc3311", label="failed")
    rates.set_ylabel("requests/s")
    rates.legend(loc="lower left", ncols=4, framealpha=0.9)
    rates.set_title(
        f"{done.name}: {done.figures['failed']:,} of {done.figures['requests']:,} requests failed", loc="left"
    )
    for name, label in (("p50_ms", "p50"), ("p99_ms", "p99"), ("max_ms", "slowest")):
        latency.plot(seconds, [max(tick[name], 0.1) for tick in ticks], label=label)
    latency.set_yscale("log")
    latency.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
    latency.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    latency.yaxis.set_minor_formatter(NullFormatter())
    latency.set_ylabel("latency, ms")
    latency.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)
    end = seconds[-1] if seconds else 1.0
    for row, life in enumerate(done.lives):
        for (start, state), (until, _) in zip(life.states, [*life.states[1:], (end, "")], strict=True):
            if state in _STATES and until > 0:
                lives.barh(row, until - max(start, 0), left=max(start, 0), color=_STATES[state], height=0.7)
    lives.set_yticks(range(len(done.lives)), [f"{life.slot} ({life.image})" for life in done.lives])
    lives.invert_yaxis()
    lives.set_xlabel("seconds")
    lives.set_xlim(0, end)
    handles = [Rectangle((0, 0), 1, 1, color=colour) for colour in _STATES.values()]
    lives.legend(
        handles, list(_STATES), loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=len(_STATES), frameon=False
    )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _answered(done: Result, tick: dict[str, Any], image: str) -> int:
    """Return how many answers of a tick came from instances of `image`; a slot may have had several in turn."""
    count = 0
    for slot, answers in tick["by_instance"].items():
        there = [life for life in done.lives if life.slot == slot and life.states[0][0] <= tick["second"]]
        if there and there[-1].image == image:
            count += answers
    return count
