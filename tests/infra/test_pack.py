"""What is baked is packed the same way each time: same content, same bytes, whoever packs it and when."""

import hashlib
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

NAMES = ["b-1.0-py3-none-any.whl", "a-1.0-py3-none-any.whl", "requirements.txt"]


def pack(folder: Path, target: Path) -> "subprocess.CompletedProcess[str]":
    """Pack `folder`."""
    command = [sys.executable, "packer/pack.py", str(folder), str(target)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def filled(folder: Path, names: list[str], when: float, mode: int) -> Path:
    """Make a folder with files of that age and mode, in that order."""
    folder.mkdir()
    for name in names:
        (folder / name).write_text(f"content of {name}")
        (folder / name).chmod(mode)
        os.utime(folder / name, (when, when))
    return folder


def test_same_content_is_the_same_bytes(tmp_path: Path) -> None:
    """Neither the order of files nor their times and modes change anything, and the digest is the file's."""
    folders = [
        filled(tmp_path / "once", NAMES, 1e9, 0o600),
        filled(tmp_path / "again", NAMES[::-1], 1.5e9, 0o664),
    ]
    packed = []
    for folder in folders:
        target = folder.with_suffix(".tar")
        assert pack(folder, target).returncode == 0
        packed.append(target.read_bytes())
        told = target.with_name(f"{target.name}.sha256").read_text()
        assert told == f"{hashlib.sha256(packed[-1]).hexdigest()}\n"
    assert packed[0] == packed[1]


def test_tar_unpacks_what_was_packed(tmp_path: Path) -> None:
    """The program tar, which Ansible unpacks with, finds every file, readable by everybody and owned by root."""
    folder = filled(tmp_path / "artifact", NAMES, 1e9, 0o600)
    target = tmp_path / "artifact.tar"
    assert pack(folder, target).returncode == 0
    (out := tmp_path / "out").mkdir()
    subprocess.run(["tar", "--extract", "--file", target, "--directory", out, "--no-same-owner"], check=True)
    assert {path.name: path.read_text() for path in out.iterdir()} == {name: f"content of {name}" for name in NAMES}
    with tarfile.open(target) as archive:
        found = {(member.mode, member.uid, member.gid, member.mtime) for member in archive}
    assert found == {(0o644, 0, 0, 0)}


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    """A folder or a link would be lost or lead elsewhere, so it is refused by its name."""
    folder = filled(tmp_path / "artifact", NAMES, 1e9, 0o600)
    if kind == "folder":
        (folder / "inner").mkdir()
    else:
        (folder / "inner").symlink_to("/etc/passwd")
    done = pack(folder, tmp_path / "artifact.tar")
    assert (done.returncode, "inner is no file" in done.stderr) == (1, True), done.stderr
