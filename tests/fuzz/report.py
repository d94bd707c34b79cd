"""The results of a run: its faults, a table for people, build/fuzz.json for programs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from tests.bench.verdict import BOUNDS
from tests.fuzz.answers import is_ours
from tests.fuzz.campaign import Stage
from tests.fuzz.plan import Plan
from tests.fuzz.target import log_faults, statuses
from tests.support.process import ServiceProcess

FILE = Path("build/fuzz.json")
_MOST_MB = next(bound.limit for bound in BOUNDS if bound.name == "rss_mb")


@dataclass(frozen=True)
class Run:
    """A finished run; `before` and `after` are the service's memory in MB."""

    plan: Plan
    seed: int
    stages: list[Stage]
    service: ServiceProcess
    before: float
    after: float

    @property
    def cases(self) -> int:
        """How many requests were generated as HTTP."""
        return sum(stage.sent for stage in self.stages if stage.name not in ("raw", "runs"))


def faults(run: Run) -> list[str]:
    """Describe every fault of the run."""
    found = [f"{stage.name}: {fault}" for stage in run.stages for fault in stage.faults]
    found += log_faults(run.service, set().union(*(stage.personal for stage in run.stages)))
    if run.cases < run.plan.least:
        found.append(f"only {run.cases} cases were sent, of at least {run.plan.least}")
    if run.after > _MOST_MB:
        found.append(f"memory grew from {run.before} to {run.after} MB, beyond {_MOST_MB:g} MB")
    return found


def summary(run: Run, seconds: float) -> dict[str, Any]:
    """Return the figures; the statuses are those of all answers, from the service's own log."""
    logged = statuses(run.service.events)
    return {
        "seed": run.seed,
        "cases": run.cases,
        "raw_requests": sum(stage.sent for stage in run.stages if stage.name == "raw"),
        "long_runs": sum(stage.sent for stage in run.stages if stage.name == "runs"),
        "server_errors": sum(count for status, count in logged.items() if is_ours(status)),
        "hangs": sum(stage.hangs for stage in run.stages),
        "rss_mb": {"before": run.before, "after": run.after},
        "seconds": round(seconds),
        "logged": {str(status): logged[status] for status in sorted(logged)},
        "stages": {stage.name: {"sent": stage.sent, "answers": stage.answers} for stage in run.stages},
    }


def table(run: Run, figures: dict[str, Any]) -> Table:
    """Return a table of the requests and the answers."""
    statuses = ", ".join(f"{count:,} x {status}" for status, count in figures["logged"].items())
    caption = (
        f"answered: {statuses}\nmemory {run.before:.0f} -> {run.after:.0f} MB, {figures['seconds']} s, seed {run.seed}"
    )
    shown = Table("", "sent", "hangs", "faults", title="Fuzzing", caption=caption, box=box.SIMPLE_HEAD, min_width=60)
    for stage in run.stages:
        shown.add_row(stage.name, f"{stage.sent:,}", str(stage.hangs), str(len(stage.faults)))
    return shown
