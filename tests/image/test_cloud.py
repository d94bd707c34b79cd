"""A machine that looks like an EC2 instance: what cloud-init does to it, and to Debian's own image."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.image.layout import ROOT
from tests.support.machine import OUTSIDE, Machine
from tests.support.metadata import INSTANCE

pytestmark = pytest.mark.image


def test_cloud_init_is_done_without_complaint(inside: Host) -> None:
    """cloud-init detected EC2 and read its metadata, without errors or warnings."""
    told = inside.check_output("cloud-init status --long --wait")
    assert "status: done\nextended_status: done\n" in told
    assert "detail: DataSourceEc2Local\nerrors: []\nrecoverable_errors: {}" in told
    assert inside.check_output("cat /var/lib/cloud/data/instance-id") == INSTANCE
    assert inside.run("grep --extended-regexp 'WARNING|ERROR' /var/log/cloud-init.log").stdout == ""


def test_machine_has_the_name_that_it_was_given(machine: Machine, inside: Host) -> None:
    """The host name comes from the metadata service."""
    assert inside.check_output("hostname") == f"ip-{machine.address().replace('.', '-')}"


def test_nobody_can_log_in(inside: Host) -> None:
    """cloud-init creates no user and no SSH host keys, and does not let anybody log in as root."""
    assert inside.check_output("ls /home /etc/ssh").splitlines() == [
        "/etc/ssh:",
        "ssh_config",
        "ssh_config.d",
        "",
        "/home:",
    ]
    assert inside.check_output("find /root/.ssh -type f") == ""


def test_names_come_from_dns(inside: Host) -> None:
    """The service resolves its store's name by DNS, since it is in no file."""
    assert inside.check_output("getent hosts %s", OUTSIDE).split()[1] == OUTSIDE
    assert OUTSIDE not in inside.file("/etc/hosts").content_string


@pytest.fixture(scope="module")
def with_lists(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Mount a temporary overlay on the image, with the mirror's current package lists."""
    folder = tmp_path_factory.mktemp("lists")
    upper, work, merged = folder / "upper", folder / "work", folder / "merged"
    for path in (upper, work, merged):
        path.mkdir()
    layers = f"lowerdir={ROOT},upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, merged], check=True)
    try:
        # its own resolver does not run, so it borrows this machine's
        (merged / "etc/resolv.conf").unlink()
        (merged / "etc/resolv.conf").write_bytes(Path("/etc/resolv.conf").read_bytes())
        subprocess.run(["chroot", merged, "apt-get", "--quiet=2", "update"], check=True)
        yield merged
    finally:
        subprocess.run(["umount", merged], check=True)


def test_image_is_as_new_as_its_bake(with_lists: Path) -> None:
    """All of Debian's updates, including security updates, are installed."""
    upgrade = ["chroot", str(with_lists), "apt-get", "--simulate", "dist-upgrade"]
    told = subprocess.check_output(upgrade, text=True)
    assert re.search(r"^0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded", told, re.MULTILINE), told
    policy = subprocess.check_output(["chroot", str(with_lists), "apt-cache", "policy"], text=True)
    assert "trixie-security/main" in policy, shlex.join(upgrade)
