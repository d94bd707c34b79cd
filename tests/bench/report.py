"""The machine-readable report, build/bench.json, with the environment that the figures depend on."""

import dataclasses
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.bench.layout import CORES, ROOT
from tests.bench.plan import Cell
from tests.bench.samples import Figures, Sample, medians
from tests.bench.status import Status
from tests.bench.verdict import Ratios


def environment() -> dict[str, Any]:
    """Return what the figures depend on."""
    packages = ("aiohttp", "aiobotocore", "botocore", "uvloop")
    installed = {package.metadata["Name"].lower(): package.version for package in metadata.distributions()}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: installed[name] for name in packages if name in installed},
        "node": _said("node", "--version"),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(CORES),
        "commit": _said("git", "describe", "--always", "--dirty"),
    }


def _said(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A run: the measurements and the verdict; `left_out` has a sentence for each server that is missing."""

    short: bool
    samples: list[Sample]
    ratios: Ratios
    missed: list[str]
    others_used: float
    status: Status
    left_out: Mapping[str, str]


def write(path: Path, outcome: Outcome) -> None:
    """Write a run."""
    content = {
        "environment": environment(),
        "short": outcome.short,
        "verdict": outcome.status.name.lower().replace("_", " "),
        "others_used": round(outcome.others_used, 3),
        "left_out": list(outcome.left_out.values()),
        "missed": outcome.missed,
        "ratios": {name: dataclasses.asdict(found) for name, found in outcome.ratios.items()},
        "medians": [_flat(cell, figures) for cell, figures in medians(outcome.samples).items()],
        "samples": [
            {"round": sample.round, "pair": sample.pair and sample.pair.server, **_flat(sample.cell, sample.figures)}
            for sample in outcome.samples
        ],
    }
    save(path, content)


def save(path: Path, content: dict[str, Any]) -> None:
    """Write `content` as JSON, and create the folder if needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + os.linesep)


def _flat(cell: Cell, figures: Figures) -> dict[str, Any]:
    rounded = {name: round(value, 4) for name, value in dataclasses.asdict(figures).items()}
    return {**dataclasses.asdict(cell), **rounded}
