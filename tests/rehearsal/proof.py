"""Puts the last rehearsals into docs/proof.md: each table between its two marks, and its picture.

Run by `python -m tests.rehearsal.proof`.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rehearsal.second_writes import USERS
from tests.rehearsal.stage import FOLDER
from tests.rehearsal.values import REAL_TIME_MINUTES
from tests.support import marks

DOCUMENT = Path("docs/proof.md")


@dataclass(frozen=True)
class Part:
    """A table and a picture of docs/proof.md, and their source."""

    target: str
    report: Path
    drawn: Path
    picture: Path
    more: Mapping[str, str]
    """What a scenario reports besides its requests, by the names of its figures."""

    @property
    def begin(self) -> str:
        """The mark before the table."""
        return f"<!-- {self.target}: make {self.target}, then python -m tests.rehearsal.proof -->\n"


PARTS = [
    Part(
        "rehearse",
        FOLDER.parent / "rehearsal.json",
        FOLDER / "rolling-refresh.png",
        Path("docs/rehearsal.png"),
        {
            "seconds_until_failed": "refresh failed after {} s",
            "bound": "bound {:,}",
            "seconds_to_recover": "recovered after {} s",
            "slowest_during_fault_ms": "503 within {:,} ms",
            "second_writes_lost": f"{{}} of {USERS} second writes replaced by a first one",
            "success_percent": "{} % answered",
            "amplification": "{} x the calls",
            "seconds_until_noticed": "noticed after {} s",
            "seconds_until_replaced": "replaced after {} s",
        },
    ),
    Part(
        "rehearse-deploy",
        FOLDER.parent / "deploy.json",
        FOLDER / "deploy" / "bad-image-breaks-later.png",
        Path("docs/deploy.png"),
        {
            "exit": "exit status {}",
            "serves": "then {} serves everywhere",
            "bad_instances": "bad instances launched: {}",
            "bad_seconds": "they took requests for {} s",
            "exit_when_the_lease_was_lost": "status {} when its lease was lost",
            "exit_when_interrupted": "status {} when interrupted",
            "exit_of_a_second_at_once": "a second one at once: status {}",
            "bound": "bound {:,}",
            "seconds_of_errors": "AWS answered errors for {} s",
            "seconds": "{} s",
        },
    ),
]


def table(scenarios: dict[str, dict[str, Any]], more: Mapping[str, str]) -> str:
    """Return the table in Markdown."""
    rows = ["| scenario | requests | failed | writes lost | |", "|---|---:|---:|---:|---|"]
    for name, figures in scenarios.items():
        told = [text.format(figures[key]) for key, text in more.items() if key in figures]
        numbers = [f"{figures[key]:,}" for key in ("requests", "failed", "acknowledged_writes_lost")]
        rows.append(f"| {' | '.join([name, *numbers, ', '.join(told)])} |")
    return "\n".join(rows) + "\n"


def renew(text: str, part: Part) -> str:
    """Return the document with the results of the last rehearsal of one kind."""
    report = json.loads(part.report.read_text(encoding="utf-8"))
    scenarios = report["scenarios"]
    missed = [name for name, figures in scenarios.items() if figures["missed"]]
    if missed:
        raise SystemExit(f"docs/proof.md tells of rehearsals that succeed; this one did not: {missed}")
    scale = f"Every wait was multiplied by {report['minutes']:g}/{REAL_TIME_MINUTES}.\n"
    renewed = marks.replace(text, part.begin, f"{table(scenarios, part.more)}\n{scale}")
    shutil.copy(part.drawn, part.picture)
    return renewed


def main() -> None:
    """Update the parts that were rehearsed on this machine."""
    text = DOCUMENT.read_text(encoding="utf-8")
    for part in PARTS:
        if part.report.exists():
            text = renew(text, part)
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
