"""The last check before a machine becomes an image: each line of packer/hygiene finds what it is meant to find."""

import subprocess
from pathlib import Path

import pytest

OFFENDERS = [
    "etc/hostname",
    "etc/machine-id",
    "etc/netplan/50-cloud-init.yaml",
    "etc/ssh/id_ed25519",
    "etc/ssh/ssh_host_ed25519_key",
    "etc/ssl/private/key.pem",
    "etc/sudoers.d/90-cloud-init-users",
    "home/admin",
    "opt/hello-birthday/bin/pip3",
    "root/.bash_history",
    "root/.ssh/authorized_keys",
    "usr/sbin/sshd",
    "var/cache/apt/archives/tzdata_2026a.deb",
    "var/lib/amazon/ssm/Vault/Store/EC2RegistrationKey",
    "var/lib/amazon/ssm/registration",
    "var/lib/apt/lists/deb.debian.org_debian_dists_trixie_main_source_Sources",
    "var/lib/cloud/instances/i-0",
    "var/lib/dbus/machine-id",
    "var/lib/dhcpcd/duid",
    "var/lib/systemd/credential.secret",
    "var/lib/systemd/random-seed",
    "var/log/cloud-init.log",
    "var/tmp/anything",
]


def hygiene(root: Path) -> "subprocess.CompletedProcess[str]":
    """Look at the root file system of a machine."""
    return subprocess.run(["packer/hygiene", root], check=False, capture_output=True, text=True)


def test_machine_that_left_nothing_behind_passes(tmp_path: Path) -> None:
    """What every image has is accepted: empty identity files, locks, the logs of running agents."""
    for path in ("etc/hostname", "etc/machine-id", "var/lib/apt/lists/lock", "var/log/amazon/ssm/errors.log"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    done = hygiene(tmp_path)
    assert (done.returncode, done.stdout) == (0, "hygiene: nothing left behind\n")


@pytest.mark.parametrize("offender", OFFENDERS)
def test_each_offender_is_found_alone(tmp_path: Path, offender: str) -> None:
    """A single thing that was left behind is refused by its name."""
    (tmp_path / offender).parent.mkdir(parents=True)
    (tmp_path / offender).write_text("-----BEGIN PRIVATE KEY-----\n")
    done = hygiene(tmp_path)
    assert done.returncode == 1
    assert str(tmp_path / offender) in done.stderr.splitlines()


def test_every_line_has_its_offender() -> None:
    """Every line of the script has a test that plants what it looks for."""
    lines = Path("packer/hygiene").read_text(encoding="utf-8").splitlines()
    looking = [line for line in lines if line.strip().startswith(("look ", "grep "))]
    assert len(looking) <= len(OFFENDERS)
