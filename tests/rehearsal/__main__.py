"""Rehearses the fleet.

    python -m tests.rehearsal [--minutes M] [--rate R] [--only SCENARIO ...] [--without-drain]

Needs root and the image that `make image` leaves. Prints a table, writes build/rehearsal.json and a picture of each
scenario to build/rehearsal/; its exit status is 1 if a bound was missed.
"""

import argparse
import asyncio
import json
import logging
import re
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.rehearsal import picture, values
from tests.rehearsal.scenarios import SCENARIOS, Result
from tests.rehearsal.stage import FOLDER, stage

REPORT = FOLDER.parent / "rehearsal.json"
LEAST = 50_000
_IMAGES = ["a", "b"]


async def rehearse(arguments: argparse.Namespace) -> list[Result]:
    """Run the scenarios one after the other on one stage, and print how each ended."""
    scale = min(1.0, arguments.minutes / values.REAL_TIME_MINUTES)
    chosen = values.read().scaled(scale)
    if arguments.without_drain:
        chosen = replace(chosen, drain=0.0, deregistration=0.0, checkpoints=())
    print(f"every wait of the plan times {scale:.2f}; {arguments.rate:.0f} requests a second", flush=True)
    results = []
    async with stage(chosen, arguments.rate, _IMAGES, chosen.desired) as built:
        for name in arguments.only or SCENARIOS:
            began = time.monotonic()
            print(f"{name} ...", end=" ", flush=True)
            done = await SCENARIOS[name](built, arguments.least)
            done.figures["seconds"] = round(time.monotonic() - began)
            print(
                f"{done.figures['failed']:,} of {done.figures['requests']:,} requests failed, {describe(done)}",
                flush=True,
            )
            results.append(done)
    return results


def describe(done: Result) -> str:
    """Describe whether a scenario met its bounds."""
    return "as it should be" if not done.missed else f"MISSED: {'; '.join(done.missed)} {done.figures['examples'][:3]}"


def report(results: list[Result], minutes: float, seconds: float, pictures: Path) -> None:
    """Write and print the results, and draw them into the folder `pictures`."""
    told = {done.name: done.figures | {"missed": done.missed} for done in results}
    whole = {"minutes": minutes, "seconds": round(seconds), "scenarios": told}
    REPORT.write_text(json.dumps(whole, indent=1), encoding="utf-8")
    table = Table(
        "scenario",
        "requests",
        "failed",
        "writes lost",
        "p99 ms*",
        "slowest ms",
        "bounds",
        title="The rehearsal",
        caption="* median of every half second's",
    )
    for done in results:
        figures = done.figures
        numbers = [
            figures[name] for name in ("requests", "failed", "acknowledged_writes_lost", "median_p99_ms", "slowest_ms")
        ]
        table.add_row(done.name, *(f"{number:,}" for number in numbers), "met" if not done.missed else "MISSED")
        picture.draw(done, pictures / f"{'-'.join(re.findall(r'[a-z0-9]+', done.name.lower()))}.png")
    Console(width=110).print(table)


def main() -> int:
    """Run the rehearsal, report, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.rehearsal", description="Rehearse the fleet.")
    parser.add_argument("--minutes", type=float, default=7, help=f"how long; {values.REAL_TIME_MINUTES} is real time")
    parser.add_argument("--rate", type=float, default=800, help="requests a second")
    parser.add_argument("--least", type=int, default=LEAST, help="requests of a refresh, at least")
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, metavar="SCENARIO", help=", ".join(SCENARIOS))
    parser.add_argument("--without-drain", action="store_true", help="neither drain nor wait: must lose requests")
    arguments = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # connections that the scenarios break
    FOLDER.mkdir(parents=True, exist_ok=True)
    REPORT.unlink(missing_ok=True)  # so that an older report is never mistaken for this run's
    began = time.monotonic()
    results = asyncio.run(rehearse(arguments))
    pictures = FOLDER / "without-drain" if arguments.without_drain else FOLDER
    pictures.mkdir(exist_ok=True)
    report(results, arguments.minutes, time.monotonic() - began, pictures)
    return 1 if any(done.missed for done in results) else 0


if __name__ == "__main__":
    sys.exit(main())
