"""The files of the image: what is in it, and what is not."""

import re
import stat
import subprocess
from pathlib import Path

import pytest

from tests.image.layout import ROOT

pytestmark = pytest.mark.image


def files(*folders: str) -> list[Path]:
    """Return the regular files below folders of the image, except for locks and the contents of third-party wheels."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    ours = [path for path in found if "site-packages" not in path.parts or "service" in path.parts]
    return [path for path in ours if not path.is_symlink() and path.name != "lock"]


def test_image_is_nobody_yet() -> None:
    """Machine id and host name are set at the first boot, and the builder's user is deleted."""
    assert [(ROOT / name).read_bytes() for name in ("etc/machine-id", "etc/hostname")] == [b"", b""]
    assert [line for line in (ROOT / "etc/passwd").read_text().splitlines() if line.startswith("admin:")] == []


def test_image_has_no_keys() -> None:
    """No host key, no authorised key, no private key, no credential is in the image."""
    assert list((ROOT / "etc/ssh").glob("ssh_host_*")) == []
    assert [path for path in files("root", "home") if path.name.startswith(("authorized_keys", "id_"))] == []
    secret = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\n|\bAKIA[0-9A-Z]{16}\b|aws_secret_access_key *=")
    assert [
        path for path in files("etc", "opt", "root", "usr/local", "var/lib") if secret.search(path.read_bytes())
    ] == []


def test_image_lets_nobody_in() -> None:
    """There is no SSH server."""
    assert not (ROOT / "usr/sbin/sshd").exists()


def test_image_has_no_leftovers() -> None:
    """Package lists, downloaded packages, wheels, logs and histories are gone."""
    assert files("var/lib/apt/lists", "var/cache/apt", "var/cache/hello-birthday") == []
    assert [path for path in files("var/log") if path.suffix in {".log", ".journal"}] == []
    assert list(ROOT.glob("root/.bash_history")) == []


def test_program_belongs_to_root_and_is_nobodys_to_change() -> None:
    """Only root can change the service's files."""
    paths = [ROOT / "opt/hello-birthday", *(ROOT / "opt/hello-birthday").rglob("*")]
    states = [(path, path.lstat()) for path in paths if not path.is_symlink()]
    assert [path for path, state in states if state.st_uid or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)] == []


def test_program_cannot_install_anything() -> None:
    """The installer pip is removed from the image."""
    assert list((ROOT / "opt/hello-birthday").glob("bin/pip*")) == []


def test_image_is_unknown_to_systems_manager() -> None:
    """Nothing is left of the builder's registration, whose private key every clone would use."""
    assert files("var/lib/amazon") == []


def test_image_has_no_address_yet() -> None:
    """The builder's DHCP lease and identifier are removed, so instances do not ask for its address."""
    assert files("var/lib/dhcpcd", "etc/netplan") == []


def test_hygiene_check_of_the_bake_agrees() -> None:
    """The hygiene check finds nothing in the finished image."""
    done = subprocess.run(["packer/hygiene", str(ROOT)], check=True, capture_output=True, text=True)
    assert done.stdout == "hygiene: nothing left behind\n"
