"""The load: one run of wrk and its results."""

import json
import subprocess
from pathlib import Path

from tests.bench.found import Found
from tests.bench.layout import BENCH, CORES
from tests.bench.processes import BenchError

_TIMEOUT_SECONDS = 5


def load(port: int, names: Path, put_percent: int, connections: int, seconds: int) -> Found:
    """Let `connections` clients send one request after the other to `port` for `seconds`."""
    pinned = ["taskset", "--cpu-list", str(CORES[1])]
    client = ["wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds}s"]
    script = [f"--timeout={_TIMEOUT_SECONDS}s", "--script", str(BENCH / "load.lua")]
    target = [f"http://127.0.0.1:{port}", "--", str(names), str(put_percent)]
    done = subprocess.run([*pinned, *client, *script, *target], capture_output=True, text=True, check=False)
    if done.returncode != 0 or not done.stdout.endswith("}\n"):
        raise BenchError(f"wrk failed: {done.stdout[-500:]} {done.stderr[-500:]}")
    said = json.loads(done.stdout.splitlines()[-1])
    return Found(
        requests=int(said["requests"]),
        seconds=said["seconds"],
        p50_ms=said["p50_ms"],
        p99_ms=said["p99_ms"],
        max_ms=said["max_ms"],
        errors=int(said["wrong"] + said["failed"]),
    )
