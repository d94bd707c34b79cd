"""`python -m tests.fuzz`: send unexpected requests, show the answers, and fail if any was wrong."""

import argparse
import asyncio
import json
import random
import sys
import time

from rich.console import Console

from tests.fuzz import report
from tests.fuzz.campaign import hypothesis_cases, raw_requests, repeated_characters, schemathesis_cases
from tests.fuzz.plan import FULL, SHORT, Plan
from tests.fuzz.report import Run
from tests.fuzz.target import guarded_target, memory_mb, target

_WRONG = 1
_SHOWN, _SHOWN_CHARACTERS = 3, 4000


def main() -> int:
    """Run all stages; return 0, or 1 if the service broke a rule."""
    options = _parser().parse_args()
    began = time.monotonic()
    run = asyncio.run(_fuzz(SHORT if options.short else FULL, options.seed))
    faults = report.faults(run)
    figures = report.summary(run, time.monotonic() - began)
    report.FILE.write_text(json.dumps(figures | {"faults": faults}, indent=1))
    Console().print(report.table(run, figures))
    for fault in faults[:_SHOWN]:
        print(f"fuzz: {fault[:_SHOWN_CHARACTERS]}\n", file=sys.stderr)
    if faults:
        print(f"fuzz: faults: {len(faults)}, see {report.FILE}; to repeat: --seed {options.seed}", file=sys.stderr)
    return _WRONG if faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a tenth of it")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="what to repeat (default: a new one)")
    return parser


async def _fuzz(plan: Plan, seed: int) -> Run:
    folder = report.FILE.absolute().parent
    folder.mkdir(exist_ok=True)
    print(f"{plan.least:,} cases and {plan.raw:,} raw requests with seed {seed}", flush=True)
    async with target() as service:
        before = memory_mb(service)
        stages = [
            await hypothesis_cases(service.url, seed, plan.cases),
            await schemathesis_cases(service.url, seed, plan.examples, folder),
            await raw_requests(service.url, seed, plan.raw),
        ]
        async with guarded_target() as (guarded, token):
            stages.append(await repeated_characters(guarded, token, plan.part))
        after = memory_mb(service)
    return Run(plan, seed, stages, service, before, after)


if __name__ == "__main__":
    sys.exit(main())
