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
"""Attributes, and the value that keeps a resource, or one that is not empty, from being deleted at all or at once."""


def protected(module: dict[str, Any]) -> Iterator[str]:
    """Yield the addresses of protected resources in a module of the state and in its child modules."""
    for resource in module.get("resources", []):
        values = resource["values"]
        if resource["mode"] == "managed" and any(values.get(name) == value for name, value in PROTECTING.items()):
            yield resource["address"]
    for inner in module.get("child_modules", []):
        yield from protected(inner)
