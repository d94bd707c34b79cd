"""Failures of nightly runs are reported in one issue, and in comments on it until somebody closes it."""

import os
import subprocess
from pathlib import Path

import pytest

TELL = Path(__file__).parents[2] / ".ci" / "tell"
# Stands in for GitHub's command: lists numbers and titles of a file, and notes what else is asked for.
_GH = """#!/bin/sh
if [ "$1 $2" = "issue list" ]; then cat issues; else echo "$*" >> asked; fi
"""


@pytest.mark.parametrize(
    ("issues", "asked"),
    [
        ("", "issue create --title it broke --body run 7"),
        ("5\tit broke, too\n", "issue create --title it broke --body run 7"),
        ("5\tother\n6\tit broke\n4\tit broke\n", "issue comment 6 --body run 7"),
    ],
)
def test_open_issue_is_added_to(tmp_path: Path, issues: str, asked: str) -> None:
    """An open issue with this very title gets a comment; without one, an issue is opened."""
    (tmp_path / "issues").write_text(issues)
    (tmp_path / "gh").write_text(_GH)
    (tmp_path / "gh").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    subprocess.run([TELL, "it broke", "run 7"], cwd=tmp_path, env=os.environ | {"PATH": path}, check=True)
    assert (tmp_path / "asked").read_text().strip() == asked
