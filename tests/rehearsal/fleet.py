"""The Auto Scaling group: instances that boot, register, serve, deregister and terminate."""

import asyncio
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests.rehearsal.balancer import SLOTS, Balancer
from tests.rehearsal.values import Values
from tests.support.machine import Bridge, Machine, booted, trusting

_ADDRESSES = 20  # the first instance has .21; below are the host and the database
_ZONES = "abc"
# How long the load balancer may still send requests after a deregistration. AWS publishes no figure.
PROPAGATION_SECONDS = 5.0


@dataclass(eq=False)
class Instance:
    """One machine of the fleet and its life so far."""

    slot: str
    address: str
    image: str
    zone: str
    machine: Machine
    power: ExitStack
    instance_id: str
    template: str
    """Version of the launch template from which it was launched."""

    states: list[tuple[float, str]] = field(default_factory=list)
    """When it entered each state, in seconds of the monotonic clock."""

    def enter(self, state: str) -> None:
        """Record a new state."""
        self.states.append((time.monotonic(), state))

    @property
    def state(self) -> str:
        """The state it is in: pending, in service, deregistered, deregistering, stopping, gone."""
        return self.states[-1][1]


class Fleet:
    """Launches and terminates instances, as the group's activities do."""

    def __init__(
        self,
        network: Bridge,
        balancer: Balancer,
        images: dict[str, Path],
        values: Values,
        folder: Path,
        image_ids: dict[str, str] | None = None,
    ) -> None:
        """Start empty; `folder` is for files that the instances read, `image_ids` are ids of images by name."""
        self._network, self._balancer, self._images, self._folder = network, balancer, images, folder
        self.values = values
        self.by_address: dict[str, str] = {}
        """Image ids by address, for the metadata service."""
        self.instances: list[Instance] = []
        self._image_ids = image_ids or {name: f"ami-{name}" for name in images}

    @cached_property
    def _trusting(self) -> list[str]:
        """The options of machines that trust the database; their files are written once, for the first machine."""
        return trusting(self._folder)

    @property
    def in_service(self) -> list[Instance]:
        """Return the group's instances in service, oldest first; deregistered ones count, but take no requests."""
        return [instance for instance in self.instances if instance.state in {"in service", "deregistered"}]

    async def launch(self, image: str, template: str | None = None) -> Instance:
        """Boot an instance and register it; it takes requests once the load balancer finds it healthy.

        Without a version of the launch template, the image's name is used instead.
        """
        number = self._free_number()
        slot, address = f"i{number}", f"{self._network.address.rpartition('.')[0]}.{_ADDRESSES + number}"
        self.by_address[address] = self._image_ids[image]
        power = ExitStack()
        root = self._images[image]
        machine = power.enter_context(booted(root, self._network, f"h{number}", *self._trusting, address=address))
        zones = [instance.zone for instance in self.instances if instance.state != "gone"]
        zone = min(_ZONES, key=zones.count)
        instance_id = f"i-{len(self.instances) + 1:017x}"
        instance = Instance(slot, address, image, zone, machine, power, instance_id, template or image)
        instance.enter("pending")
        self.instances.append(instance)
        await self._balancer.register(slot, address, self.values.port)
        return instance

    async def wait_in_service(self, instance: Instance) -> bool:
        """Wait until an instance takes requests; return whether it did within the grace period."""
        deadline = time.monotonic() + self.values.grace
        while instance.slot not in await self.healthy():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.1)
        instance.enter("in service")
        return True

    async def healthy(self) -> set[str]:
        """Return the slots that the load balancer sends requests to."""
        return await self._balancer.healthy()

    async def terminate(self, instance: Instance) -> None:
        """Deregister an instance, wait for the deregistration delay, and shut it down.

        The load balancer goes on sending requests for a moment after the deregistration; without a delay, the instance
        stops in the meantime.
        """
        instance.enter("deregistering")
        told = asyncio.create_task(self.deregister_late(instance, PROPAGATION_SECONDS * self.values.scale))
        await asyncio.sleep(self.values.deregistration)
        instance.enter("stopping")
        await asyncio.to_thread(instance.power.close)
        await told
        await self.forget(instance)

    async def lose(self, *instances: Instance) -> None:
        """Cut the power of instances, all at once; the load balancer is not informed."""
        for instance in instances:
            instance.enter("lost")
        await asyncio.gather(*(asyncio.to_thread(instance.machine.cut_power) for instance in instances))

    async def forget(self, instance: Instance) -> None:
        """Remove an instance that has stopped or is lost from the load balancer and the fleet."""
        await self._balancer.remove(instance.slot)
        instance.power.close()
        instance.enter("gone")

    async def end(self) -> None:
        """Switch everything off."""
        on = [instance for instance in self.instances if instance.state != "gone"]
        await asyncio.gather(*(asyncio.to_thread(instance.power.close) for instance in on))

    async def deregister_late(self, instance: Instance, seconds: float) -> None:
        """Deregister an instance from the load balancer in `seconds` from now."""
        await asyncio.sleep(seconds)
        await self._balancer.deregister(instance.slot)

    def _free_number(self) -> int:
        taken = {instance.slot for instance in self.instances if instance.state != "gone"}
        return next(number for number in range(1, SLOTS + 1) if f"i{number}" not in taken)
