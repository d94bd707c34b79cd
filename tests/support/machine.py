"""Machines: a root file system booted with its own systemd, in namespaces of its own, on a private bridge.

A machine stands for an instance in AWS: it gets its address by DHCP, resolves names by DNS, finds a metadata service at
169.254.169.254, and recognises EC2 by the hypervisor's identity, so that cloud-init works as it does there. A machine's
output is in a file, which is named when something fails. Needs root, systemd-nspawn and dnsmasq.
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

OUTSIDE = "outside.test"
"""The name that machines resolve to the host."""

STORE = "store.test"
"""The name that machines resolve to the second address of their network."""

_LOGS = Path("build/machines")
# What a hypervisor and a boot loader provide before the first process: the network card's hardware address, an identity
# like Xen's, since cloud-init reads no DMI in containers, and a hint for cloud-init on the kernel's command line.
_FIRMWARE = """
test -z "$1" || ip link set dev host0 address "$1"
mount --options remount,rw /sys && mkdir --parents /sys/hypervisor
echo ec2e1916-9099-7caf-fd21-012345abcdef >/sys/hypervisor/uuid
mount --options remount,ro /sys
exec /usr/lib/systemd/systemd ds=Ec2
"""
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

    log: Path
    """What it printed on its console, and the messages of systemd-nspawn."""

    @property
    def init(self) -> int:
        """Process id of the machine's first process."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return int(children.split()[0])

    @property
    def enter(self) -> list[str]:
        """The prefix that runs a command inside."""
        return ["nsenter", f"--target={self.init}", "--all", "--wdns=/", "--"]

    def run(self, *command: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a command inside, as root."""
        return subprocess.run([*self.enter, *command], capture_output=True, text=True, check=check)

    def address(self) -> str:
        """Return the machine's address; raise LookupError while it has none."""
        links = json.loads(self.run("ip", "-json", "-4", "address", "show", "dev", "host0").stdout)
        found = [entry["local"] for link in links for entry in link.get("addr_info", [])]
        if not found:
            raise LookupError(f"{self.name} has no address yet")
        return str(found[0])

    def power_off(self) -> None:
        """Ask the machine to shut down cleanly, and wait until it has."""
        self.process.terminate()
        self.process.wait()

    def cut_power(self) -> None:
        """Stop the machine at once, as a power failure does."""
        os.kill(self.init, signal.SIGKILL)
        self.process.wait()


@contextmanager
def bridge(name: str = "hello0", network: str = "10.77.0") -> Iterator[Bridge]:
    """Make a bridge with an address for the host, one for the metadata service, and a server for DHCP and DNS."""
    host = f"{network}.1"
    # A hardware address of its own: otherwise it takes a machine's, changes it as they come and go, and loses packets.
    _ip("link", "add", name, "address", "02:00:00:00:00:01", "type", "bridge")
    try:
        for address in (f"{host}/24", "169.254.169.254/32"):
            _ip("address", "add", address, "dev", name)
        _ip("link", "set", name, "up")
        with subprocess.Popen(_dhcp_and_dns_server(name, network), stderr=subprocess.DEVNULL) as server:
            try:
                yield Bridge(name, host)
            finally:
                server.terminate()
    finally:
        _ip("link", "delete", name)


@contextmanager
def booted(
    root: Path, network: Bridge, name: str, *more: str, keep: bool = False, address: str = ""
) -> Iterator[Machine]:
    """Boot a machine from `root`, which stays unchanged unless the machine may `keep` what it writes.

    It gets `address` by DHCP, or any address if none is given. `more` are further options of systemd-nspawn.
    """
    volatile = "no" if keep else "overlay"
    options = ["--register=no", "--keep-unit", f"--volatile={volatile}", "--console=pipe", "--resolv-conf=off"]
    command = ["systemd-nspawn", "--quiet", f"--directory={root}", f"--machine={name}", "--kill-signal=SIGRTMIN+3"]
    options += [f"--network-bridge={network.name}", *more]
    _LOGS.mkdir(parents=True, exist_ok=True)
    with (_LOGS / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *options, "/bin/sh", "-c", _FIRMWARE, "firmware", _card(address) if address else ""],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        machine = Machine(name, process, time.monotonic(), Path(log.name))
        try:
            yield machine
        except Exception as error:
            error.add_note(f"What {name} printed is in {machine.log}.")
            raise
        finally:
            if process.poll() is None:
                machine.power_off()


def _card(address: str) -> str:
    """Return the hardware address of the network card to which DHCP gives `address`."""
    return ":".join(["02", "00", *(f"{int(part):02x}" for part in address.split("."))])


def trusting(folder: Path) -> list[str]:
    """Return the options that make a machine's service trust this process's authority, by way of files in `folder`."""
    files = {
        _BUNDLE: authority().certificate,
        _DROP_IN: f"[Service]\nEnvironment=AWS_CA_BUNDLE={_BUNDLE}\n",
    }
    for path, text in files.items():
        (folder / Path(path).name).write_text(text, encoding="ascii")
    return [f"--bind-ro={folder / Path(path).name}:{path}" for path in files]


def _dhcp_and_dns_server(name: str, network: str) -> list[str]:
    quiet = [
        "--no-daemon",
        "--conf-file=/dev/null",
        "--leasefile-ro",
        "--no-ping",
        "--quiet-dhcp",
        "--dhcp-ignore-clid",
    ]
    leases = [f"--dhcp-range={network}.210,{network}.250,1h", f"--dhcp-option=option:router,{network}.1"]
    fixed = [f"{network}.{number}" for number in range(10, 200)]
    leases += [f"--dhcp-host={_card(address)},{address}" for address in fixed]
    names = ["--no-hosts", "--no-resolv", "--address=/#/"]  # only these names exist
    names += [f"--address=/{OUTSIDE}/{network}.1", f"--address=/{STORE}/{network}.2"]
    only_here = [f"--interface={name}", "--except-interface=lo", "--bind-interfaces", "--log-facility=/dev/null"]
    return ["dnsmasq", *quiet, *only_here, *leases, *names]


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
