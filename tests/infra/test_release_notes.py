"""The notes of a release are what the changelog says about its version, and its tag is that version."""

import subprocess
import sys
from pathlib import Path

import pytest

from service import __version__

ROOT = Path(__file__).parents[2]


def run(tag: str) -> "subprocess.CompletedProcess[str]":
    """Write the notes for a tag."""
    command = [sys.executable, str(ROOT / "docs" / "release_notes.py"), tag]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_notes_are_the_section_of_the_version() -> None:
    """The notes are what stands under the version's heading, up to the next."""
    done = run(f"v{__version__}")
    assert done.returncode == 0, done.stderr
    notes = (ROOT / "build" / "release-notes.md").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert notes in changelog
    assert "### Added" in notes
    assert "\n## " not in notes


@pytest.mark.parametrize("tag", ["v0.0.1", "", __version__])
def test_another_tag_is_refused(tag: str) -> None:
    """A tag other than v and the version is refused, in a sentence that names both."""
    done = run(tag)
    assert done.returncode == 1
    assert f"v{__version__}" in done.stderr
