"""A model of Auto Scaling's instance refresh, as far as it affects requests and deployments.

It follows AWS's rules: instances that match are skipped; a new one is launched before an old one is terminated, within
the two percentages and only up to the next checkpoint; it must become healthy, and stay so during its warm-up; one that
does not is terminated and another is launched, for up to an hour; an alarm stops the refresh.
"""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.rehearsal.fleet import Fleet, Instance

_LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 3600.0
"""How long AWS goes on launching instances that do not become healthy, before it gives up."""


class RefreshFailed(Exception):
    """The refresh ended before every instance was replaced; the message is its status reason."""


@dataclass
class _Refresh:
    """A refresh in progress."""

    fleet: Fleet
    image: str
    template: str
    stopper: Callable[[], str | None]
    new: list[Instance] = field(default_factory=list)
    """The instances that it launched and found healthy."""

    def go_on(self) -> None:
        """Raise RefreshFailed if an alarm or a person stops it."""
        if reason := self.stopper():
            raise RefreshFailed(reason)

    async def launch(self) -> None:
        """Launch instances until one becomes healthy and stays so during its warm-up."""
        values = self.fleet.values
        gives_up = time.monotonic() + PATIENCE_SECONDS * values.scale
        while time.monotonic() < gives_up:
            instance = await self.fleet.launch(self.image, self.template)
            if await self.fleet.wait_in_service(instance) and await self._warms_up(instance):
                self.new.append(instance)
                return
            await self.fleet.terminate(instance)
            self.go_on()
        raise RefreshFailed(f"No instance of {self.image} became healthy.")

    async def pause(self, seconds: float) -> None:
        """Wait at a checkpoint; new instances that become unhealthy in the meantime are replaced."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.go_on()
            healthy = await self.fleet.healthy()
            for instance in [one for one in self.new if one.slot not in healthy]:
                self.new.remove(instance)
                await self.fleet.terminate(instance)
                await self.launch()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _warms_up(self, instance: Instance) -> bool:
        until = time.monotonic() + self.fleet.values.warmup
        self.go_on()
        while time.monotonic() < until:
            self.go_on()
            if instance.slot not in await self.fleet.healthy():
                return False
            await asyncio.sleep(_LOOK_SECONDS)
        return True


async def refresh(fleet: Fleet, image: str, stopper: Callable[[], str | None], template: str | None = None) -> None:
    """Replace all instances that are not of `template`, by default `image`; raise RefreshFailed if that fails.

    `stopper` returns why the refresh must stop, or None. After a stop, new instances and the remaining old ones stay.
    """
    values = fleet.values
    under_way = _Refresh(fleet, image, template or image, stopper)
    matching = under_way.template if values.skip_matching else None
    old = [instance for instance in fleet.in_service if instance.template != matching]
    leaving: list[asyncio.Task[None]] = []
    total = len(old)
    try:
        # Instances above the desired size, left by an earlier refresh that failed, can be terminated at once.
        surplus = old[max(0, len(old) + values.least - len(fleet.in_service)) :]
        old = old[: len(old) - len(surplus)]
        leaving += [asyncio.create_task(fleet.terminate(instance)) for instance in surplus]
        await asyncio.sleep(0)
        while old:
            done = total - len(old)
            checkpoint = next_checkpoint(values.checkpoints, total, done)
            count = min(values.most - len(fleet.in_service), len(old), checkpoint - done)
            for launched in await asyncio.gather(*(under_way.launch() for _ in range(count)), return_exceptions=True):
                if launched:
                    raise launched
            leaving += [asyncio.create_task(fleet.terminate(instance)) for instance in old[:count]]
            old = old[count:]
            await asyncio.sleep(0)  # the terminated instances are out of service from here on
            if old and total - len(old) == checkpoint:
                await under_way.pause(values.checkpoint_delay)
    finally:
        await asyncio.gather(*leaving)


def next_checkpoint(percentages: tuple[int, ...], total: int, done: int) -> int:
    """Return how many instances have been replaced when the refresh pauses next.

    A checkpoint is at the first number of instances that is not below its percentage, and is skipped if the refresh is
    already past it.
    """
    reached = (math.ceil(percent * total / 100) for percent in percentages)
    return next((count for count in reached if count > done), total)
