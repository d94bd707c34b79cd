"""Makes a disk from the baked root, laid out as in Debian's image: partition table, EFI system partition, root.

It adds what installing on a disk adds, `/etc/fstab` and GRUB's configuration, and nothing for the tests. Boot loader,
kernel and initramfs are those of the root. Needs no loop device, no mounting and no network.
"""

import shutil
import subprocess
from pathlib import Path

from tests.image.layout import REPOSITORY, ROOT

WORK = REPOSITORY / "build" / "image-vm"
DISK_GIB = 8
"""The size of a machine's disk, as packer/image.pkr.hcl says; the image's partitions are smaller."""

_MIB = 1024 * 1024
_EFI_MIB, _FIRST_MIB, _LAST_MIB = 124, 1, 1
_EFI_ID, _ROOT_ID = "6e6f7461-6b65-4546-8000-000000000001", "6e6f7461-6b65-4546-8000-000000000002"
_FILE_SYSTEM_ID = "6e6f7461-6b65-4546-8000-000000000003"
# Debian's order: the root is the first by number and the last on the disk, where it can grow.
_PARTITIONS = """\
label: gpt
15: start={efi_start}MiB, size={efi_size}MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid={efi_id}
1: start={root_start}MiB, size={root_size}MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid={root_id}
"""
_FSTAB = f"""\
PARTUUID={_ROOT_ID} / ext4 rw,discard,errors=remount-ro,x-systemd.growfs 0 1
PARTUUID={_EFI_ID} /boot/efi vfat defaults,umask=077 0 0
"""
_FIND_ROOT = f"search.fs_uuid {_FILE_SYSTEM_ID} root\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n"
_ENTRY = """\
linux /boot/vmlinuz-{kernel} root=PARTUUID={root_id} ro {options}
initrd /boot/initrd.img-{kernel}
boot
"""


def make(root: Path = ROOT) -> Path:
    """Return the disk made of `root`, a raw image; raise `CalledProcessError` with a tool's messages."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    installed = WORK / "root"
    _run("cp", "--archive", "--reflink=auto", root, installed)
    (installed / "etc/fstab").write_text(_FSTAB, encoding="ascii")
    (installed / "boot/efi").mkdir(exist_ok=True)
    (installed / "boot/grub").mkdir(exist_ok=True)
    (installed / "boot/grub/grub.cfg").write_text(_entry(installed), encoding="ascii")
    disk = _partitioned(_size_mib(installed))
    _write_root(installed, disk)
    _write_efi(installed, disk)
    shutil.rmtree(installed)
    return disk


def overlay(disk: Path, name: str) -> Path:
    """Return a machine's own disk of full size; what it writes never reaches `disk`."""
    made = WORK / f"{name}.qcow2"
    _run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", disk, made, f"{DISK_GIB}G")
    return made


def _entry(root: Path) -> str:
    """Return GRUB's entry: it boots the newest kernel with the options of /etc/default/grub, as update-grub's does."""
    kernel = max((root / "boot").glob("vmlinuz-*")).name.removeprefix("vmlinuz-")
    ask = ["sh", "-c", '. /etc/default/grub; echo "$GRUB_CMDLINE_LINUX"']
    options = subprocess.check_output(["chroot", root, *ask], text=True).strip()
    return _ENTRY.format(kernel=kernel, root_id=_ROOT_ID, options=options)


def _size_mib(root: Path) -> int:
    """Return the size of the root's partition, with some room to spare."""
    used = int(subprocess.check_output(["du", "--summarize", "--block-size=1M", root], text=True).split()[0])
    return used + used // 4 + 128


def _partitioned(root_mib: int) -> Path:
    disk = WORK / "disk.raw"
    with disk.open("wb") as made:
        made.truncate((_FIRST_MIB + _EFI_MIB + root_mib + _LAST_MIB) * _MIB)
    sizes = {"efi_start": _FIRST_MIB, "efi_size": _EFI_MIB, "root_start": _FIRST_MIB + _EFI_MIB, "root_size": root_mib}
    script = _PARTITIONS.format(**sizes, efi_id=_EFI_ID, root_id=_ROOT_ID)
    subprocess.run(["sfdisk", "--quiet", disk], input=script, text=True, capture_output=True, check=True)
    return disk


def _write_root(root: Path, disk: Path) -> None:
    size = disk.stat().st_size - (_FIRST_MIB + _EFI_MIB + _LAST_MIB) * _MIB
    place = f"offset={(_FIRST_MIB + _EFI_MIB) * _MIB}"
    _run("mke2fs", "-q", "-F", "-t", "ext4", "-U", _FILE_SYSTEM_ID, "-E", place, "-d", root, disk, f"{size // 1024}k")


def _write_efi(root: Path, disk: Path) -> None:
    """Put Debian's signed boot loader where the firmware looks for one on an unknown disk."""
    partition = WORK / "efi"
    find_root = WORK / "find-root.cfg"
    find_root.write_text(_FIND_ROOT, encoding="ascii")
    _run("mkfs.vfat", "-C", "-F", "32", partition, str(_EFI_MIB * 1024))
    _run("mmd", "-i", partition, "::/EFI", "::/EFI/BOOT", "::/EFI/debian")
    files = {
        root / "usr/lib/shim/shimx64.efi.signed": "BOOT/BOOTX64.EFI",
        root / "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed": "BOOT/grubx64.efi",
        find_root: "debian/grub.cfg",
    }
    for source, target in files.items():
        _run("mcopy", "-i", partition, source, f"::/EFI/{target}")
    _run("dd", f"if={partition}", f"of={disk}", "bs=1M", f"seek={_FIRST_MIB}", "conv=notrunc,sparse", "status=none")


def _run(*command: str | Path) -> None:
    subprocess.run(command, capture_output=True, check=True)
