"""Processes of the benchmark: each is pinned to a core, watched while it runs and stopped with all its children."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.bench.layout import ROOT

_START_SECONDS = 30
_STOP_SECONDS = 5


class BenchError(Exception):
    """The benchmark cannot go on; the message says why."""


@contextmanager
def running(
    command: Sequence[str], *, core: int, port: int, environ: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` on `core` until the context ends; enter it once it accepts connections on `port`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as stream:
        process = subprocess.Popen(
            ["taskset", "--cpu-list", str(core), *command],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stream,
            start_new_session=True,
        )
    try:
        if not _accepts(process, port):
            raise BenchError(f"{' '.join(command)} did not start; the end of {log}:\n{log.read_text()[-2000:]}")
        yield process
    finally:
        _stop(process)


def _accepts(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(_STOP_SECONDS)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def free_port() -> int:
    """Return a free TCP port of the loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Usage:
    """What processes and their children have used so far."""

    cpu_seconds: float
    rss_mb: float


def usage(pids: Sequence[int]) -> Usage:
    """Return the sum over the processes `pids` and all their children; raise `BenchError` if one has ended."""
    try:
        parents = [psutil.Process(pid) for pid in pids]
        tree = [process for parent in parents for process in (parent, *parent.children(recursive=True))]
        times = [process.cpu_times() for process in tree]
        memory = sum(process.memory_info().rss for process in tree)
    except psutil.NoSuchProcess as error:
        raise BenchError("a server or the stand-in ended while it was measured; the logs are in build/bench") from error
    return Usage(cpu_seconds=sum(spent.user + spent.system for spent in times), rss_mb=memory / 1e6)


def request(port: int, method: str, path: str, body: str = "", **headers: str) -> tuple[int, bytes]:
    """Send one request to `port`; return the status and the body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def told_by(program: str, *arguments: int) -> dict[str, Any]:
    """Run one of the benchmark's own programs on this process's core, and return the object it prints."""
    command = [sys.executable, "-m", f"tests.bench.{program}", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"the load {program} failed: {done.stderr[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
