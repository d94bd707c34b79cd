"""Puts the last rehearsal into README: the table between its two marks, and the picture of the rolling refresh.

`python -m tests.rehearsal.readme` does it.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from tests.rehearsal.__main__ import REPORT
from tests.rehearsal.stage import FOLDER

README = Path("README.md")
PICTURE = Path("docs/rehearsal.png")
_BEGIN, _END = "<!-- rehearsal: make rehearse, then python -m tests.rehearsal.readme -->\n", "<!-- end -->\n"

# What a scenario has to tell besides its requests, by the names of its figures.
_MORE = {
    "seconds_until_failed": "refresh failed after {} s",
    "bound": "bound {:,}",
    "seconds_to_recover": "well again after {} s",
    "slowest_during_fault_ms": "503 within {:,} ms",
    "success_percent": "{} % answered",
    "amplification": "{} x the calls",
    "seconds_until_noticed": "noticed after {} s",
    "seconds_until_replaced": "replaced after {} s",
}


def table(scenarios: dict[str, dict[str, Any]]) -> str:
    """Return the table in Markdown."""
    rows = ["| scenario | requests | failed | writes lost | |", "|---|---:|---:|---:|---|"]
    for name, figures in scenarios.items():
        more = [text.format(figures[key]) for key, text in _MORE.items() if key in figures]
        numbers = [f"{figures[key]:,}" for key in ("requests", "failed", "acknowledged_writes_lost")]
        rows.append(f"| {' | '.join([name, *numbers, ', '.join(more)])} |")
    return "\n".join(rows) + "\n"


def main() -> None:
    """Rewrite the part of README."""
    report = json.loads(REPORT.read_text(encoding="utf-8"))
    missed = [name for name, figures in report["scenarios"].items() if figures["missed"]]
    if missed:
        raise SystemExit(f"README tells of rehearsals that succeed; this one did not: {missed}")
    text = README.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(_BEGIN) + ".*?" + re.escape(_END), re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"README has lost its marks: {_BEGIN}{_END}")
    README.write_text(pattern.sub(_BEGIN + "\n" + table(report["scenarios"]) + "\n" + _END, text), encoding="utf-8")
    shutil.copy(FOLDER / "rolling-refresh.png", PICTURE)


if __name__ == "__main__":
    main()
