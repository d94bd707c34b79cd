"""The machine that an image is made of: a bootstrapped Debian 13, prepared as an instance of Debian's own image is."""

import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.image import template
from tests.image.layout import ROOT, WORK
from tests.support.machine import Machine
from tests.support.outside import Outside

BASE = WORK / "base"
PROXY = ROOT / "etc/apt/apt.conf.d/00rehearsal"

# What Debian's own machine image has and the smallest bootstrap has not.
_OF_THE_MACHINE_IMAGE = "ca-certificates,dbus,iproute2,kmod,openssh-server,procps,python3,sudo,systemd-sysv,udev"
_BOOT_SECONDS = 60


def bootstrap() -> None:
    """Bootstrap Debian 13 once; later bakes start from a copy."""
    if not BASE.exists():
        unfinished = BASE.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        include = f"--include={_OF_THE_MACHINE_IMAGE}"
        subprocess.run(["debootstrap", "--variant=minbase", include, "trixie", unfinished, _mirror()], check=True)
        subprocess.run(["chroot", unfinished, "systemctl", "enable", "systemd-networkd"], check=True)
        # debootstrap leaves this machine's own name and name servers there.
        (unfinished / "etc/hostname").write_text("debian\n", encoding="utf-8")
        (unfinished / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 debian\n", encoding="utf-8")
        (unfinished / "etc/resolv.conf").write_text("", encoding="utf-8")
        unfinished.rename(BASE)
    shutil.rmtree(ROOT, ignore_errors=True)
    subprocess.run(["cp", "--archive", BASE, ROOT], check=True)


def _mirror() -> str:
    """Return the mirror that this machine's own packages come from."""
    listed = [*Path("/etc/apt").glob("sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in listed)
    found = re.search(r"^(?:URIs:|deb(?: \[.*?\])?) +(https?://\S+/debian)/?(?:\s|$)", text, re.MULTILINE)
    return found[1] if found else "https://deb.debian.org/debian"


def make_builder(world: Outside, key: Path) -> None:
    """Do to the root what an instance finds or cloud-init does: a user to log in as, and a way out."""
    key.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    subprocess.run(["chroot", ROOT, "useradd", "--create-home", "--shell=/bin/bash", "admin"], check=True)
    (ROOT / "etc/sudoers.d/admin").write_text("admin ALL=(ALL) NOPASSWD:ALL\n", encoding="utf-8")
    folder = ["install", "--directory", "--owner=admin", "--mode=700", "/home/admin/.ssh"]
    subprocess.run(["chroot", ROOT, *folder], check=True)
    shutil.copy(f"{key}.pub", ROOT / "home/admin/.ssh/authorized_keys")
    subprocess.run(["chroot", ROOT, "chown", "-R", "admin:", "/home/admin/.ssh"], check=True)
    PROXY.write_text(f'Acquire::http::Proxy "{world.url}";\n', encoding="utf-8")


def wait_for_ssh(machine: Machine) -> str:
    """Wait until a builder can be logged in to, and return its address."""
    deadline = time.monotonic() + _BOOT_SECONDS
    while True:
        try:
            address = machine.address()
            socket.create_connection((address, 22), timeout=1).close()
        except (OSError, LookupError, subprocess.CalledProcessError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)  # A machine that boots gives no other sign.
        else:
            return address


def run_user_data(machine: Machine, world: Outside) -> None:
    """Install the agent of Systems Manager on the builder by what is its user data in AWS."""
    machine.run("sh", "-c", template.user_data(WORK / "packer", world))
