"""`python -m tests.bench`: measure, print and save the figures; fail if a promise was missed on an idle machine."""

import argparse
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.bench import (
    fleet,
    golang,
    install,
    journal,
    layout,
    measuring,
    picture,
    plan,
    report,
    status,
    tables,
    tools,
    verdict,
)
from tests.bench.plan import Plan
from tests.bench.processes import BenchError
from tests.bench.report import Outcome
from tests.bench.samples import Sample, medians
from tests.bench.servers import GO, JOURNAL, SERVERS
from tests.bench.status import Status

# Columns: the widest table needs that many, whatever the terminal's width.
_WIDTH = 124


def main() -> int:
    """Run the comparison; return a `Status`."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        tools.require(tools.for_bench())
        return _run(options, Console(width=_WIDTH))
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return Status.NOT_POSSIBLE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__, epilog=status.EXPLAINED)
    parser.add_argument("--short", action="store_true", help="only show that everything runs; fail on errors only")
    parser.add_argument("--output", type=Path, default=layout.ROOT / "build" / "bench.json", help="figures as JSON")
    parser.add_argument(
        "--picture", type=Path, default=layout.ROOT / "build" / "bench.png", help="figures as a picture"
    )
    return parser


def _run(options: argparse.Namespace, console: Console) -> int:
    console.print("installing the peers")
    left_out = _install()
    wanted = plan.short() if options.short else plan.full()
    layout.settle()
    samples = _measure(wanted.without(left_out), console)
    outcome = _judge(samples, left_out, short=options.short)
    report.write(options.output, outcome)
    found = medians(samples)
    picture.draw(found, options.picture)
    tables.show(console, found, outcome)
    _tell(outcome, console)
    return outcome.status


def _judge(samples: list[Sample], left_out: Mapping[str, str], *, short: bool) -> Outcome:
    ratios = verdict.ratios(samples)
    missed = verdict.missed(ratios, left_out, only_errors=short)
    busy = status.busyness([sample.figures.others for sample in samples])
    judged = status.judged(missed, busy, short=short)
    return Outcome(short, samples, ratios, missed if judged is Status.MISSED else [], busy, judged, left_out)


def _tell(outcome: Outcome, console: Console) -> None:
    for sentence in outcome.left_out.values():
        console.print(sentence)
    if (disturbed := status.sentence(outcome.others_used)) is not None:
        print(f"bench: {disturbed}", file=sys.stderr)
    if outcome.status is Status.MISSED:
        print(f"bench: missed {', '.join(outcome.missed)}", file=sys.stderr)


def _install() -> dict[str, str]:
    """Install the peers; return those that cannot be installed on this machine, each with the reason."""
    for name in [server.peer for server in SERVERS.values() if server.peer]:
        install.install(name)
    reasons = {GO: golang.install(), JOURNAL: journal.left_out(), "fleet": fleet.left_out()}
    return {server: reason for server, reason in reasons.items() if reason is not None}


def _measure(chosen: Plan, console: Console) -> list[Sample]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, refresh_per_second=1) as progress:
        task = progress.add_task("starting", total=measuring.steps(chosen))

        def advance(description: str) -> None:
            if not console.is_terminal and description != progress.tasks[task].description:
                console.print(description)
            progress.update(task, advance=1, description=description)

        return measuring.measure(chosen, advance)


if __name__ == "__main__":
    sys.exit(main())
