"""Bakes the image on this machine: bootstraps Debian 13, runs the playbook on it, and once more to see nothing change.

    python -m tests.image.bake

Needs root and debootstrap. Leaves the image in build/image/root and what it did in build/image/bake.json.
"""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

ROOT = Path("build/image/root").resolve()
BASE = Path("build/image/base").resolve()
REPORT = Path("build/image/bake.json")
ARTIFACT = Path("build/hello-birthday.tar").resolve()

# What Debian's own machine image has and the smallest bootstrap has not.
_OF_THE_MACHINE_IMAGE = "ca-certificates,dbus,iproute2,kmod,openssh-server,procps,python3,sudo,systemd-sysv,udev"


def bootstrap() -> None:
    """Bootstrap Debian 13 once; later bakes start from a copy."""
    if not BASE.exists():
        unfinished = BASE.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        include = f"--include={_OF_THE_MACHINE_IMAGE}"
        subprocess.run(["debootstrap", "--variant=minbase", include, "trixie", unfinished, _mirror()], check=True)
        subprocess.run(["chroot", unfinished, "systemctl", "enable", "systemd-networkd"], check=True)
        unfinished.rename(BASE)
    shutil.rmtree(ROOT, ignore_errors=True)
    subprocess.run(["cp", "--archive", BASE, ROOT], check=True)


def _mirror() -> str:
    """Return the mirror that this machine's own packages come from."""
    listed = [*Path("/etc/apt").glob("sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in listed)
    found = re.search(r"^(?:URIs:|deb(?: \[.*?\])?) +(https?://\S+/debian)/?(?:\s|$)", text, re.MULTILINE)
    return found[1] if found else "https://deb.debian.org/debian"


def run_playbook() -> dict[str, int]:
    """Run image.yml on the root, as Packer does on a builder, and return how many tasks were ok, changed, ..."""
    settings = {
        "ansible_connection": "community.general.chroot",
        "ansible_host": str(ROOT),
        "aws_agents_stub": True,
        "hello_birthday_artifact": str(ARTIFACT),
        "hello_birthday_git_commit": subprocess.check_output(["git", "rev-parse", "HEAD"], text=True).strip(),
    }
    done = subprocess.run(
        ["ansible-playbook", "--inventory", "image,", "--extra-vars", json.dumps(settings), "image.yml"],
        cwd="ansible",
        env=os.environ | {"PATH": f"{Path('.venv/bin').resolve()}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout)
    return {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", done.stdout.rpartition("PLAY RECAP")[2])}


def main() -> None:
    """Bake, and write down what happened."""
    started = time.monotonic()
    bootstrap()
    bootstrapped = time.monotonic()
    first, second = run_playbook(), run_playbook()
    size = int(subprocess.check_output(["du", "--summarize", "--block-size=1M", ROOT], text=True).split()[0])
    report = {
        "tasks_run": first["ok"] + first["skipped"],
        "changes_of_the_first_run": first["changed"],
        "changes_of_the_second_run": second["changed"],
        "stubs": (ROOT / "usr/local/share/stubs").read_text(encoding="utf-8").split(),
        "size_mb": size,
        "bootstrap_seconds": round(bootstrapped - started, 1),
        "playbook_seconds": round(time.monotonic() - bootstrapped, 1),
    }
    REPORT.write_text(json.dumps(report, indent=1), encoding="utf-8")
    if second["changed"]:
        raise SystemExit(f"the playbook is not idempotent: its second run made {second['changed']} changes")


if __name__ == "__main__":
    main()
