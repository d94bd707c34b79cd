"""Rehearses the deployment: the real command and the real Terraform, on booted machines under load, without AWS.

    python -m tests.rehearsal.deploy [--minutes M] [--rate R] [--only SCENARIO ...]

Needs root and the image that `make image` leaves. Prints a table, writes build/deploy.json and a picture of each
scenario to build/rehearsal/deploy/; its exit status is 1 if a bound was missed.
"""

import argparse
import asyncio
import json
import logging
import re
import resource
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.rehearsal import checkout, picture, values
from tests.rehearsal.alarm import DELAY_SECONDS
from tests.rehearsal.control_plane import ControlPlane
from tests.rehearsal.deployments import LIKE_ANOTHER, SCENARIOS, Site
from tests.rehearsal.gateway import Gateway
from tests.rehearsal.scenarios import Result
from tests.rehearsal.stage import FOLDER, stage
from tests.rehearsal.state_bucket import StateBucket
from tests.support.emulator import IMAGES, account

REPORT = FOLDER.parent / "deploy.json"
PICTURES = FOLDER / "deploy"
LEAST = 60_000
_SHORT_MINUTES = 5.0
_IMAGES = ["a", "b", "errors", "breaks-later", "never-ready", "crash-loop"]
_IMAGE_IDS = dict(zip(_IMAGES, [name for name, machine in IMAGES.items() if machine == "arm64"], strict=True))


async def rehearse(given: argparse.Namespace) -> list[Result]:
    """Run the scenarios one after the other, the first from nothing, and print how each ended."""
    chosen = values.read().scaled(min(1.0, given.minutes / values.REAL_TIME_MINUTES))
    print(
        f"every wait of the plan times {chosen.scale:.2f}, as is CloudWatch's delay of {DELAY_SECONDS:.0f} s; "
        f"{given.rate:.0f} requests a second",
        flush=True,
    )
    PICTURES.mkdir(parents=True, exist_ok=True)
    with account(checkout.ACCOUNT_ID, PICTURES) as emulated:
        async with stage(chosen, given.rate, _IMAGES, 0, _IMAGE_IDS) as built:
            plane = ControlPlane(built, emulated, _IMAGE_IDS)
            gateway = Gateway(emulated.url, plane.actions, plane.changes)
            async with gateway.running() as endpoint:
                watching = asyncio.create_task(plane.watch())
                working_copy = await asyncio.to_thread(checkout.prepare, emulated, endpoint)
                state = await asyncio.to_thread(StateBucket.find, emulated)
                site = Site(built, plane, gateway, working_copy, state, _IMAGE_IDS, given.least)
                names = [name for name in SCENARIOS if name in (given.only or SCENARIOS)]
                results = [await _play(name, site) for name in names]
                watching.cancel()
    return results


async def _play(name: str, site: Site) -> Result:
    began = time.monotonic()
    print(f"{name} ...", end=" ", flush=True)
    done = await SCENARIOS[name](site)
    done.figures["seconds"] = round(time.monotonic() - began)
    missed = f"MISSED: {'; '.join(done.missed)} {done.figures['examples'][:3]}" if done.missed else "as it should be"
    print(f"{done.figures['failed']:,} of {done.figures['requests']:,} requests failed, {missed}", flush=True)
    return done


def report(results: list[Result], given: argparse.Namespace, seconds: float) -> None:
    """Write, print and draw the results."""
    told = {done.name: done.figures | {"missed": done.missed} for done in results}
    whole = {"minutes": given.minutes, "rate": given.rate, "seconds": round(seconds), "scenarios": told}
    REPORT.write_text(json.dumps(whole, indent=1), encoding="utf-8")
    table = Table("scenario", "requests", "failed", "writes lost", "exit", "serves", "seconds", "bounds")
    for done in results:
        seen = done.figures
        counts = [f"{seen[name]:,}" for name in ("requests", "failed", "acknowledged_writes_lost")]
        table.add_row(done.name, *counts, *(str(seen[name]) for name in ("exit", "serves", "seconds")), _verdict(done))
        if done.ticks:
            picture.draw(done, PICTURES / f"{'-'.join(re.findall(r'[a-z0-9]+', done.name.lower()))}.png")
    Console(width=110).print(table)


def _verdict(done: Result) -> str:
    return "MISSED" if done.missed else "met"


def main() -> int:
    """Run the rehearsal, report, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.rehearsal.deploy", description="Rehearse the deployment.")
    parser.add_argument(
        "--minutes", type=float, default=7, help=f"as of the rehearsal: {values.REAL_TIME_MINUTES} is real time"
    )
    parser.add_argument("--rate", type=float, default=400, help="requests a second")
    parser.add_argument("--least", type=int, default=LEAST, help="requests of what must lose none, at least")
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, metavar="SCENARIO", help=", ".join(SCENARIOS))
    parser.add_argument("--short", action="store_true", help="faster, without bad images that end as another one does")
    given = parser.parse_args()
    if given.short:
        given.minutes = _SHORT_MINUTES
        given.only = [name for name in SCENARIOS if name not in LIKE_ANOTHER]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # connections that the scenarios break
    FOLDER.mkdir(parents=True, exist_ok=True)
    Path(REPORT).unlink(missing_ok=True)  # so that an older report is never mistaken for this run's
    began = time.monotonic()
    results = asyncio.run(rehearse(given))
    report(results, given, time.monotonic() - began)
    return 1 if any(done.missed for done in results) else 0


if __name__ == "__main__":
    sys.exit(main())
