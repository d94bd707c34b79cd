"""The lines that CloudWatch draws for a graph of the dashboard, with the made-up numbers of docs/made_up.py."""

import re
from typing import Any, NamedTuple

from docs.made_up import IMAGES, MINUTES, NEW, OLD, VALUES, Value


class Line(NamedTuple):
    """A line of a graph: what its legend says, and its values."""

    label: str
    values: list[Value]


def lines(widget: dict[str, Any]) -> list[Line]:
    """Read the metrics of a graph, where `.` and `...` repeat the preceding names."""
    found: list[Line] = []
    full: list[str] = []
    told = widget["properties"]["metrics"]
    for written in told:
        options = written[-1] if isinstance(written[-1], dict) else {}
        if search := options.get("expression"):
            found += searched(search, alone=len(told) == 1)
            continue
        names = [name for name in written if isinstance(name, str)]
        full = full if names == ["..."] else [full[at] if name == "." else name for at, name in enumerate(names)]
        default = full[1] if full[1] not in {line.label for line in found} else f"{full[1]}, {options.get('stat')}"
        found.append(Line(options.get("label", default), series(full[1], len(found))))
    return found


def searched(expression: str, *, alone: bool) -> list[Line]:
    """Return a SEARCH's lines: one for each instance or image, named after it and, unless `alone`, the metric."""
    (dimensions,), (metric,) = re.findall(r"\{(.*)\}", expression), re.findall(r'MetricName="(\w+)"', expression)
    owners = IMAGES if "image" in dimensions.split(",") else (*OLD, *NEW)
    return [Line(owner if alone else f"{owner} {metric}", series(metric, at)) for at, owner in enumerate(owners)]


def series(metric: str, index: int) -> list[Value]:
    """Return the made-up values of a metric; `index` distinguishes lines of the same metric."""
    if metric not in VALUES:
        raise LookupError(f"docs/made_up.py has no numbers for {metric}: add some")
    return [VALUES[metric](minute, index) for minute in MINUTES]
