"""The package says where it runs."""

import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_no_system_gets_half_of_what_is_imported() -> None:
    """All dependencies that the service imports are installed with it, and its operating systems are named."""
    assert [dependency for dependency in PROJECT["dependencies"] if ";" in dependency] == []
    assert "Operating System :: POSIX" in PROJECT["classifiers"]
