"""The scenarios of the rehearsal: each runs under load, does one thing to the fleet, and has bounds to meet."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.rehearsal.alarm import Alarm
from tests.rehearsal.balancer import PORT
from tests.rehearsal.images import COMMITS
from tests.rehearsal.load import TICK
from tests.rehearsal.refresh import RefreshFailed, refresh
from tests.rehearsal.second_writes import SecondWrites
from tests.rehearsal.stage import Life, Load, Stage

UNAVAILABLE_SECONDS = 60.0
SLOW_SECONDS = 3.0
RECOVERY_SECONDS = 5.0
_FAULT_RATE = 0.25  # of the usual rate: requests that wait for three seconds add up
_FEW = 15.0  # seconds, enough for some faults
_THROTTLED = 0.3
_FIRST_ENDS = 3.5  # seconds before the end of a fault, so that a write sent during it is also refused during it


@dataclass
class Result:
    """The results of a scenario."""

    name: str
    figures: dict[str, Any]
    missed: list[str] = field(default_factory=list)
    """The bounds that were not met."""
    ticks: list[dict[str, Any]] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)

    def require(self, met: bool, bound: str) -> None:
        """Record a bound that was not met."""
        if not met:
            self.missed.append(bound)


def result(name: str, stage: Stage, load: Load, **more: Any) -> Result:  # noqa: ANN401 - figures of any kind
    """Start a result with the clients' figures; no scenario may lose an acknowledged write."""
    summary = load.summary
    figures = {
        "requests": summary["requests"],
        "failed": summary["failed"],
        "acknowledged_writes": summary["acknowledged"],
        "acknowledged_writes_lost": summary["lost"],
        "slowest_ms": round(summary["slowest_ms"]),
        "median_p99_ms": round(sorted(tick["p99_ms"] for tick in load.ticks)[len(load.ticks) // 2], 1),
        "statuses": summary["statuses"],
        "versions": {name: summary["versions"].get(commit, 0) for name, commit in COMMITS.items()},
        "examples": summary["examples"],
    }
    figures["versions"] = {name: count for name, count in figures["versions"].items() if count}
    made = Result(name, figures | more, ticks=load.ticks, lives=stage.lives(load.began))
    made.require(summary["lost"] == 0, "no acknowledged write is lost")
    return made


async def rolling_refresh(stage: Stage, least: int) -> Result:
    """Replace A by B, one instance at a time: launch, warm up, deregister, drain, stop; go on to `least` requests."""
    alarm, reason = Alarm(stage.values), None
    async with stage.load(alarm) as load:
        began = time.monotonic()
        try:
            await refresh(stage.fleet, "b", alarm.reason)
        except RefreshFailed as error:
            reason = str(error)
        took = round(time.monotonic() - began, 1)
        await asyncio.sleep(max(0.0, least / stage.rate - (time.monotonic() - load.began)))
    done = result("rolling refresh", stage, load, status_reason=reason, refresh_seconds=took)
    done.require(reason is None, "the refresh succeeds")
    done.require(done.figures["failed"] == 0, "no request fails")
    done.require(done.figures["requests"] >= least, f"at least {least:,} requests")
    done.require(len(done.figures["versions"]) == 2, "both versions are seen")
    done.require({instance.image for instance in stage.fleet.in_service} == {"b"}, "every instance runs b")
    return done


async def killed(stage: Stage, _least: int) -> Result:
    """Send SIGKILL to one process: systemd restarts it, and only requests sent in the meantime are lost."""
    victim = stage.fleet.in_service[0]
    async with stage.load() as load:
        await asyncio.to_thread(victim.machine.run, "systemctl", "kill", "--signal=KILL", "hello-birthday")
        await asyncio.sleep(_FEW / 2)
    done = result("process killed", stage, load)
    bound = stage.rate / stage.values.desired * stage.values.interval * stage.values.unhealthy
    done.figures["bound"] = round(bound)
    done.require(done.figures["failed"] <= bound, "only requests to the instance fail, until its process is back")
    return done


async def unreachable(stage: Stage, _least: int) -> Result:
    """DynamoDB is unreachable: 503 in time, no instance replaced, fast recovery, and no refused write appears later."""
    seconds = max(UNAVAILABLE_SECONDS * stage.values.scale, _FEW / 2)
    before = list(stage.fleet.in_service)
    twice = SecondWrites(stage.host, PORT)
    async with stage.load(rate=stage.rate * _FAULT_RATE) as load:
        with stage.database.unreachable():
            gone = time.monotonic() - load.began
            await asyncio.gather(asyncio.sleep(seconds), twice.write_first(seconds - _FIRST_ENDS))
        back = time.monotonic() - load.began
        await twice.write_second()
        healthy = await stage.fleet.healthy()
        await asyncio.sleep(2 * RECOVERY_SECONDS)
        lost = await twice.lost()
    done = result("DynamoDB unreachable", stage, load, fault_seconds=round(seconds))
    done.figures |= {"refused_first_writes": twice.refused, "second_writes_lost": lost}
    done.require(twice.refused > 0, "first writes are refused")
    done.require(lost == 0, "no second write is replaced by a first one")
    during = _between(load, gone + 1, back)
    after = _between(load, back + RECOVERY_SECONDS, 1e9)
    recovered = next((tick["second"] for tick in load.ticks if tick["second"] > back and not tick["failed"]), 1e9)
    done.figures |= {"seconds_to_recover": round(recovered - back, 1)}
    users = {status for tick in during for status in tick["statuses"]} - {"200"}  # 200 is for /version
    done.require(users == {"503"}, "503 is the answer")
    slowest = max(tick["max_ms"] for tick in during)
    done.figures["slowest_during_fault_ms"] = round(slowest)
    done.require(slowest < 1000 * stage.values.budget + 500, "the answer comes within 3 s")
    done.require(healthy == {i.slot for i in before} and before == stage.fleet.in_service, "nobody is replaced")
    done.require(sum(tick["failed"] for tick in after) == 0, "well again within 5 s")
    return done


async def throttled(stage: Stage, _least: int) -> Result:
    """DynamoDB throttles 30 % of the keys: nearly all requests succeed, with few additional calls."""
    async with stage.load() as load:
        calls, second = stage.database.calls, time.monotonic()
        await asyncio.sleep(_FEW / 2)
        usual = (stage.database.calls - calls) / (time.monotonic() - second)
        with stage.database.throttling(_THROTTLED):
            start, calls, second = time.monotonic() - load.began, stage.database.calls, time.monotonic()
            await asyncio.sleep(_FEW)
            throttled = (stage.database.calls - calls) / (time.monotonic() - second)
            end = time.monotonic() - load.began
    done = result("30 % throttled", stage, load)
    ticks = _between(load, start, end)
    requests = sum(sum(tick["statuses"].values()) for tick in ticks)
    success = 1 - sum(tick["failed"] for tick in ticks) / requests
    done.figures |= {"success_percent": round(100 * success, 3), "amplification": round(throttled / usual, 2)}
    done.require(success >= 0.999, "at least 99.9 % succeed")
    most = 1.1 / (1 - _THROTTLED)  # what sending each key again costs, were no call shared; and a tenth of noise
    done.require(throttled / usual <= most, f"at most {most:.2f} times as many calls")
    return done


async def slow(stage: Stage, _least: int) -> Result:
    """DynamoDB takes three seconds, longer than any request waits: 503 in time, and fast recovery."""
    async with stage.load(rate=stage.rate * _FAULT_RATE) as load:
        with stage.database.slow(SLOW_SECONDS):
            start = time.monotonic() - load.began
            await asyncio.sleep(_FEW / 2)
            end = time.monotonic() - load.began
        healthy = await stage.fleet.healthy()
        await asyncio.sleep(2 * RECOVERY_SECONDS)
    done = result("DynamoDB slow (3 s)", stage, load)
    slowest = max(tick["max_ms"] for tick in _between(load, start + 1, end))
    done.figures["slowest_during_fault_ms"] = round(slowest)
    done.require(slowest < 1000 * stage.values.budget + 500, "the answer comes within 3 s")
    done.require(healthy == {instance.slot for instance in stage.fleet.in_service}, "every instance stays healthy")
    done.require(sum(t["failed"] for t in _between(load, end + RECOVERY_SECONDS, 1e9)) == 0, "well again within 5 s")
    return done


async def scaling_out(stage: Stage, _least: int) -> Result:
    """Double the group under load."""
    async with stage.load() as load:
        launched = [await stage.fleet.launch("b") for _ in range(stage.values.maximum - stage.values.desired)]
        got = [await stage.fleet.wait_in_service(instance) for instance in launched]
        await asyncio.sleep(2)
    done = result("scale-out", stage, load, instances=len(stage.fleet.in_service))
    done.require(all(got), "every new instance gets healthy")
    done.require(done.figures["failed"] == 0, "no request fails")
    return done


async def zone_lost(stage: Stage, _least: int) -> Result:
    """Cut the power of all instances of a zone at once; the group replaces them."""
    async with stage.load() as load:
        zone = [instance for instance in stage.fleet.in_service if instance.zone == "b"]
        share = len(zone) / len(stage.fleet.in_service)
        lost = time.monotonic()
        await stage.fleet.lose(*zone)
        while {instance.slot for instance in zone} & await stage.fleet.healthy():
            await asyncio.sleep(0.1)
        noticed = time.monotonic() - lost
        await asyncio.gather(*(stage.fleet.forget(instance) for instance in zone))
        launched = [await stage.fleet.launch("b") for _ in zone]
        got = [await stage.fleet.wait_in_service(instance) for instance in launched]
        replaced = time.monotonic() - lost
        await asyncio.sleep(2)
        quiet = time.monotonic() - load.began
        await asyncio.sleep(2)
    done = result("zone lost", stage, load, instances_lost=len(zone))
    bound = stage.rate * share * (noticed + 1)
    done.figures |= {"seconds_until_noticed": round(noticed, 1), "seconds_until_replaced": round(replaced, 1)}
    done.figures["bound"] = round(bound)
    values = stage.values
    # haproxy waits a whole interval for a connection, and another one before it tries again
    done.require(noticed <= 2 * values.unhealthy * values.interval + 1, "noticed as fast as checks allow")
    done.require(done.figures["failed"] <= bound, "only requests to the lost instances fail, until that is noticed")
    done.require(all(got), "the group replaces what was lost")
    done.require(sum(tick["failed"] for tick in _between(load, quiet, 1e9)) == 0, "no request fails afterwards")
    return done


async def scaling_in(stage: Stage, _least: int) -> Result:
    """Shrink the group to its usual size under load."""
    async with stage.load() as load:
        leaving = stage.fleet.in_service[: len(stage.fleet.in_service) - stage.values.desired]
        await asyncio.gather(*(stage.fleet.terminate(instance) for instance in leaving))
    done = result("scale-in", stage, load, instances=len(stage.fleet.in_service))
    done.require(done.figures["failed"] == 0, "no request fails")
    return done


def _between(load: Load, start: float, end: float) -> list[dict[str, Any]]:
    """Return the ticks that lie between two seconds of a load."""
    return [tick for tick in load.ticks if start <= tick["second"] - TICK and tick["second"] <= end]


Scenario = Callable[[Stage, int], Awaitable[Result]]
SCENARIOS: dict[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (
        rolling_refresh,
        killed,
        unreachable,
        throttled,
        slow,
        scaling_out,
        zone_lost,
        scaling_in,
    )
}
