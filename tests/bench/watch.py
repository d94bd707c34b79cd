"""Who used the processors during a measurement: the server, the load, or somebody else on the machine.

A server's figures mean something only if the load was not the slower one, and if nobody else was busy.
"""

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from tests.bench.processes import usage

# So many cores, kept busy by others, make figures doubtful.
BUSY_OTHERS = 0.2


@dataclass(frozen=True)
class Spent:
    """Seconds of processor time, and the seconds that passed meanwhile."""

    passed: float
    server: float
    load: float
    everybody: float

    @property
    def load_core(self) -> float:
        """Return how busy load generator and stand-in kept their core, 0 to 1."""
        return self.load / self.passed

    @property
    def others(self) -> float:
        """Return how many cores were busy with what is no part of the benchmark."""
        return max(0.0, self.everybody - self.server - self.load) / self.passed


class Watch:
    """Counts from the moment it is made; `load` are the processes that serve the load beside wrk."""

    def __init__(self, server: Sequence[int], load: Sequence[int]) -> None:
        """Begin to count."""
        self._server, self._load = server, load
        self._began = self._read()

    def spent(self) -> Spent:
        """Return what was used since the beginning."""
        began, now = self._began, self._read()
        return Spent(
            passed=now.passed - began.passed,
            server=now.server - began.server,
            load=now.load - began.load,
            everybody=now.everybody - began.everybody,
        )

    def _read(self) -> Spent:
        times = psutil.cpu_times()
        return Spent(
            passed=time.monotonic(),
            server=usage(self._server).cpu_seconds,
            load=usage(self._load).cpu_seconds + _own_seconds(),
            everybody=times.user + times.nice + times.system + times.irq + times.softirq,
        )


def _own_seconds() -> float:
    # wrk has ended by the time this is read, so it is among the children that were waited for.
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)
