"""The builder of an image: Debian's cloud image, set up by user data from the metadata service."""

import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.image import cloud_image, template
from tests.image.layout import ROOT, WORK
from tests.support.machine import Machine
from tests.support.outside import Outside

BASE = WORK / "base"
PROXY = ROOT / "etc/apt/apt.conf.d/00rehearsal"

_BOOT_SECONDS = 120
# A package made to look outdated, as in AWS, where Debian's image is always older than its mirror; any would do.
_OLD = "tzdata"


def bootstrap() -> None:
    """Make Debian's image unless it exists, and start the bake from a copy."""
    if not BASE.exists():
        unfinished = BASE.with_suffix(".unfinished")
        cloud_image.bootstrap(unfinished)
        unfinished.rename(BASE)
    shutil.rmtree(ROOT, ignore_errors=True)
    subprocess.run(["cp", "--archive", BASE, ROOT], check=True)
    _age(ROOT)


def _age(root: Path) -> None:
    """Make an installed package look older than it is."""
    status = root / "var/lib/dpkg/status"
    of_the_package = rf"(^Package: {_OLD}\n(?:.+\n)*?Version: )\S+"
    text, found = re.subn(
        of_the_package, r"\g<1>2000a-1", status.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE
    )
    assert found, f"{_OLD} is not installed"
    status.write_text(text, encoding="utf-8")


def make_key(key: Path) -> str:
    """Make the key that Packer logs in with, and return the public key for the metadata service."""
    key.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    return Path(f"{key}.pub").read_text(encoding="ascii").strip()


def use_proxy(world: Outside) -> None:
    """Let apt reach Debian's mirror through a proxy, the only setting that a builder in AWS does not need."""
    PROXY.write_text(f'Acquire::http::Proxy "{world.url}";\n', encoding="utf-8")


def user_data(world: Outside) -> str:
    """Return what cloud-init runs on a builder in AWS, too: it installs the agent of Systems Manager."""
    return template.user_data(WORK / "packer", world)


def wait_for_agent(machine: Machine) -> str:
    """Wait until cloud-init has installed the agent and the builder accepts SSH connections; return its address."""
    deadline = time.monotonic() + _BOOT_SECONDS
    while True:
        try:
            address = machine.address()
            machine.run("systemctl", "is-active", "amazon-ssm-agent")
            # Only now: sshd refuses an address for a while that often connects without logging in.
            socket.create_connection((address, 22), timeout=1).close()
        except (OSError, LookupError, subprocess.CalledProcessError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)  # A booting machine has no other way to say that it is ready.
        else:
            return address
