"""Bakes the image on this machine: boots a Debian 13 as a builder and lets Packer provision it over SSH, as in AWS.

    python -m tests.image.bake

Needs root, debootstrap, systemd-nspawn, dnsmasq, packer, gpg and ssh-keygen. Leaves the image in build/image/root and
what happened in build/image/bake.json.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from service import __version__
from tests.support.machine import Machine, booted, bridge
from tests.support.outside import STAND_INS, Outside, outside

REPOSITORY = Path(__file__).parents[2]
WORK = REPOSITORY / "build" / "image"
ROOT = WORK / "root"
BASE = WORK / "base"
REPORT = WORK / "bake.json"

# What Debian's own machine image has and the smallest bootstrap has not.
_OF_THE_MACHINE_IMAGE = "ca-certificates,dbus,iproute2,kmod,openssh-server,procps,python3,sudo,systemd-sysv,udev"
_PROXY = ROOT / "etc/apt/apt.conf.d/00rehearsal"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
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
    shutil.copy(f"{key}.pub", ROOT / "home/admin/authorized_keys")
    folder = ["install", "--directory", "--owner=admin", "--mode=700", "/home/admin/.ssh"]
    subprocess.run(["chroot", ROOT, *folder], check=True)
    (ROOT / "home/admin/authorized_keys").rename(ROOT / "home/admin/.ssh/authorized_keys")
    subprocess.run(["chroot", ROOT, "chown", "-R", "admin:", "/home/admin/.ssh"], check=True)
    _PROXY.write_text(f'Acquire::http::Proxy "{world.url}";\n', encoding="utf-8")


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
    """Install the agent of Systems Manager on the builder by the script that is its user data in AWS."""
    script = (REPOSITORY / "ansible/roles/aws_agents/files/install-agent").read_text(encoding="utf-8")
    key = f"{world.url}/assets/amazon-cloudwatch-agent.gpg"
    machine.run("sh", "-c", script, "user-data", f"{world.url}/amazon-ssm-agent.deb", key, world.fingerprint)


def run_packer(address: str, key: Path, world: Outside) -> str:
    """Run the template's provisioners over SSH, and return what Packer printed.

    The copy of the template lacks plugins.pkr.hcl, which the Packer of Debian, 1.6, does not understand.
    """
    home = WORK / "packer"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(REPOSITORY / "packer", home / "packer", ignore=shutil.ignore_patterns("plugins.pkr.hcl"))
    for name in ("ansible", "build"):
        (home / name).symlink_to(REPOSITORY / name)
    machine = os.uname().machine
    rehearsal = {"host": address, "key": str(key), "settings": agent_settings(world)}
    variables = {
        "architecture": _ARCHITECTURES[machine],
        "version": __version__,
        "commit": commit(),
        "built": datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"),
        "expires": "2099-01-01T00:00:00Z",
        "rehearsal": json.dumps(rehearsal),
    }
    arguments = [f"-var={name}={value}" for name, value in variables.items()]
    done = subprocess.run(
        ["packer", "build", "-color=false", "-only=null.*", *arguments, "packer"],
        cwd=home,
        env=environ() | {"CHECKPOINT_DISABLE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout)
    return done.stdout


def agent_settings(world: Outside) -> dict[str, str]:
    """Return the variables that make the playbook find the stand-in of the CloudWatch agent."""
    return {"aws_agents_bucket": world.url, "aws_agents_fingerprint": world.fingerprint}


def commit() -> str:
    """Return the commit that is baked."""
    return subprocess.check_output(["git", "rev-parse", "HEAD"], text=True, cwd=REPOSITORY).strip()


def run_playbook_again(world: Outside) -> str:
    """Run image.yml once more on the finished root, and return what Ansible printed."""
    settings = agent_settings(world) | {
        "ansible_connection": "community.general.chroot",
        "ansible_host": str(ROOT),
        "hello_birthday_artifact": str(REPOSITORY / f"build/hello-birthday-{os.uname().machine}.tar"),
        "hello_birthday_git_commit": commit(),
    }
    done = subprocess.run(
        ["ansible-playbook", "--inventory", "image,", "--extra-vars", json.dumps(settings), "image.yml"],
        cwd=REPOSITORY / "ansible",
        env=environ(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout)
    return done.stdout


def environ() -> dict[str, str]:
    """Return the environment in which the tools of the project's own installation are found first."""
    return os.environ | {"PATH": f"{REPOSITORY}/.venv/bin:{os.environ['PATH']}"}


def counts(printed: str) -> dict[str, int]:
    """Add up what Ansible's recaps say: how many tasks were ok, changed, skipped, ..."""
    total: dict[str, int] = {}
    for name, count in re.findall(r"\b(ok|changed|skipped)=(\d+)", printed):
        total[name] = total.get(name, 0) + int(count)
    return total


def main() -> None:
    """Bake, and write down what happened."""
    started = time.monotonic()
    bootstrap()
    bootstrapped = time.monotonic()
    key = WORK / "builder-key"
    with bridge("hello-bake", "10.78.0") as network, outside(network.address, WORK / "outside") as world:
        make_builder(world, key)
        with booted(ROOT, network, "hello-builder", keep=True) as builder:
            address = wait_for_ssh(builder)
            run_user_data(builder, world)
            packer = run_packer(address, key, world)
        baked = time.monotonic()
        _PROXY.unlink()
        again = run_playbook_again(world)
    (WORK / "packer.log").write_text(packer, encoding="utf-8")
    (WORK / "again.log").write_text(again, encoding="utf-8")
    size = int(subprocess.check_output(["du", "--summarize", "--block-size=1M", ROOT], text=True).split()[0])
    first, second = counts(packer), counts(again)
    report = {
        "tasks_run": first["ok"] + first["skipped"],
        "changes_of_the_first_run": first["changed"],
        "changes_of_the_second_run": second["changed"],
        "stand_ins": sorted(STAND_INS),
        "size_mb": size,
        "bootstrap_seconds": round(bootstrapped - started, 1),
        "bake_seconds": round(baked - bootstrapped, 1),
        "second_run_seconds": round(time.monotonic() - baked, 1),
    }
    REPORT.write_text(json.dumps(report, indent=1), encoding="utf-8")
    if second["changed"]:
        raise SystemExit(f"the playbook is not idempotent, its second run made changes:\n{again}")


if __name__ == "__main__":
    main()
