"""Machines: a root file system booted with its own systemd, in namespaces of its own, on a private bridge.

What an instance is in AWS, a machine is here: it gets its address by DHCP and finds a metadata service at
169.254.169.254. Needs root, systemd-nspawn and dnsmasq.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.tls import authority

_START_SECONDS = 30
_BUNDLE = "/etc/authority.pem"
_DROP_IN = "/etc/systemd/system/hello-birthday.service.d/authority.conf"


@dataclass(frozen=True)
class Bridge:
    """The network that machines and the world around them share; the host is at `address`."""

    name: str
    address: str


@dataclass
class Machine:
    """A booted machine."""

    name: str
    process: "subprocess.Popen[bytes]"
    booted_at: float
    """When it was switched on, on the monotonic clock."""

    @property
    def init(self) -> int:
        """Process id of the machine's first process."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return int(children.split()[0])

    @property
    def enter(self) -> list[str]:
        """What runs a command inside when put before it."""
        return ["nsenter", f"--target={self.init}", "--all", "--wdns=/", "--"]

    def run(self, *command: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a command inside, as root."""
        return subprocess.run([*self.enter, *command], capture_output=True, text=True, check=check)

    def address(self) -> str:
        """Return the address that the machine has got; raise LookupError while it has none."""
        links = json.loads(self.run("ip", "-json", "-4", "address", "show", "dev", "host0").stdout)
        found = [entry["local"] for link in links for entry in link.get("addr_info", [])]
        if not found:
            raise LookupError(f"{self.name} has no address yet")
        return str(found[0])

    def power_off(self) -> None:
        """Ask the machine to shut down in order, and wait until it has."""
        self.process.terminate()
        self.process.wait()

    def cut_power(self) -> None:
        """Stop the machine between two instructions."""
        os.kill(self.init, signal.SIGKILL)
        self.process.wait()


@contextmanager
def bridge(name: str = "hello0", network: str = "10.77.0") -> Iterator[Bridge]:
    """Make a bridge with an address for the host, one for the metadata service, and a DHCP server."""
    host = f"{network}.1"
    # Its own address: a bridge that borrows one from its machines changes it as they come and go, and loses packets.
    _ip("link", "add", name, "address", "02:00:00:00:00:01", "type", "bridge")
    try:
        for address in (f"{host}/24", "169.254.169.254/32"):
            _ip("address", "add", address, "dev", name)
        _ip("link", "set", name, "up")
        with subprocess.Popen(_dhcp_server(name, network), stderr=subprocess.DEVNULL) as server:
            try:
                yield Bridge(name, host)
            finally:
                server.terminate()
    finally:
        _ip("link", "delete", name)


@contextmanager
def booted(root: Path, network: Bridge, name: str, *more: str, keep: bool = False) -> Iterator[Machine]:
    """Boot a machine from `root`, which stays as it is unless the machine may `keep` what it writes.

    `more` are further options of systemd-nspawn.
    """
    volatile = "no" if keep else "overlay"
    options = ["--register=no", "--keep-unit", f"--volatile={volatile}", "--console=pipe", "--resolv-conf=off"]
    command = ["systemd-nspawn", "--quiet", "--boot", f"--directory={root}", f"--machine={name}", *options]
    process = subprocess.Popen(
        [*command, f"--network-bridge={network.name}", *more], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    machine = Machine(name, process, time.monotonic())
    try:
        yield machine
    finally:
        if process.poll() is None:
            machine.power_off()


def trusting(folder: Path) -> list[str]:
    """Return the options of a machine whose service trusts this process's authority; files in `folder` tell it."""
    files = {
        _BUNDLE: authority().certificate,
        _DROP_IN: f"[Service]\nEnvironment=AWS_CA_BUNDLE={_BUNDLE}\n",
    }
    for path, text in files.items():
        (folder / Path(path).name).write_text(text, encoding="ascii")
    return [f"--bind-ro={folder / Path(path).name}:{path}" for path in files]


def _dhcp_server(name: str, network: str) -> list[str]:
    quiet = [
        "--no-daemon",
        "--conf-file=/dev/null",
        "--port=0",
        "--leasefile-ro",
        "--no-ping",
        "--quiet-dhcp",
        "--log-facility=/dev/null",
    ]
    lease = [f"--dhcp-range={network}.10,{network}.250,1h", f"--dhcp-option=option:router,{network}.1"]
    return ["dnsmasq", *quiet, f"--interface={name}", "--bind-interfaces", *lease]


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
