"""The scenarios of the deployment's rehearsal: each runs the real command, most of them under load."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from terraform.deploy.exit_status import Status
from terraform.deploy.limits import Limits
from tests.rehearsal.alarm import Alarm, latest_seconds
from tests.rehearsal.balancer import PORT
from tests.rehearsal.checkout import ENVIRONMENT, Checkout
from tests.rehearsal.control_plane import ControlPlane
from tests.rehearsal.gateway import Gateway
from tests.rehearsal.scenarios import Result, result
from tests.rehearsal.stage import Life, Load, Stage
from tests.rehearsal.state_bucket import StateBucket

_INTERRUPTED = 128 + signal.SIGTERM
_ELSEWHERE = ["nice", "-n", "15"]  # in production, a deployment runs on another machine than the fleet
_LOOK_SECONDS = 0.2
_TROUBLE_SECONDS = 20
_COMPUTING_MINUTES = 20  # for Terraform and this machine, whose work is not scaled
_WAY_BACK_SECONDS = 90  # to plan and apply the last release on this machine, before bad instances can be deregistered


def budget_minutes(scale: float) -> float:
    """Return how long a rehearsed deployment with its rollback may take: unscaled, at least as long as a real one."""
    return Limits.minutes * scale + _COMPUTING_MINUTES


@dataclass
class Site:
    """Everything that exists before a scenario begins."""

    stage: Stage
    plane: ControlPlane
    gateway: Gateway
    checkout: Checkout
    state: StateBucket
    image_ids: dict[str, str]
    least: int

    async def command(self, *arguments: str, name: str) -> asyncio.subprocess.Process:
        """Start the deployment command, as a person does; its output goes to a file."""
        scale = self.stage.values.scale
        times = [f"--minutes={budget_minutes(scale)}", f"--watch-minutes={Limits.watch_minutes * scale}"]
        fixed = [f"--base-url=http://{self.stage.host}:{PORT}", *times]
        with self._log(name).open("a", encoding="utf-8") as log:
            return await asyncio.create_subprocess_exec(
                *_ELSEWHERE,
                sys.executable,
                *["-m", "terraform.deploy", ENVIRONMENT, *arguments, *fixed],
                cwd=self.checkout.folder,
                env={name: os.environ[name] for name in ("HOME", "PATH")} | self.checkout.environ,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def deploy(self, image: str, name: str) -> int:
        """Run the command to its end, and return its exit status."""
        process = await self.command(f"--image={self.image_ids.get(image, image)}", name=name)
        async with asyncio.timeout(60 * budget_minutes(self.stage.values.scale) + 60):
            return await process.wait()

    async def waits(self, name: str, ended: Callable[[], bool]) -> None:
        """Return as soon as a command waits for its refresh, or has ended."""
        self._log(name).touch()
        while b"  instance refresh InProgress" not in self._log(name).read_bytes() and not ended():
            await asyncio.sleep(_LOOK_SECONDS)

    def _log(self, name: str) -> Path:
        return self.checkout.folder / "build" / f"{name}.log"

    @asynccontextmanager
    async def load(self) -> AsyncIterator[Load]:
        """Apply the load, watched by the alarm."""
        self.plane.alarm = Alarm(self.stage.values)
        async with self.stage.load(self.plane.alarm) as load:
            yield load

    def told(self, name: str, load: Load, status: int) -> Result:
        """Start a result with the exit status and the images in service."""
        serves = ", ".join(sorted({instance.image for instance in self.stage.fleet.in_service}))
        return result(name, self.stage, load, exit=status, serves=serves)


async def first(site: Site) -> Result:
    """Deploy into an empty account; the service answers."""
    status = await site.deploy("a", "first")
    figures = {"requests": 0, "failed": 0, "acknowledged_writes_lost": 0, "exit": status, "examples": []}
    done = Result("first deployment", figures)
    serving = [instance.image for instance in site.stage.fleet.in_service]
    done.figures["serves"] = ", ".join(sorted(set(serving)))
    done.require(status == Status.DONE, "the exit status is 0")
    done.require(serving == ["a"] * site.stage.values.desired, "every instance runs a")
    return done


async def _replace(
    site: Site, image: str, expected: str, name: str, meanwhile: Callable[[], Awaitable[None]]
) -> Result:
    """Deploy another image under load; `meanwhile` happens while the command waits for its refresh."""
    async with site.load() as load:
        deployment = asyncio.create_task(site.deploy(image, name))
        await site.waits(name, deployment.done)
        await meanwhile()
        status = await deployment
        await asyncio.sleep(max(0.0, site.least / site.stage.rate - (time.monotonic() - load.began)))
    done = site.told(name, load, status)
    done.require(status == Status.DONE, "the exit status is 0")
    done.require(done.figures["failed"] == 0, "no request fails")
    done.require(done.figures["requests"] >= site.least, f"at least {site.least:,} requests")
    done.require(len(done.figures["versions"]) == 2, "both versions are seen")
    done.require(done.figures["serves"] == expected, f"every instance runs {expected}")
    return done


async def upgrade(site: Site) -> Result:
    """Deploy B over A; a second deployment at the same time is refused."""
    second: list[int] = []

    async def meanwhile() -> None:
        second.append(await site.deploy("b", "second"))

    done = await _replace(site, "b", "b", "upgrade", meanwhile)
    done.figures["exit_of_a_second_at_once"] = second[0]
    done.require(second == [Status.REFUSED], "a second deployment at once is refused")
    return done


async def rollback(site: Site) -> Result:
    """Deploy the previous image, A, over B with the same command, while AWS answers with errors for some seconds."""

    async def meanwhile() -> None:
        with site.gateway.in_trouble():
            await asyncio.sleep(_TROUBLE_SECONDS)

    done = await _replace(site, "previous", "a", "rollback", meanwhile)
    done.figures["seconds_of_errors"] = _TROUBLE_SECONDS
    return done


async def _bad(site: Site, image: str, name: str) -> Result:
    """Deploy a bad image: the old version must serve again in the end, and the exit status must say so."""
    before = {instance.image for instance in site.stage.fleet.in_service}
    async with site.load() as load:
        status = await site.deploy(image, image)
    done = site.told(name, load, status)
    done.require(status == Status.FAILED, "the exit status is 1")
    done.require({done.figures["serves"]} == before, "the old version serves everywhere")
    lives = [life for life in site.stage.lives(load.began) if life.image == image]
    done.figures["bad_instances"] = len(lives)
    done.figures["bad_seconds"] = round(sum(_seconds_in_service(life) for life in lives), 1)
    return done


def _seconds_in_service(life: Life) -> float:
    """Return the longest time for which an instance may have received requests."""
    states = {state: at for at, state in life.states}
    if "in service" not in states:
        return 0.0
    return states.get("deregistered", states.get("stopping", states["in service"])) - states["in service"]


async def _never_served(site: Site, image: str, name: str) -> Result:
    """Deploy an image that never gets a request: no client notices, and two failed instances end the deployment."""
    done = await _bad(site, image, name)
    done.require(done.figures["failed"] == 0, "no request fails")
    done.require(done.figures["bad_seconds"] == 0, "no instance of it takes requests")
    done.require(2 <= done.figures["bad_instances"] <= 3, "given up after two, and the one that was on its way")
    return done


async def errors(site: Site) -> Result:
    """An image that answers 500 fails its own self-test, so it never becomes ready."""
    return await _never_served(site, "errors", "bad image: answers 500")


async def never_ready(site: Site) -> Result:
    """An image that finds no table never becomes ready."""
    return await _never_served(site, "never-ready", "bad image: never ready")


async def breaks_later(site: Site) -> Result:
    """An image that works at first: one instance of it takes requests until the alarm and the rollback end that."""
    done = await _bad(site, "breaks-later", "bad image: breaks later")
    values = site.stage.values
    seconds = latest_seconds(values.alarm_period, values.alarm_bad, values.scale) + _WAY_BACK_SECONDS
    bound = site.stage.rate / values.desired * seconds
    done.figures["bound"] = round(bound)
    done.require(0 < done.figures["failed"] <= bound, f"one instance's share for {seconds:.0f} s is all that may fail")
    done.require(done.figures["bad_instances"] == 1, "the refresh pauses after the first instance")
    return done


async def crash_loop(site: Site) -> Result:
    """An image that dies every few seconds is given up after two instances; only requests to those fail."""
    done = await _bad(site, "crash-loop", "bad image: crash loop")
    bound = site.stage.rate / site.stage.values.desired * (done.figures["bad_seconds"] + 1)
    done.figures["bound"] = round(bound)
    done.require(done.figures["failed"] <= bound, "only requests to bad instances fail")
    done.require(done.figures["bad_instances"] <= 3, "given up after two, and the one that was on its way")
    return done


async def interrupted(site: Site) -> Result:
    """The command loses its lease during the refresh, is run again, stopped, and run again despite a stale lock."""
    async with site.load() as load:
        known = len(site.plane.refreshes)
        loser = asyncio.create_task(site.deploy("b", "interrupted-1"))
        await site.waits("interrupted-1", loser.done)
        with site.state.lease_of_another():
            lost_status = await loser
        process = await site.command(f"--image={site.image_ids['b']}", name="interrupted-2")
        await site.waits("interrupted-2", lambda: process.returncode is not None)
        process.terminate()
        interrupted_status = await process.wait()
        with site.state.lock_left_behind():
            resumed = asyncio.create_task(site.deploy("b", "resumed"))
            await asyncio.wait({resumed}, timeout=_TROUBLE_SECONDS)
        status = await resumed
    done = site.told("interrupted and resumed", load, status)
    done.figures |= {"exit_when_the_lease_was_lost": lost_status, "exit_when_interrupted": interrupted_status}
    done.require(done.figures["requests"] >= site.least, f"at least {site.least:,} requests")
    done.require(lost_status == Status.STUCK, "the exit status of the first is 3")
    done.require(interrupted_status == _INTERRUPTED, "the exit status of the second is 143")
    done.require(status == Status.DONE, "the exit status of the third is 0")
    done.require(len(site.plane.refreshes) == known + 1, "the refresh that was under way is the only one")
    done.require(done.figures["failed"] == 0, "no request fails")
    done.require(done.figures["serves"] == "b", "every instance runs b")
    return done


Scenario = Callable[[Site], Awaitable[Result]]
SCENARIOS: dict[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (first, upgrade, errors, breaks_later, never_ready, crash_loop, rollback, interrupted)
}
LIKE_ANOTHER = (never_ready.__name__, crash_loop.__name__)
"""Scenarios that end in the same way as another one, for other reasons."""
