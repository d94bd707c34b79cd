"""What a plan would change, read from what `terraform show -json` tells of it. Knows no files and no environments."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any


def actions(told: dict[str, Any]) -> dict[str, str]:
    """Return what would happen to each resource, by address, such as create or delete+create."""
    return {resource["address"]: "+".join(resource["change"]["actions"]) for resource in _changed(told)}


def digest(told: dict[str, Any]) -> str:
    """Return by what a plan can be known again: equal for plans that would do the same with the same values.

    What a resource has otherwise may change meanwhile, such as how many instances there are.
    """
    changes = {resource["address"]: _difference(resource["change"]) for resource in _changed(told)}
    whole = json.dumps([told["variables"], actions(told), changes], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def _changed(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in told.get("resource_changes", []):
        if resource["change"]["actions"] not in (["no-op"], ["read"]):
            yield resource


def _difference(change: dict[str, Any]) -> dict[str, Any]:
    """Return what attributes would become, those that are known after the apply only included."""
    before, after, unknown = (change.get(name) or {} for name in ("before", "after", "after_unknown"))
    names = before.keys() | after.keys() | unknown.keys()
    return {
        name: [after.get(name), unknown.get(name)]
        for name in names
        if before.get(name) != after.get(name) or unknown.get(name) is True
    }
