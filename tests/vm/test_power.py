"""From power-on to power-off and back: a machine of the image with a kernel, a disk and a network card of its own.

The tests follow a machine's life: the first one is inspected, switched off, and started again.
"""

import asyncio
import json
import time
from pathlib import Path

import pytest

from tests.vm import disk
from tests.vm.conftest import World, ask, note
from tests.vm.qemu import VirtualMachine

pytestmark = pytest.mark.vm

OFF_SECONDS = 120
ADA = b'{"dateOfBirth":"1990-12-10"}'
JOURNAL = ("journalctl", "--no-pager", "--quiet", "--output=cat", "--unit=hello-birthday")
PLANTED = "/var/lib/planted"


def shown(machine: VirtualMachine, name: str, *unit: str) -> str:
    """Return one of systemd's properties, of itself or of a unit."""
    return machine.run("systemctl", "show", f"--property={name}", "--value", *unit).strip()


def seconds(machine: VirtualMachine, name: str, *unit: str) -> float:
    """Return how many seconds after the kernel's start something happened."""
    return int(shown(machine, name, *unit)) / 1e6


def test_boots_until_it_serves(first: VirtualMachine) -> None:
    """Firmware, boot loader, kernel, initramfs and systemd start the service; the times are reported."""
    assert shown(first, "ActiveState", "hello-birthday") == "active", first.run(*JOURNAL)
    to_kernel = time.monotonic() - first.switched_on - float(first.run("cat", "/proc/uptime").split()[0])
    note("power_on_to_kernel_seconds", to_kernel)
    note("power_on_to_userspace_seconds", to_kernel + seconds(first, "UserspaceTimestampMonotonic"))
    note("power_on_to_ready_seconds", to_kernel + seconds(first, "ActiveEnterTimestampMonotonic", "hello-birthday"))


def test_serves_through_its_network_card(first: VirtualMachine) -> None:
    """A user who is stored over the network is greeted over the network."""
    assert ask(first.address(), "/hello/Ada", "PUT", ADA) == (204, b"")
    status, body = ask(first.address(), "/hello/Ada")
    assert (status, json.loads(body)["message"].startswith("Hello, Ada! ")) == (200, True)


def test_nothing_failed(first: VirtualMachine) -> None:
    """No unit failed on a machine with a kernel of its own."""
    assert first.run("systemctl", "--failed", "--no-legend", "--plain") == ""
    assert first.run("systemctl", "is-system-running", check=False).strip() == "running"


def test_cloud_init_is_done(first: VirtualMachine) -> None:
    """cloud-init detects EC2, finishes, and reports no error."""
    status = json.loads(first.run("cloud-init", "status", "--long", "--format=json", check=False))
    assert (status["status"], status["errors"], status["recoverable_errors"]) == ("done", [], {})
    assert status["datasource"] == "ec2local"  # found before the network was up, as on an instance


def test_root_has_grown_to_the_disk(first: VirtualMachine, image: Path) -> None:
    """The root is nearly as large as the disk, and far larger than in the image."""
    size = int(first.run("findmnt", "--noheadings", "--bytes", "--output=SIZE", "/"))
    assert size > 0.9 * disk.DISK_GIB * 2**30 > image.stat().st_size
    note("root_gib", size / 2**30)


def test_kernel_has_the_settings(first: VirtualMachine) -> None:
    """The kernel has every setting of the image."""
    lines = first.run("cat", "/etc/sysctl.d/90-hello-birthday.conf").splitlines()
    wanted = dict(line.split(" = ") for line in lines if line and not line.startswith("#"))
    values = first.run("cat", *(f"/proc/sys/{name.replace('.', '/')}" for name in wanted)).split()
    assert dict(zip(wanted, values, strict=True)) == wanted


def test_kernel_loads_no_forbidden_module(first: VirtualMachine) -> None:
    """The kernel modules that the image disables cannot be loaded, although they exist."""
    forbidden = [line.split()[1] for line in first.run("cat", "/etc/modprobe.d/hello-birthday.conf").splitlines()]
    there = [name for name in forbidden if first.run("modinfo", "--field=name", name, check=False).strip()]
    assert there
    for name in there:
        first.run("modprobe", "--dry-run", "--ignore-install", name)
        with pytest.raises(AssertionError, match=f"Error running install command .* for module {name}"):
            first.run("modprobe", name)
    loaded = {line.split()[0] for line in first.run("cat", "/proc/modules").splitlines()}
    assert not loaded & set(forbidden)


@pytest.fixture(scope="module")
def identity(first: VirtualMachine) -> str:
    """Return the first machine's identity, read while it is on."""
    return first.run("cat", "/etc/machine-id")


@pytest.mark.usefixtures("identity")
async def test_power_button_drains(first: VirtualMachine) -> None:
    """After the power button is pressed, the service drains while it still answers, and then the machine is off."""
    address = first.address()
    first.run("touch", PLANTED)
    pressed = time.monotonic()
    first.press_power_button()
    answers = await asyncio.to_thread(answers_until_gone, address)
    assert answers[-1] == 503
    assert await asyncio.to_thread(first.process.wait, OFF_SECONDS) == 0
    note("power_off_seconds", time.monotonic() - pressed)


def answers_until_gone(address: str) -> list[int]:
    """Request /healthz until there is no answer any more, and return the statuses."""
    answers = []
    deadline = time.monotonic() + OFF_SECONDS
    while time.monotonic() < deadline:
        try:
            answers.append(ask(address, "/healthz")[0])
        except OSError:
            return answers
        time.sleep(0.1)  # A machine that shuts down gives no other sign.
    raise TimeoutError("the machine still serves")


async def test_same_disk_starts_again(first: VirtualMachine, identity: str, world: World) -> None:
    """After a restart the machine has the same identity and serves, and its journal shows a clean stop."""
    assert first.process.poll() is not None
    async with world.booted(disk.WORK / "first.qcow2", "again") as again:
        assert (await asyncio.to_thread(ask, again.address(), "/hello/Ada"))[0] == 200
        assert (again.run("cat", "/etc/machine-id"), again.run("cat", PLANTED)) == (identity, "")
        before = again.run(*JOURNAL, "--boot=-1")
        assert '"event":"server.stopped"' in before
        assert "hello-birthday.service: Deactivated successfully." in before
        assert again.run("systemctl", "--failed", "--no-legend", "--plain") == ""
        note("second_power_on_to_ready_seconds", time.monotonic() - again.switched_on)


async def test_next_machine_is_somebody_else(identity: str, world: World, image: Path) -> None:
    """A second machine of the image shares nothing with the first: no identity, no file, no line of the journal."""
    async with world.booted(disk.overlay(image, "other"), "other") as other:
        assert (await asyncio.to_thread(ask, other.address(), "/hello/Ada"))[0] == 200
        assert len(identity) == len(other.run("cat", "/etc/machine-id")) == 33
        assert other.run("cat", "/etc/machine-id") != identity
        assert other.run("ls", PLANTED, check=False) == ""
        assert len(other.run("journalctl", "--list-boots", "--no-pager", "--quiet").splitlines()) == 1
