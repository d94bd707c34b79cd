"""What protects resources from being destroyed, as Terraform's state shows it."""

from collections.abc import Iterator
from typing import Any

PROTECTING = {
    "deletion_protection": "ACTIVE",
    "deletion_protection_enabled": True,
    "deletion_window_in_days": 30,
    "enable_deletion_protection": True,
    "force_destroy": False,
}
"""Attributes, and the value with which a resource, or one that is not empty, is not deleted, or later than need be."""


def protected(module: dict[str, Any]) -> Iterator[str]:
    """Yield the addresses of what is protected in a module of the state and in those within it."""
    for resource in module.get("resources", []):
        values = resource["values"]
        if resource["mode"] == "managed" and any(values.get(name) == value for name, value in PROTECTING.items()):
            yield resource["address"]
    for inner in module.get("child_modules", []):
        yield from protected(inner)
