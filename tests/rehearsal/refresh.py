"""A model of Auto Scaling's instance refresh, as far as requests feel it.

It keeps the rules of AWS: instances that match are skipped; a new one is launched before an old one is terminated,
within the two percentages; it must become healthy, and stay so while it warms up; an alarm stops the refresh. It
differs in one thing: AWS tries for up to an hour to launch a healthy instance before it gives up, the model gives up at
the first that is not.
"""

import asyncio
import time
from collections.abc import Callable

from tests.rehearsal.fleet import Fleet, Instance

_LOOK_SECONDS = 0.2


class RefreshFailed(Exception):
    """The refresh ended before every instance was replaced; the message is its status reason."""


async def refresh(
    fleet: Fleet,
    image: str,
    alarm: Callable[[], str | None],
    checkpoint_seconds: float = 0,
    template: str | None = None,
) -> None:
    """Replace every instance that is not of `template`, by default `image`; raise RefreshFailed if that cannot be done.

    `alarm` returns why the refresh must stop, or None. An instance that failed stays until it is replaced, but one that
    never got healthy is terminated.
    """
    values = fleet.values
    template = template or image
    old = [instance for instance in fleet.in_service if not (values.skip_matching and instance.template == template)]
    leaving: list[asyncio.Task[None]] = []
    total = len(old)
    try:
        # What an earlier refresh that failed left above the desired size may go at once.
        surplus = old[max(0, len(old) + values.least - len(fleet.in_service)) :]
        old = old[: len(old) - len(surplus)]
        leaving += [asyncio.create_task(fleet.terminate(instance)) for instance in surplus]
        await asyncio.sleep(0)
        while old:
            room = values.most - len(fleet.in_service)
            batch = [await fleet.launch(image, template) for _ in range(min(room, len(old)))]
            for instance in batch:
                await _become_healthy(fleet, instance, alarm)
            await _watch(fleet, values.warmup, batch, alarm)
            leaving += [asyncio.create_task(fleet.terminate(instance)) for instance in old[: len(batch)]]
            old = old[len(batch) :]
            done = 100 * (total - len(old)) // total
            if any(done >= percent > done - 100 * len(batch) // total for percent in values.checkpoints):
                await _watch(fleet, checkpoint_seconds, batch, alarm)
            await asyncio.sleep(0)  # those that leave are out of service from here on
    finally:
        await asyncio.gather(*leaving)


async def _become_healthy(fleet: Fleet, instance: Instance, alarm: Callable[[], str | None]) -> None:
    healthy = await fleet.wait_in_service(instance)
    if not healthy:
        await _give_up(fleet, instance, "did not become healthy within the grace period")
    if reason := alarm():
        raise RefreshFailed(reason)


async def _give_up(fleet: Fleet, instance: Instance, reason: str) -> None:
    await fleet.terminate(instance)
    raise RefreshFailed(f"an instance of {instance.image} {reason}")


async def _watch(fleet: Fleet, seconds: float, batch: list[Instance], alarm: Callable[[], str | None]) -> None:
    """Wait, unless the alarm rings or a new instance turns out to be unhealthy."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if reason := alarm():
            raise RefreshFailed(reason)
        healthy = await fleet.healthy()
        for instance in batch:
            if instance.slot not in healthy:
                await _give_up(fleet, instance, "did not stay healthy")
        await asyncio.sleep(_LOOK_SECONDS)
