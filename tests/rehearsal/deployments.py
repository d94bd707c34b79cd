"""What is rehearsed of the deployment: each scenario runs the real command, most of them under load."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.rehearsal.alarm import Alarm
from tests.rehearsal.balancer import PORT
from tests.rehearsal.checkout import ENVIRONMENT, Checkout
from tests.rehearsal.control_plane import ControlPlane
from tests.rehearsal.scenarios import Result, result
from tests.rehearsal.stage import Load, Stage

DONE, FAILED, REFUSED = 0, 1, 2
_INTERRUPTED = 128 + signal.SIGTERM
_ELSEWHERE = ["nice", "-n", "15"]  # a deployment runs on another machine than the fleet
_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 600


@dataclass
class Site:
    """Everything that is there before a scenario begins."""

    stage: Stage
    plane: ControlPlane
    checkout: Checkout
    image_ids: dict[str, str]
    least: int

    async def command(self, *arguments: str, name: str) -> asyncio.subprocess.Process:
        """Start the deployment command, as a person does; what it prints goes to a file."""
        values = self.stage.values
        minutes = 5 * values.scale
        fixed = [f"--base-url=http://{self.stage.host}:{PORT}", f"--watch-minutes={minutes}", "--minutes=30"]
        with (self.checkout.folder / "build" / f"{name}.log").open("a", encoding="utf-8") as log:
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
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await process.wait()

    @asynccontextmanager
    async def load(self) -> AsyncIterator[Load]:
        """Put the load on, watched by the alarm."""
        self.plane.alarm = Alarm(self.stage.values)
        async with self.stage.load(self.plane.alarm) as load:
            yield load

    def told(self, name: str, load: Load, status: int) -> Result:
        """Begin a result."""
        serves = ", ".join(sorted({instance.image for instance in self.stage.fleet.in_service}))
        return result(name, self.stage, load, exit=status, serves=serves)


async def first(site: Site) -> Result:
    """From an empty account to a service that answers."""
    status = await site.deploy("a", "first")
    figures = {"requests": 0, "failed": 0, "acknowledged_writes_lost": 0, "exit": status, "examples": []}
    done = Result("first deployment", figures)
    serving = [instance.image for instance in site.stage.fleet.in_service]
    done.figures["serves"] = ", ".join(sorted(set(serving)))
    done.require(status == DONE, "the exit status is 0")
    done.require(serving == ["a"] * site.stage.values.desired, "every instance runs a")
    return done


async def _replace(site: Site, image: str, expected: str, name: str) -> Result:
    """Deploy another image under load."""
    async with site.load() as load:
        first_try = asyncio.create_task(site.deploy(image, name))
        second_status = await _second(site, first_try)
        status = await first_try
        await asyncio.sleep(max(0.0, site.least / site.stage.rate - (time.monotonic() - load.began)))
    done = site.told(name, load, status)
    done.figures["exit_of_a_second_at_once"] = second_status
    done.require(status == DONE, "the exit status is 0")
    done.require(second_status == REFUSED, "a second deployment at once is refused")
    done.require(done.figures["failed"] == 0, "no request fails")
    done.require(done.figures["requests"] >= site.least, f"at least {site.least:,} requests")
    done.require(len(done.figures["versions"]) == 2, "both versions are seen")
    done.require(done.figures["serves"] == expected, f"every instance runs {expected}")
    return done


async def _second(site: Site, first_try: "asyncio.Task[int]") -> int | None:
    """Start a second deployment while the first waits for its refresh, and return its exit status."""
    known = len(site.plane.refreshes)
    while len(site.plane.refreshes) == known and not first_try.done():
        await asyncio.sleep(_LOOK_SECONDS)
    return None if first_try.done() else await site.deploy("b", "second")


async def upgrade(site: Site) -> Result:
    """A to B."""
    return await _replace(site, "b", "b", "upgrade")


async def rollback(site: Site) -> Result:
    """B back to A, by the command that deploys."""
    return await _replace(site, "previous", "a", "rollback")


async def _bad(site: Site, image: str, name: str) -> Result:
    """Deploy a bad image: it must end where it began, with an exit status that says so."""
    before = {instance.image for instance in site.stage.fleet.in_service}
    async with site.load() as load:
        status = await site.deploy(image, image)
    done = site.told(name, load, status)
    done.require(status == FAILED, "the exit status is 1")
    done.require({done.figures["serves"]} == before, "the old version serves everywhere")
    seconds = sum(_bad_seconds(site, image, load))
    bound = site.stage.rate / site.stage.values.desired * seconds
    done.figures["bound"] = round(bound)
    done.require(done.figures["failed"] <= bound, "only requests to bad instances fail")
    return done


def _bad_seconds(site: Site, image: str, load: Load) -> list[float]:
    """Return how many seconds each instance of `image` took requests during a load."""
    lives = [life for life in site.stage.lives(load.began) if life.image == image]
    states = [{state: at for at, state in life.states} for life in lives]
    return [
        life.get("stopping", life["in service"]) - life["in service"] + 1 for life in states if "in service" in life
    ]


async def never_ready(site: Site) -> Result:
    """An image that never gets ready: no client notices."""
    return await _bad(site, "never-ready", "bad image: never ready")


async def errors(site: Site) -> Result:
    """An image that is healthy and answers 500: the alarm stops it, and its share of the requests fails."""
    return await _bad(site, "errors", "bad image: answers 500")


async def interrupted(site: Site) -> Result:
    """The command is stopped within the refresh, and run again."""
    async with site.load() as load:
        known = len(site.plane.refreshes)
        process = await site.command(f"--image={site.image_ids['b']}", name="interrupted")
        while len(site.plane.refreshes) == known and process.returncode is None:
            await asyncio.sleep(_LOOK_SECONDS)
        await asyncio.sleep(1)  # into the wait for the refresh
        process.terminate()
        interrupted_status = await process.wait()
        status = await site.deploy("b", "resumed")
    done = site.told("interrupted and resumed", load, status)
    done.figures["exit_when_interrupted"] = interrupted_status
    done.require(interrupted_status == _INTERRUPTED, "the exit status of the first is 143")
    done.require(status == DONE, "the exit status of the second is 0")
    done.require(len(site.plane.refreshes) == known + 1, "the refresh that was under way is the only one")
    done.require(done.figures["failed"] == 0, "no request fails")
    done.require(done.figures["serves"] == "b", "every instance runs b")
    return done


Scenario = Callable[[Site], Awaitable[Result]]
SCENARIOS: dict[str, Scenario] = {
    scenario.__name__: scenario for scenario in (first, upgrade, errors, never_ready, rollback, interrupted)
}
