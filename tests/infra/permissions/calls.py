"""Calls of AWS's APIs, parsed from recorded requests and commands. It knows operations, not permissions."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

from botocore.model import OperationModel
from botocore.session import Session

_MODELS = {"monitoring": "cloudwatch", "elasticloadbalancing": "elbv2"}


@dataclass(frozen=True)
class Call:
    """An operation of a service, with all parameters of its request."""

    service: str
    """The service's name in signatures, such as monitoring."""
    operation: str
    region: str
    values: tuple[tuple[str, str], ...]
    """Every parameter at any depth, with the last part of its name."""

    def named(self, *names: str) -> list[str]:
        """Return the values of the parameters with these names, ignoring case."""
        wanted = {name.lower() for name in names}
        return [value for name, value in self.values if name.lower() in wanted]


def read(line: dict[str, str]) -> Call:
    """Parse a recorded request."""
    if line["target"]:
        operation, values = line["target"].rpartition(".")[2], list(walk("", json.loads(line["body"] or "{}")))
    elif line["body"].startswith("Action="):
        form = parse_qsl(line["body"])
        operation, values = form[0][1], [(_last(name), value) for name, value in form[1:]]
    else:
        operation, values = _rest(line)
    return Call(line["service"], operation, line["region"], tuple(values))


def walk(name: str, value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    """Yield every value at any depth, with the last part of its name."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(name, inner)
    else:
        yield name, str(value)


def _last(name: str) -> str:
    """Return the last part of a form field's name that is not a number, such as Value for Filter.1.Value.2."""
    return [part for part in name.split(".") if not part.isdigit() and part != "member"][-1]


def _rest(line: dict[str, str]) -> tuple[str, list[tuple[str, str]]]:
    """Find the operation by method, path and query; the most specific one fits best."""
    given = dict(parse_qsl(line["query"], keep_blank_values=True))
    told = given.get("x-id")  # newer SDKs send it
    found = [
        (operation == told, len(flags), -len(labels), operation, labels)
        for operation, method, path, flags in _templates(line["service"])
        if method == line["method"] and flags.items() <= given.items() | {(key, "") for key in given}
        for labels in _labels(path, line["path"])
    ]
    *_, operation, labels = max(found, key=lambda each: each[:3])
    body = json.loads(line["body"]) if line["body"].startswith("{") else {}
    return operation, [*labels.items(), *given.items(), *walk("", body)]


def _labels(template: re.Pattern[str], path: str) -> Iterator[dict[str, str]]:
    if matched := template.fullmatch(unquote(path).rstrip("/") or "/"):
        yield matched.groupdict()


@cache
def _templates(service: str) -> list[tuple[str, str, re.Pattern[str], dict[str, str]]]:
    model = Session().get_service_model(_MODELS.get(service, service))
    return [_template(model.operation_model(name)) for name in model.operation_names]


def _template(operation: OperationModel) -> tuple[str, str, re.Pattern[str], dict[str, str]]:
    path, _, query = operation.http["requestUri"].partition("?")
    pattern = re.sub(r"\\{(\w+)(\\\+)?\\}", _label, re.escape(path.rstrip("/") or "/"))
    shape = operation.input_shape
    asked = [shape.members[name].serialization for name in shape.required_members] if shape else []
    needed = {each["name"]: "" for each in asked if each.get("location") == "querystring"}
    flags = needed | dict(parse_qsl(query, keep_blank_values=True))
    return operation.name, operation.http["method"], re.compile(pattern), flags


def _label(found: re.Match[str]) -> str:
    greedy = found[2] or found[1].lower().endswith("arn")
    return f"(?P<{found[1]}>{'.+' if greedy else '[^/]+'})"
