"""The roles' argument specifications, compared with the roles."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = Path("ansible/roles")


def defaults(role: str) -> dict[str, Any]:
    """Return the values that a role has for what nobody sets."""
    file = ROLES / role / "defaults/main.yml"
    told: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
    return told


@pytest.mark.parametrize("role", sorted(folder.name for folder in ROLES.iterdir()))
def test_specification_tells_the_true_defaults(role: str) -> None:
    """A role's specification names each of its variables, with the very default that it has, or as required."""
    text = (ROLES / role / "meta/argument_specs.yml").read_text(encoding="utf-8")
    entries = yaml.safe_load(text)["argument_specs"].values()
    options = {name: option for entry in entries for name, option in entry.get("options", {}).items()}
    required = {name for name, option in options.items() if option.get("required")}
    told = {name: option.get("default") for name, option in options.items() if name not in required}
    assert told == defaults(role)
