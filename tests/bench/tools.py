"""The programs the benchmark needs besides Python, and how to get those that are missing."""

import shutil

from tests.bench import fleet
from tests.bench.layout import CORES
from tests.bench.processes import BenchError

_ADVICE = {
    "taskset": "apt-get install util-linux",
    "node": "install Node.js 20 or newer",
    "wrk": "apt-get install wrk",
    "npm": "it comes with Node.js",
    "haproxy": "apt-get install haproxy",
}


def for_soak() -> tuple[str, ...]:
    """Return what the soak needs."""
    return ("taskset", "node")


def for_bench() -> tuple[str, ...]:
    """Return what the comparison needs on this machine."""
    return ("taskset", "node", "wrk", "npm", *(["haproxy"] if fleet.sizes() else []))


def require(programs: tuple[str, ...]) -> None:
    """Raise `BenchError` with one line that says what is missing and how to get it, if anything is."""
    if len(CORES) < 2:
        raise BenchError("Linux with two cores is needed: one for the server under test, one for the load")
    lacking = [f"{name} is missing: {_ADVICE[name]}" for name in programs if shutil.which(name) is None]
    if lacking:
        raise BenchError("; ".join(lacking))
