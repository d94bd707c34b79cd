"""Checks whether commands of the AWS CLI exist, by the models from which the CLI is generated."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import jmespath
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.session import Session

_GLOBAL = {"cli-binary-format", "endpoint-url", "no-cli-pager", "no-paginate", "output", "profile", "query", "region"}
_PAGES = {"max-items", "page-size", "starting-token"}
# Commands that the CLI adds to the services' operations, and their options that are used here.
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
    """Return the mistakes in a command, given as its words, the first of which is `aws`."""
    options = {word[2:].partition("=")[0] for word in words if word.startswith("--")}
    if tuple(words[1:3]) in _ADDED:
        return [f"no option --{name}" for name in sorted(options - _ADDED[words[1], words[2]] - _GLOBAL)]
    try:
        operation = _operation(words)
    except (UnknownServiceError, KeyError, ValueError, IndexError):
        return [f"no such command: {' '.join(words[:4])}"]
    return [*_wrong_options(operation, options), *_wrong_query(operation, words)]


_CALLED = {("logs", "tail"): "FilterLogEvents", ("s3", "cp"): "GetObject", ("s3", "ls"): "ListObjectsV2"}


def operation(words: list[str]) -> tuple[str, str]:
    """Return the service's name in signatures, and the operation that a command calls."""
    if called := _CALLED.get((words[1], words[2])):
        return words[1], called
    found = _operation(words)
    return found.service_model.signing_name, found.name


def _operation(words: list[str]) -> OperationModel:
    """Return the operation that a command calls; for `wait`, it is the waiter's."""
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
    """Return the fields that a --query requests and no answer has."""
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
"""Our own keys: the attributes of an item."""


def call(words: list[str], client: Callable[[str], Any]) -> Any:  # noqa: ANN401 - whatever the query leaves
    """Run a command through a client of its service, and return its --query's result."""
    operation = _operation(words)
    given = dict(_given(words))
    query = given.pop("query", "@")
    given.pop("output", None)
    shape = operation.input_shape
    members = {xform_name(name, "-"): (name, member) for name, member in shape.members.items()} if shape else {}
    parameters = {members[name][0]: _value(members[name][1], text) for name, text in given.items()}
    if words[2] == "wait":
        return client(words[1]).get_waiter(words[3].replace("-", "_")).wait(**parameters)
    answer = getattr(client(words[1]), xform_name(operation.name))(**parameters)
    return jmespath.search(query, json.loads(json.dumps(answer, default=str)))


def _given(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each option with its value; all options used here have one."""
    for word, value in pairwise(words):
        if word.startswith("--"):
            yield word[2:], value


def _value(shape: Shape, text: str) -> Any:  # noqa: ANN401 - as AWS takes it
    """Parse an option's value: JSON, a list of key=value, or a word."""
    if not isinstance(shape, StructureShape | MapShape):
        return text
    if text.startswith("{"):
        return json.loads(text)
    pairs = dict(pair.split("=", 1) for pair in text.split(","))
    return {key: value == "true" if value in {"true", "false"} else value for key, value in pairs.items()}
