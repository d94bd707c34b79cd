"""Config: what it reads, what it refuses, and that the documentation agrees."""

import dataclasses
import re
from pathlib import Path

import pytest

from service.config import PREFIX, Config, default, describe, unknown_variables
from service.errors import SetupError

OPERATE = Path(__file__).parents[2] / "docs" / "operate.md"


def test_defaults() -> None:
    """Without any variable, and with empty ones, all defaults hold."""
    assert Config.from_environ({}) == Config()
    assert Config.from_environ({"HELLO_PORT": "", "HELLO_TABLE_NAME": ""}) == Config()


def test_reads_every_variable() -> None:
    """Each field has a variable of its own."""
    environ = {
        "HELLO_HOST": "0.0.0.0",  # noqa: S104 - a value to read
        "HELLO_PORT": "80",
        "HELLO_TABLE_NAME": "other",
        "HELLO_STORAGE_SECONDS": "1.5",
        "HELLO_STARTUP_SECONDS": "0",
        "HELLO_SELF_TEST": "off",
        "HELLO_HEAD_SECONDS": "3",
        "HELLO_BODY_SECONDS": "2",
        "HELLO_ANSWER_SECONDS": "5",
        "HELLO_MAX_IN_FLIGHT": "100",
        "HELLO_DRAIN_SECONDS": "0",
        "HELLO_SHUTDOWN_SECONDS": "4",
        "HELLO_LOG_LEVEL": "debug",
        "HELLO_LOG_FORMAT": "json",
        "HELLO_AUTH_ISSUER": "https://issuer.example/pool",
        "HELLO_AUTH_AUDIENCE": "one, two",
        "HELLO_AUTH_JWKS_URL": "http://127.0.0.1:8000/keys",
        "HELLO_METRICS_PORT": "8081",
        "HELLO_GIT_COMMIT": "79f4bcc",
        "HELLO_IMAGE_ID": "ami-0123456789abcdef0",
    }
    config = Config.from_environ(environ)
    assert environ.keys() == {PREFIX + field.name.upper() for field in dataclasses.fields(Config)}
    assert config == Config(
        host="0.0.0.0",  # noqa: S104 - a value to read
        port=80,
        table_name="other",
        storage_seconds=1.5,
        startup_seconds=0,
        self_test="off",
        head_seconds=3,
        body_seconds=2,
        answer_seconds=5,
        max_in_flight=100,
        drain_seconds=0,
        shutdown_seconds=4,
        log_level="debug",
        log_format="json",
        auth_issuer="https://issuer.example/pool",
        auth_audience=("one", "two"),
        auth_jwks_url="http://127.0.0.1:8000/keys",
        metrics_port=8081,
        git_commit="79f4bcc",
        image_id="ami-0123456789abcdef0",
    )


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("HELLO_HOST", "two words", "must be a host name or an IP address"),
        ("HELLO_PORT", "http", "must be a whole number from 0 to 65535"),
        ("HELLO_PORT", "65536", "must be a whole number from 0 to 65535"),
        ("HELLO_PORT", "-1", "must be a whole number from 0 to 65535"),
        ("HELLO_PORT", "٨٠", "must be a whole number from 0 to 65535"),
        ("HELLO_PORT", "8080\n", "must be a whole number from 0 to 65535"),
        ("HELLO_TABLE_NAME", "no", "must be 3 to 255 of the characters A-Z a-z 0-9 _ . -"),
        ("HELLO_TABLE_NAME", "birth days", "must be 3 to 255 of the characters A-Z a-z 0-9 _ . -"),
        ("HELLO_DRAIN_SECONDS", "ten", "must be a number of seconds from 0 to 3600"),
        ("HELLO_DRAIN_SECONDS", "-1", "must be a number of seconds from 0 to 3600"),
        ("HELLO_DRAIN_SECONDS", "3601", "must be a number of seconds from 0 to 3600"),
        ("HELLO_DRAIN_SECONDS", "nan", "must be a number of seconds from 0 to 3600"),
        ("HELLO_STORAGE_SECONDS", "0", "must be a number of seconds from 0.1 to 60"),
        ("HELLO_MAX_IN_FLIGHT", "0", "must be a whole number of requests from 1 to 9999999"),
        ("HELLO_MAX_IN_FLIGHT", "many", "must be a whole number of requests from 1 to 9999999"),
        ("HELLO_LOG_LEVEL", "loud", "must be one of debug, info, warning, error"),
        ("HELLO_LOG_FORMAT", "xml", "must be one of auto, json, console"),
        ("HELLO_METRICS_PORT", "off", "must be a whole number from 0 to 65535"),
        ("HELLO_GIT_COMMIT", "a b", "must be a git commit id"),
        ("HELLO_IMAGE_ID", "a b", "must be an image id"),
    ],
)
def test_refuses_bad_values(name: str, value: str, rule: str) -> None:
    """A bad value is quoted together with its rule."""
    with pytest.raises(SetupError) as failure:
        Config.from_environ({name: value})
    assert str(failure.value) == f"{name} {rule}, not {value!r}"


