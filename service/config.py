"""The settings: one frozen `Config`, read from environment variables with the prefix `HELLO_`.

Owns names, units, defaults and limits of all settings, and reports all invalid ones at once.
AWS's own settings (region, credentials, endpoint) are read by the AWS SDK.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any, Self

from service.errors import SetupError

PREFIX = "HELLO_"


def _text(pattern: str, rule: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(rule)
        return value

    return parse


def _choice(*names: str) -> Callable[[str], str]:
    return _text("|".join(names), f"must be one of {', '.join(names)}")


def _port(value: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", value) or int(value) > 65535:  # noqa: PLR2004 - the last TCP port
        raise ValueError("must be a whole number from 0 to 65535")
    return int(value)


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", value) or not low <= float(value) <= high:
            raise ValueError(f"must be a number of seconds from {low:g} to {high:g}")
        return float(value)

    return parse


def _requests(value: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,6}", value):
        raise ValueError("must be a whole number of requests from 1 to 9999999")
    return int(value)


def is_secure_url(url: str) -> bool:
    """Tell whether `url` is safe from tampering on the network: https, or http to this machine."""
    return re.fullmatch(r"(https://[^\s/]+|http://(127\.0\.0\.1|localhost)(:[0-9]+)?)(/\S*)?", url) is not None


def _secure_url(value: str) -> str:
    if not is_secure_url(value):
        raise ValueError("must be an https URL")
    return value


def _list(value: str) -> tuple[str, ...]:
    return tuple(filter(None, value.replace(",", " ").split()))


def _setting(default: object, parse: Callable[[str], object], unit: str, description: str) -> Any:  # noqa: ANN401 - as dataclasses.field
    metadata = {"parse": parse, "unit": unit, "description": description}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings; each field is read from the variable `HELLO_` plus the field's name in capitals."""

    host: str = _setting(
        "127.0.0.1", _text(r"\S+", "must be a host name or an IP address"), "address", "Address to listen on"
    )
    port: int = _setting(8080, _port, "TCP port", "Port to listen on; 0 takes a free one")
    table_name: str = _setting(
        "birthdays",
        _text("[A-Za-z0-9_.-]{3,255}", "must be 3 to 255 of the characters A-Z a-z 0-9 _ . -"),
        "name",
        "DynamoDB table that keeps the dates of birth",
    )
    storage_seconds: float = _setting(
        3.0, _seconds(0.1, 60), "seconds", "Time budget of one storage call, retries included"
    )
    startup_seconds: float = _setting(
        5.0, _seconds(0, 3600), "seconds", "How long to wait at start for credentials and for DynamoDB"
    )
    self_test: str = _setting(
        "on",
        _choice("on", "off"),
        "on or off",
        "Whether to run the self-test at start, before the service accepts connections",
    )
    head_seconds: float = _setting(
        10.0, _seconds(0.1, 300), "seconds", "How long the request line and header fields may take to arrive"
    )
    body_seconds: float = _setting(10.0, _seconds(0.1, 300), "seconds", "How long a request body may take to arrive")
    answer_seconds: float = _setting(
        10.0, _seconds(0.1, 300), "seconds", "How long a response may stay unread before its connection is cut"
    )
    max_in_flight: int = _setting(
        1024, _requests, "requests", "How many requests may be worked on at once; further ones get 503"
    )
    drain_seconds: float = _setting(
        10.0, _seconds(0, 3600), "seconds", "How long to keep serving after SIGTERM while clients disconnect"
    )
    shutdown_seconds: float = _setting(
        20.0, _seconds(0.1, 3600), "seconds", "How long requests in flight may take to finish after the drain"
    )
    log_level: str = _setting(
        "info", _choice("debug", "info", "warning", "error"), "name", "Least severe events to log"
    )
    log_format: str = _setting(
        "auto", _choice("auto", "json", "console"), "name", "`auto` is console on a terminal, else JSON lines"
    )
    auth_issuer: str = _setting(
        "", _secure_url, "URL", "Issuer of the bearer tokens that /hello then requires; not set: no authentication"
    )
    auth_audience: tuple[str, ...] = _setting(
        (), _list, "names, comma-separated", "Accepted audiences of tokens, for Cognito its client ids"
    )
    auth_jwks_url: str = _setting(
        "", _secure_url, "URL", "URL of the issuer's keys; not set: taken from its openid-configuration"
    )
    metrics_port: int | None = _setting(
        None, _port, "TCP port", "Port of 127.0.0.1 for Prometheus metrics; 0 takes a free one, not set: none"
    )
    git_commit: str = _setting(
        "unknown", _text(r"[\w.-]{1,64}", "must be a git commit id"), "commit", "Shown by /version"
    )
    image_id: str = _setting("unknown", _text(r"[\w.-]{1,64}", "must be an image id"), "AMI id", "Shown by /version")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Read all settings from `environ`; raise `SetupError` naming every invalid variable.

        An empty variable counts as not set.
        """
        values: dict[str, Any] = {}
        problems = []
        for field in dataclasses.fields(cls):
            variable = PREFIX + field.name.upper()
            text = environ.get(variable, "")
            try:
                values[field.name] = field.metadata["parse"](text) if text else field.default
            except ValueError as error:
                problems.append(f"{variable} {error}, not {text!r}")
        problems += _incomplete(values)
        if problems:
            raise SetupError("; ".join(problems))
        return cls(**values)


def _incomplete(values: Mapping[str, Any]) -> list[str]:
    """Name the settings missing to check tokens: a half-configured service must not run without authentication."""
    names = ("auth_issuer", "auth_audience")
    if not any(values.get(name) for name in (*names, "auth_jwks_url")):
        return []
    return [
        f"{PREFIX}{name.upper()} must be set too, to check bearer tokens"
        for name in names
        if name in values and not values[name]
    ]


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return the names in `environ` that have our prefix but are not settings: most likely typos."""
    known = {PREFIX + field.name.upper() for field in dataclasses.fields(Config)}
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)


def default(field: "dataclasses.Field[Any]") -> str:
    """Return the default of a setting as `--help` and the documentation show it."""
    return "none" if field.default in (None, "", ()) else str(field.default)


def describe() -> str:
    """Return one line for each setting: variable, meaning, unit and default, as `--help` shows them."""
    return "\n".join(
        f"  {PREFIX + field.name.upper():<24}{field.metadata['description']}"
        f" ({field.metadata['unit']}, default {default(field)})"
        for field in dataclasses.fields(Config)
    )
