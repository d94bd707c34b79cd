"""Is this a command of the AWS CLI? Asked of the models that the CLI is made of."""

from functools import cache
from typing import Any

import jmespath
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.session import Session

_GLOBAL = {"cli-binary-format", "endpoint-url", "no-cli-pager", "no-paginate", "output", "profile", "query", "region"}
_PAGES = {"max-items", "page-size", "starting-token"}
# What the CLI adds to the services' own operations, and the options of it that are used here.
_ADDED = {
    ("logs", "tail"): {"follow", "format", "since", "filter-pattern", "log-stream-names"},
    ("s3", "cp"): {"recursive", "version-id"},
    ("s3", "ls"): {"recursive"},
}

_RENAMED = {"s3api": "s3"}


@cache
def _session() -> Session:
    return Session()


def mistakes(words: list[str]) -> list[str]:
    """Return what is wrong with a command, given as its words, the first of which is `aws`."""
    options = {word[2:].partition("=")[0] for word in words if word.startswith("--")}
    if tuple(words[1:3]) in _ADDED:
        return [f"no option --{name}" for name in sorted(options - _ADDED[words[1], words[2]] - _GLOBAL)]
    try:
        operation = _operation(words)
    except (UnknownServiceError, KeyError, ValueError, IndexError):
        return [f"no such command: {' '.join(words[:4])}"]
    return [*_wrong_options(operation, options), *_wrong_query(operation, words)]


def _operation(words: list[str]) -> OperationModel:
    """Return the operation that a command calls; `wait` calls one that a waiter names."""
    service = _RENAMED.get(words[1], words[1])
    model = _session().get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if words[2] == "wait":
        waiters = _session().get_waiter_model(service)
        named = {xform_name(name, "-"): name for name in waiters.waiter_names}
        return model.operation_model(waiters.get_waiter(named[words[3]]).operation)
    return model.operation_model(names[words[2]])


def _wrong_options(operation: OperationModel, options: set[str]) -> list[str]:
    shape = operation.input_shape
    members = {xform_name(name, "-") for name in shape.members} if shape else set()
    needed = {xform_name(name, "-") for name in shape.required_members} if shape else set()
    known = members | {f"no-{name}" for name in members} | _GLOBAL | _PAGES
    unknown = [f"no option --{name}" for name in sorted(options - known)]
    return [*unknown, *(f"--{name} is missing" for name in sorted(needed - options))]


def _wrong_query(operation: OperationModel, words: list[str]) -> list[str]:
    """Return the fields that a --query asks for and no answer has."""
    if "--query" not in words:
        return []
    parsed = jmespath.compile(words[words.index("--query") + 1]).parsed
    known = _names(operation.output_shape, set()) if operation.output_shape else set()
    return [f"no field {name} in the answer" for name in sorted(_fields(parsed) - known)]


def _fields(node: dict[str, Any]) -> set[str]:
    own = {node["value"]} if node["type"] == "field" else set()
    return own.union(*(_fields(child) for child in node["children"] if isinstance(child, dict)))


def _names(shape: Shape, seen: set[str]) -> set[str]:
    """Return the names of all fields anywhere in `shape`."""
    if shape.name in seen:
        return set()
    seen.add(shape.name)
    if isinstance(shape, StructureShape):
        return set(shape.members).union(*(_names(member, seen) for member in shape.members.values()))
    if isinstance(shape, ListShape):
        return _names(shape.member, seen)
    return _names(shape.value, seen) | _MAP_KEYS if isinstance(shape, MapShape) else set()


_MAP_KEYS = {"S", "dateOfBirth", "username"}
"""Keys that are ours: the attributes of an item."""
