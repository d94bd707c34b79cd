"""Bakes the image on this machine: boots Debian 13 as a builder and lets Packer provision it over SSH, as in AWS.

    python -m tests.image.bake

Needs root, debootstrap, systemd-nspawn, dnsmasq, packer, gpg and ssh-keygen. Leaves the image in build/image/root and
a report in build/image/bake.json.
"""

import asyncio
import json
import os
import re
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from service import __version__
from tests.image import builder, template
from tests.image.layout import REPORT, REPOSITORY, ROOT, WORK, environ
from tests.support.machine import Bridge, booted, bridge
from tests.support.metadata import metadata_service
from tests.support.outside import STAND_INS, Outside, outside

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


async def _bake(network: Bridge, world: Outside, key: Path) -> str:
    async with metadata_service(builder.user_data(world), public_key=builder.make_key(key)):
        return await asyncio.to_thread(_bake_on_builder, network, world, key)


def _bake_on_builder(network: Bridge, world: Outside, key: Path) -> str:
    with booted(ROOT, network, "hello-builder", keep=True) as machine:
        return run_packer(builder.wait_for_agent(machine), key, world)


def run_packer(address: str, key: Path, world: Outside) -> str:
    """Run the template's provisioners over SSH, and return what Packer printed."""
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
    command = ["packer", "build", "-color=false", "-only=null.*", *template.arguments(variables), "packer"]
    return _printed(command, WORK / "packer")


def agent_settings(world: Outside) -> dict[str, str]:
    """Return the variables that make the playbook use the stand-in of the CloudWatch agent."""
    return {"aws_agents_bucket": world.url, "aws_agents_fingerprint": world.fingerprint}


def commit() -> str:
    """Return the commit that is baked."""
    return subprocess.check_output(["git", "rev-parse", "HEAD"], text=True, cwd=REPOSITORY).strip()


def run_playbook_again(world: Outside, *arguments: str) -> str:
    """Run image.yml once more on the finished root, and return what Ansible printed."""
    settings = agent_settings(world) | {
        "ansible_connection": "community.general.chroot",
        "ansible_host": str(ROOT),
        "hello_birthday_artifact": str(REPOSITORY / f"build/hello-birthday-{os.uname().machine}.tar"),
        "hello_birthday_git_commit": commit(),
    }
    command = ["ansible-playbook", "--inventory", "image,", "--extra-vars", json.dumps(settings), *arguments]
    return _printed([*command, "image.yml"], REPOSITORY / "ansible")


def _printed(command: list[str], folder: Path) -> str:
    """Run a command in `folder` and return its output; exit with the output if the command fails."""
    quiet = {"CHECKPOINT_DISABLE": "1"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environ() | quiet,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout)
    return done.stdout


def counts(printed: str) -> dict[str, int]:
    """Add up the counts in Ansible's recaps: how many tasks were ok, changed, skipped."""
    total: dict[str, int] = {}
    for name, count in re.findall(r"\b(ok|changed|skipped)=(\d+)", printed):
        total[name] = total.get(name, 0) + int(count)
    return total


def main() -> None:
    """Bake, and write the report."""
    say = Console().print
    started = time.monotonic()
    template.copy(WORK / "packer")
    say("Debian's cloud image: made once, or copied")
    builder.bootstrap()
    bootstrapped = time.monotonic()
    key = WORK / "builder-key"
    with bridge("hello-bake", "10.78.0") as network, outside(network.address, WORK / "outside") as world:
        builder.use_proxy(world)
        say("Packer on a builder that is booted from it")
        packer = asyncio.run(_bake(network, world, key))
        baked = time.monotonic()
        builder.PROXY.unlink()
        say("The playbook once more, to see that nothing changes")
        again = run_playbook_again(world, "--skip-tags", "sysprep")
        run_playbook_again(world, "--tags", "sysprep")  # removes the package lists that were fetched again
        again += run_playbook_again(world, "--tags", "sysprep")
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
