"""Fails if a key that signs Amazon's agents expires soon: by then Amazon signs with another one, and bakes fail.

python packer/key_age.py DAYS KEY-FILE...
"""

import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path


def told(key: Path) -> dict[str, list[str]]:
    """Return what gpg prints about the one key in a file, as fields by record type: pub, fpr, ..."""
    with tempfile.TemporaryDirectory() as home:
        command = ["gpg", "--homedir", home, "--batch", "--quiet", "--show-keys", "--with-colons", str(key)]
        printed = subprocess.check_output(command, text=True)  # noqa: S603 - gpg, and a file that the caller names
    return {fields[0]: fields for fields in (line.split(":") for line in reversed(printed.splitlines()))}


def expiry(key: Path) -> datetime | None:
    """Return when a key expires, if it does."""
    seconds = told(key)["pub"][6]
    return datetime.fromtimestamp(int(seconds), UTC) if seconds else None


def expiring(keys: list[Path], before: datetime) -> list[str]:
    """Return a sentence for each key that expires before some time."""
    found = [(key, end) for key in keys if (end := expiry(key)) is not None and end < before]
    return [
        f"{key} expires on {end:%Y-%m-%d}: replace it with Amazon's new key, see docs/runbooks/rotate.md"
        for key, end in found
    ]


def main(days: str, *files: str) -> None:
    """Print which keys expire within `days`, and fail if any does."""
    soon = expiring([Path(file) for file in files], datetime.now(UTC) + timedelta(days=int(days)))
    if soon:
        raise SystemExit("\n".join(soon))
    print(f"no key of {len(files)} expires within {days} days")


if __name__ == "__main__":
    main(*sys.argv[1:])