def test_reports_all_problems_at_once() -> None:
    """Three mistakes are reported together."""
    with pytest.raises(SetupError) as failure:
        Config.from_environ({"HELLO_PORT": "x", "HELLO_LOG_LEVEL": "y", "HELLO_BODY_SECONDS": "z"})
    assert str(failure.value).count(", not ") == 3


@pytest.mark.parametrize(
    "url", ["issuer.example", "http://issuer.example", "http://127.0.0.1.example", "https://", "https://a b", "ftp://a"]
)
def test_refuses_an_issuer_that_can_be_impersonated(url: str) -> None:
    """The issuer and its keys must be https URLs, or on this machine."""
    for name in ("HELLO_AUTH_ISSUER", "HELLO_AUTH_JWKS_URL"):
        with pytest.raises(SetupError, match=f"{name} must be an https URL, not"):
            Config.from_environ({name: url, "HELLO_AUTH_AUDIENCE": "client"})


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"HELLO_AUTH_ISSUER": "https://issuer.example"}, "HELLO_AUTH_AUDIENCE"),
        ({"HELLO_AUTH_AUDIENCE": "client"}, "HELLO_AUTH_ISSUER"),
        ({"HELLO_AUTH_ISSUER": "https://issuer.example", "HELLO_AUTH_AUDIENCE": " , "}, "HELLO_AUTH_AUDIENCE"),
    ],
)
def test_half_an_authentication_is_refused(given: dict[str, str], missing: str) -> None:
    """Incomplete settings of authentication are refused, and the missing ones are named."""
    with pytest.raises(SetupError) as failure:
        Config.from_environ(given)
    assert str(failure.value) == f"{missing} must be set too, to check bearer tokens"


def test_keys_alone_are_refused() -> None:
    """The address of keys alone, without issuer and audience, is refused."""
    with pytest.raises(SetupError) as failure:
        Config.from_environ({"HELLO_AUTH_JWKS_URL": "https://issuer.example/keys"})
    assert str(failure.value).count("must be set too") == 2


def test_cannot_be_changed() -> None:
    """Settings stay what they were at start."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().port = 1  # type: ignore[misc]


def test_finds_variables_that_are_no_settings() -> None:
    """An unknown variable with our prefix is found, because it is probably misspelt."""
    assert unknown_variables({"HELLO_TABEL_NAME": "x", "HELLO_PORT": "1", "PATH": "y"}) == ["HELLO_TABEL_NAME"]


def test_help_describes_every_setting() -> None:
    """--help has a line for each field."""
    assert len(describe().splitlines()) == len(dataclasses.fields(Config))


def test_documented_table_is_the_config() -> None:
    """The table of docs/operate.md has every setting with its meaning, unit and default, in order, and no other."""
    rows = re.findall(r"^\| `HELLO_\w+` \| .*\|$", OPERATE.read_text(encoding="utf-8"), re.MULTILINE)
    wanted = [
        f"| `{PREFIX}{field.name.upper()}` | {field.metadata['description']} | {field.metadata['unit']} "
        f"| `{default(field)}` |"
        for field in dataclasses.fields(Config)
    ]
    table = "\n".join(wanted)
    assert rows == wanted, f"docs/operate.md: the rows of the table of settings must be, in this order:\n{table}"
