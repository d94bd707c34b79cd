"""A root file system that is equivalent to Debian 13's cloud image for EC2.

Its packages and settings are those that Debian's own configuration of that image names (debian-cloud-images, classes
SYSTEM_BOOT, CLOUD, EC2, TIME_SYSTEMD and the architecture's); only the mirror is this machine's own.
"""

import re
import shutil
import subprocess
from pathlib import Path

_PACKAGES = {
    "SYSTEM_BOOT": (
        "apparmor apt-utils e2fsprogs init iptables iputils-ping less libnss-myhostname libnss-resolve libpam-systemd"
        " linux-sysctl-defaults nano netbase netplan.io polkitd sudo systemd-resolved unattended-upgrades vim-tiny"
        " whiptail zstd"
    ),
    "TIME_SYSTEMD": "systemd-timesyncd",
    "CLOUD": "cloud-initramfs-growroot openssh-server ssh-import-id",
    "EC2": "amazon-ec2-utils awscli cloud-guest-utils cloud-init",
    "AMD64": "dosfstools grub-cloud-amd64 linux-image-cloud-amd64",
    "ARM64": "dosfstools grub-cloud-arm64 linux-image-cloud-arm64",
}
_CLASS_OF_ARCHITECTURE = {"amd64": "AMD64", "arm64": "ARM64"}
_MIRRORS = Path("etc/apt/mirrors")
_SOURCES = """\
Types: deb deb-src
URIs: mirror+file:///etc/apt/mirrors/debian.list
Suites: trixie trixie-updates trixie-backports
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb deb-src
URIs: mirror+file:///etc/apt/mirrors/debian-security.list
Suites: trixie-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
_CLOUD_INIT = """\
apt:
  generate_mirrorlists: true
system_info:
  default_user:
    name: admin
    gecos: Debian
    groups: [adm, audio, cdrom, dialout, dip, floppy, plugdev, sudo, video]
    lock_passwd: True
    shell: /bin/bash
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
  package_mirrors:
    - arches: [default]
      failsafe:
        primary: {mirror}
        security: {mirror}-security
"""
_FILES = {
    "etc/apt/sources.list": "# See /etc/apt/sources.list.d/debian.sources\n",
    "etc/apt/sources.list.d/debian.sources": _SOURCES,
    "etc/default/grub.d/15_timeout.cfg": "GRUB_TIMEOUT=0\n",
    "etc/default/locale": "LANG=C.UTF-8\n",
    "etc/kernel-img.conf": "do_symlinks = no\n",
    "etc/modprobe.d/blacklist.conf": "blacklist pcspkr\nblacklist floppy\n",
    "etc/systemd/timesyncd.conf.d/01_debian_cloud.conf": "[Time]\nFallbackNTP=169.254.169.123 fd00:ec2::123\n",
}
_EMPTY = ("etc/hostname", "etc/machine-id")  # left to the first boot
_NO_DAEMONS = "usr/sbin/policy-rc.d"


def bootstrap(root: Path) -> None:
    """Make the root file system at `root`; the output is in a file beside it, which is named if it fails."""
    architecture = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
    source = mirror()
    shutil.rmtree(root, ignore_errors=True)
    with root.with_suffix(".log").open("w", encoding="utf-8") as log:

        def run(*command: str) -> None:
            if subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False).returncode:
                raise SystemExit(f"{' '.join(command)} failed; what it printed is in {log.name}")

        run("debootstrap", "--variant=minbase", f"--arch={architecture}", "trixie", str(root), source)
        _configure(root, source)
        _forbid_daemons(root)
        inside = ("chroot", str(root), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes")
        run(*inside, "update")
        names = [name for names in _wanted(architecture) for name in names.split()]
        run(*inside, "install", "--no-install-recommends", *names)
        (root / _NO_DAEMONS).unlink()
        run("chroot", str(root), "systemctl", "enable", "systemd-networkd", "systemd-resolved")
        run(*inside, "clean")
        _forget(root)


def _wanted(architecture: str) -> list[str]:
    other = set(_CLASS_OF_ARCHITECTURE.values()) - {_CLASS_OF_ARCHITECTURE[architecture]}
    return [names for kind, names in _PACKAGES.items() if kind not in other]


def _configure(root: Path, source: str) -> None:
    lists = {"debian.list": source, "debian-security.list": f"{source}-security"}
    files = _FILES | {str(_MIRRORS / name): f"{url}\n" for name, url in lists.items()}
    files["etc/cloud/cloud.cfg.d/01_debian_cloud.cfg"] = _CLOUD_INIT.format(mirror=source)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def _forbid_daemons(root: Path) -> None:
    (root / _NO_DAEMONS).write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
    (root / _NO_DAEMONS).chmod(0o755)


def _forget(root: Path) -> None:
    """Remove what Debian's image does not contain: package lists, an identity, host keys."""
    for name in _EMPTY:
        (root / name).write_text("", encoding="utf-8")
    for path in (root / "etc/ssh").glob("ssh_host_*"):
        path.unlink()
    (root / "var/lib/dbus/machine-id").unlink(missing_ok=True)
    for name in ("var/lib/apt/lists", "var/log/apt"):
        shutil.rmtree(root / name)
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n", encoding="utf-8")


def mirror() -> str:
    """Return the mirror that this machine's own packages come from."""
    listed = [*Path("/etc/apt").glob("sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in listed)
    found = re.search(r"^(?:URIs:|deb(?: \[.*?\])?) +(https?://\S+/debian)/?(?:\s|$)", text, re.MULTILINE)
    return found[1] if found else "http://deb.debian.org/debian"
