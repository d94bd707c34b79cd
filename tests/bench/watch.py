"""Who used the processors during a measurement: the server, the load, or something else on the machine.

A server's figures are meaningful only if the load generator was not the bottleneck and nothing else was busy.
"""

import os
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from tests.bench.layout import USED
from tests.bench.processes import usage


@dataclass(frozen=True)
class Spent:
    """Seconds of processor time, and the seconds of wall time in which they were used."""

    passed: float
    server: float
    load: float
    benchmark: float
    everybody: float

    @property
    def load_core(self) -> float:
        """Return how busy load generator and stand-in kept their core, 0 to 1."""
        return self.load / self.passed

    @property
    def others(self) -> float:
        """Return how many of the used cores were busy with other programs, or taken by the host (steal)."""
        return max(0.0, self.everybody - self.benchmark) / self.passed


class Watch:
    """Counts from its creation on; `load` are the processes that belong to the load besides wrk."""

    def __init__(self, server: Sequence[int], load: Sequence[int]) -> None:
        """Start counting."""
        self._server, self._load = server, load
        self._began = self._read()

    def spent(self) -> Spent:
        """Return what was used since the start."""
        began, now = self._began, self._read()
        return Spent(
            passed=now.passed - began.passed,
            server=now.server - began.server,
            load=now.load - began.load,
            benchmark=now.benchmark - began.benchmark,
            everybody=now.everybody - began.everybody,
        )

    def _read(self) -> Spent:
        return Spent(
            passed=time.monotonic(),
            server=usage(self._server).cpu_seconds,
            load=usage(self._load).cpu_seconds + _own_seconds(),
            benchmark=usage([os.getpid()]).cpu_seconds + _ended_seconds(),
            everybody=everybody_seconds(psutil.cpu_times(percpu=True), USED),
        )


def everybody_seconds(times: Sequence[Any], cores: Sequence[int]) -> float:
    """Return what all programs used of `cores`, including what the host gave to others (steal).

    Interrupts are left out: the kernel does not attribute them, and most are for the benchmark's own sockets.
    """
    fields = ("user", "nice", "system", "steal")
    return sum(float(getattr(times[core], field)) for core in cores for field in fields)


def _own_seconds() -> float:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime + _ended_seconds()


def _ended_seconds() -> float:
    # wrk has ended by the time this is read, so it is among the children that were waited for.
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime
