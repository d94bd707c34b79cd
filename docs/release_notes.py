"""Writes the release notes of a version: its section of the changelog.

    release_notes.py TAG

TAG must be v followed by the version of this checkout; the section goes to build/release-notes.md.
"""

import re
import sys
from pathlib import Path

from service import __version__

ROOT = Path(__file__).parents[1]


def section(changelog: str, version: str) -> str:
    """Return the section of a version; raise LookupError if there is none."""
    found = re.search(rf"^## {re.escape(version)} - .*?\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if found is None:
        raise LookupError(f"CHANGELOG.md has no section for {version}.")
    return found[1].strip() + "\n"


def main(tag: str) -> None:
    """Check the tag and write the notes."""
    if tag != f"v{__version__}":
        sys.exit(f"The tag is {tag or 'not given'}, but this checkout is v{__version__}: see service/__init__.py.")
    target = ROOT / "build" / "release-notes.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text(section((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), __version__), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
