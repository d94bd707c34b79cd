"""The AWS operations that source code calls through boto3, read from its syntax. It knows nothing about permissions."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from botocore import xform_name
from botocore.session import Session

Operation = tuple[str, str]
"""The service's name in signatures, and the operation."""

_HIDING = {"get_paginator", "get_waiter", "resource"}


def operations(sources: Iterable[str]) -> set[Operation]:
    """Return the operations that `sources` call, of the services for which any of them creates a client.

    Clients take keyword arguments only, so calls with others are not theirs. Where two services have an operation of
    the same name, the client's variable must have the service's name. Fails on anything that would hide a call: a
    service whose name is not a literal, a paginator, a waiter, a resource.
    """
    nodes = [node for source in sources for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    calls = [(node.func, node.args) for node in nodes if isinstance(node.func, ast.Attribute)]
    assert [ast.unparse(method) for method, _ in calls if method.attr in _HIDING] == []
    services = {ast.literal_eval(arguments[0]) for method, arguments in calls if method.attr == "client"}
    return {found for method, arguments in calls if not arguments for found in _called(method, services)}


def _called(method: ast.Attribute, services: set[str]) -> Iterator[Operation]:
    having = {service for service in services if method.attr in _methods(service)}
    if len(having) > 1:
        having &= {ast.unparse(method.value)}
        assert having, f"whose {method.attr} is called?"
    for service in having:
        yield _methods(service)[method.attr]


@cache
def _methods(service: str) -> dict[str, Operation]:
    """Return the operations of a service by the names of the client's methods."""
    model = Session().get_service_model(service)
    return {xform_name(name): (model.signing_name, name) for name in model.operation_names}


def package(folder: Path) -> list[str]:
    """Return the sources of a package's modules."""
    return [file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.py"))]
