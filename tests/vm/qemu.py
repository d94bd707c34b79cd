"""Whole machines in QEMU, with firmware, boot loader, kernel and devices, on the bridge that all machines share.

Processors are emulated (TCG), so that a machine boots wherever this runs. The disk is NVMe and the firmware
names Amazon as the maker, as on EC2; the network card is virtio, since no emulator has Amazon's own.

The disk stays as it was baked, since what the tests need inside is passed in: systemd reads units and files from
credentials among the firmware's strings (systemd.system-credentials(7)). One unit runs the commands that it receives
through a serial port of its own, like a user at the console; a drop-in lets the service trust the tests' authority.
"""

import base64
import json
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.machine import Bridge
from tests.support.tls import authority

_FIRMWARE = Path("/usr/share/OVMF")
_ANSWER_SECONDS = 300
_BUNDLE = "/run/authority.pem"
_PORT = "/dev/vport*p1"
_AGENT = f"""\
import glob, json, subprocess
with open(glob.glob("{_PORT}")[0], "r+b", buffering=0) as port:
    for line in port:
        done = subprocess.run(json.loads(line), capture_output=True, text=True)
        port.write(json.dumps([done.returncode, done.stdout, done.stderr]).encode() + b"\\n")
"""
_UNIT = """\
[Unit]
Description=Runs what the tests ask for
DefaultDependencies=no
After=systemd-tmpfiles-setup.service
[Service]
ExecStart=/usr/bin/python3 /run/agent.py
"""


@dataclass
class VirtualMachine:
    """A machine that has been switched on."""

    name: str
    process: "subprocess.Popen[bytes]"
    switched_on: float
    """On the monotonic clock."""

    console: Path
    """The machine's output on its serial port."""

    agent: socket.socket
    monitor: socket.socket

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command inside, as root, as soon as the machine can; return what it printed.

        Raise `TimeoutError` if the machine does not answer, `AssertionError` if the command fails and is to be checked.
        """
        self.agent.sendall(json.dumps(command).encode() + b"\n")
        code, printed, errors = json.loads(_line(self.agent))
        assert not (check and code), f"{' '.join(command)} failed on {self.name}: {errors}"
        return str(printed)

    def address(self) -> str:
        """Return the address that the machine got by DHCP."""
        (link,) = json.loads(self.run("ip", "-json", "-4", "address", "show", "scope", "global"))
        return str(link["addr_info"][0]["local"])

    def press_power_button(self) -> None:
        """Ask the machine by ACPI to shut down."""
        for order in ("qmp_capabilities", "system_powerdown"):
            self.monitor.sendall(json.dumps({"execute": order}).encode() + b"\n")


@contextmanager
def switched_on(disk: Path, network: Bridge, name: str) -> Iterator[VirtualMachine]:
    """Switch on a machine that writes to `disk`; cut its power when the block ends."""
    folder = disk.parent
    console = folder / f"{name}.console"
    variables = folder / f"{name}.firmware"
    variables.write_bytes((_FIRMWARE / "OVMF_VARS_4M.fd").read_bytes())
    with _card(network, name) as card, _listening(folder / "agent") as agent, _listening(folder / "monitor") as monitor:
        command = [*_hardware(disk), *_devices(disk, card, console, variables), *_ports(folder), *_credentials(folder)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        started = time.monotonic()
        try:
            with agent.accept()[0] as inside, monitor.accept()[0] as outside:
                inside.settimeout(_ANSWER_SECONDS)
                yield VirtualMachine(name, process, started, console, inside, outside)
        except BaseException as error:
            error.add_note(f"What {name} printed is in {console}.")
            raise
        finally:
            process.kill()
            process.wait()


def _hardware(disk: Path) -> list[str]:
    """Return the board's options: cloud-init recognises EC2 by the maker's name and an identity that begins with ec2.

    The identity depends on the disk, as an instance's does; systemd derives the machine id from it.
    """
    identity = f"ec2{str(uuid.uuid5(uuid.NAMESPACE_DNS, disk.name))[3:]}"
    board = ["qemu-system-x86_64", "-machine", "q35,accel=tcg", "-cpu", "max", "-smp", str(min(2, os.cpu_count() or 1))]
    shown = ["-smbios", f"type=1,manufacturer=Amazon EC2,product=m7i.large,serial={identity},uuid={identity}"]
    return [*board, "-m", "1024", "-display", "none", "-nodefaults", "-no-user-config", "-no-reboot", *shown]


def _devices(disk: Path, card: str, console: Path, variables: Path) -> list[str]:
    firmware = ["-drive", f"if=pflash,format=raw,readonly=on,file={_FIRMWARE}/OVMF_CODE_4M.fd"]
    firmware += ["-drive", f"if=pflash,format=raw,file={variables}"]
    storage = ["-drive", f"if=none,id=disk,file={disk},format=qcow2,cache=unsafe,discard=unmap"]
    storage += ["-device", "nvme,drive=disk,serial=vol0123456789abcdef0"]
    # Without a boot ROM, since nothing is ever booted from the network.
    network = ["-netdev", f"tap,id=net,ifname={card},script=no,downscript=no"]
    network += ["-device", "virtio-net-pci,netdev=net,mac=02:00:00:00:01:01,romfile="]
    return [*firmware, *storage, *network, "-serial", f"file:{console}", "-device", "virtio-rng-pci"]


def _ports(folder: Path) -> list[str]:
    agent = ["-chardev", f"socket,id=agent,path={folder}/agent", "-device", "virtio-serial-pci,max_ports=2"]
    return [*agent, "-device", "virtserialport,chardev=agent,nr=1", "-qmp", f"unix:{folder}/monitor,server=off"]


def _credentials(folder: Path) -> list[str]:
    files = {_BUNDLE: authority().certificate, "/run/agent.py": _AGENT}
    told = {
        "tmpfiles.extra": "".join(f"f+~ {path} 0644 - - - {_encoded(text)}\n" for path, text in files.items()),
        "systemd.extra-unit.agent.service": _UNIT,
        "systemd.unit-dropin.sysinit.target": "[Unit]\nWants=agent.service\n",
        "systemd.unit-dropin.hello-birthday.service": f"[Service]\nEnvironment=AWS_CA_BUNDLE={_BUNDLE}\n",
    }
    arguments: list[str] = []
    for name, text in told.items():
        path = folder / name
        path.write_text(f"io.systemd.credential.binary:{name}={_encoded(text)}", encoding="ascii")
        arguments += ["-smbios", f"type=11,path={path}"]
    return arguments


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@contextmanager
def _card(network: Bridge, name: str) -> Iterator[str]:
    """Connect a machine's network card to the bridge."""
    card = f"vm-{name}"
    subprocess.run(["ip", "tuntap", "add", card, "mode", "tap"], check=True)
    try:
        subprocess.run(["ip", "link", "set", card, "master", network.name, "up"], check=True)
        yield card
    finally:
        subprocess.run(["ip", "link", "delete", card], check=True)


@contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    """Listen before QEMU starts, which then connects at once."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(30)
        yield listener


def _line(connection: socket.socket) -> bytes:
    received = b""
    while not received.endswith(b"\n"):
        part = connection.recv(65536)
        if not part:
            raise ConnectionError("the machine is gone")
        received += part
    return received
