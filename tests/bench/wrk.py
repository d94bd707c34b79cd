"""The load: one run of wrk and what it found."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.bench.layout import BENCH, CORES
from tests.bench.processes import BenchError

_TIMEOUT_SECONDS = 5


@dataclass(frozen=True)
class Found:
    """What the clients saw; `errors` counts wrong answers and connections that failed."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    errors: int


def load(port: int, names: Path, put_percent: int, connections: int, seconds: int) -> Found:
    """Let `connections` clients send one request after the other to `port` for `seconds`."""
    pinned = ["taskset", "--cpu-list", str(CORES[1])]
    client = ["wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds}s"]
    script = [f"--timeout={_TIMEOUT_SECONDS}s", "--script", str(BENCH / "load.lua")]
    target = [f"http://127.0.0.1:{port}", "--", str(names), str(put_percent)]
    done = subprocess.run([*pinned, *client, *script, *target], capture_output=True, text=True, check=False)
    if done.returncode != 0 or not done.stdout.endswith("}\n"):
        raise BenchError(f"wrk failed: {done.stdout[-500:]} {done.stderr[-500:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return Found(
        requests=int(found["requests"]),
        seconds=found["seconds"],
        p50_ms=found["p50_ms"],
        p99_ms=found["p99_ms"],
        max_ms=found["max_ms"],
        errors=int(found["wrong"] + found["failed"]),
    )
