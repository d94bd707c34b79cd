"""Packs a folder into a tar file, with the same bytes each time, and writes the file's SHA-256 beside it.

    pack.py FOLDER FILE.tar

Names are sorted; owners, times and modes are fixed.
"""

import hashlib
import sys
import tarfile
from pathlib import Path


def main(folder: Path, target: Path) -> None:
    """Pack the files in `folder`, which has no subfolders."""
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name, recursive=False, filter=_plain)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    target.with_name(f"{target.name}.sha256").write_text(f"{digest}\n", encoding="utf-8")


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    if not member.isfile():
        sys.exit(f"{member.name} is no file, and nothing else is packed.")
    plain = tarfile.TarInfo(member.name)
    plain.size, plain.mode = member.size, 0o644
    return plain


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
