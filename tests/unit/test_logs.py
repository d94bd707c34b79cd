"""The logs: format, level, and that no exception's message gets into them."""

import json
import logging
import os
import pty
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog

from service.telemetry import logs


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    level, handlers = logging.root.level, logging.root.handlers[:]
    yield
    structlog.reset_defaults()
    logging.basicConfig(level=level, handlers=handlers, force=False)
    logging.root.handlers, logging.root.level = handlers, level


class Log:
    """A file that logs go to."""

    def __init__(self, path: Path) -> None:
        """Use the file at `path`."""
        self._path = path

    @contextmanager
    def configured(self, level: str = "info", log_format: str = "json") -> Iterator[None]:
        """Have events written there until the block ends."""
        with self._path.open("ab") as file, logs.configured(level, log_format, file.fileno()):
            yield

    @property
    def text(self) -> str:
        """What was written."""
        return self._path.read_text(encoding="utf-8")

    def events(self) -> list[dict[str, object]]:
        """Return the JSON events without their time."""
        lines = [json.loads(line) for line in self.text.splitlines()]
        assert all(line.pop("timestamp").endswith("Z") for line in lines)
        return lines


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """Give a file to log to."""
    return Log(tmp_path / "log")


def test_json_away_from_a_terminal(log: Log) -> None:
    """Each event is one line of JSON with level and time, context included."""
    with log.configured(log_format="auto"):
        token = logs.REQUEST_ID.set("abc")
        structlog.get_logger().info("user.stored", count=1)
        structlog.get_logger().debug("user.ignored")
        logs.REQUEST_ID.reset(token)
    assert log.events() == [{"event": "user.stored", "count": 1, "level": "info", "request_id": "abc"}]


def on_terminal(log_format: str = "auto") -> str:
    """Return what a terminal is sent for an event."""
    ours, terminal = pty.openpty()
    with logs.configured("info", log_format, terminal):
        structlog.get_logger().info("user.stored", count=1)
    with os.fdopen(ours, "rb") as screen:
        line = screen.readline().decode()
    os.close(terminal)
    return line


def test_colours_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal events are coloured lines, unless JSON is asked for."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in on_terminal()
    assert json.loads(on_terminal("json"))["event"] == "user.stored"


@pytest.mark.parametrize(("no_color", "coloured"), [("1", False), ("false", False), ("", True)])
def test_no_color_is_respected(no_color: str, coloured: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where NO_COLOR is set to anything but nothing, a terminal gets no escape codes (https://no-color.org)."""
    monkeypatch.setenv("NO_COLOR", no_color)
    line = on_terminal()
    assert ("\x1b[" in line) == coloured
    assert "user.stored" in line


def test_no_colours_in_a_file(log: Log) -> None:
    """A file gets no escape codes, even where lines for people are asked for."""
    with log.configured(log_format="console"):
        structlog.get_logger().error("work.failed", reason="bad")
    assert re.fullmatch(r"[0-9:]{8} error   work\.failed reason=bad\n", log.text)


def test_standard_library_records_join_in(log: Log) -> None:
    """Records of stdlib loggers become events of the same shape, with their logger's name."""
    with log.configured():
        logging.getLogger("some.library").warning("ready in %d s", 3)
    assert log.events() == [{"event": "ready in 3 s", "level": "warning", "logger": "some.library"}]


@pytest.mark.parametrize("library", ["botocore.endpoint", "aiobotocore", "aiohttp.access", "asyncio", "werkzeug"])
def test_libraries_that_see_personal_data_are_quiet(library: str, log: Log) -> None:
    """Even at level debug nothing is logged by libraries that would log requests and items."""
    with log.configured("debug"):
        logging.getLogger(library).info("GET /hello/Ada")
        logging.getLogger(library).debug("GET /hello/Ada")
    assert log.text == ""


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_value_is_too_strange_to_be_logged(log_format: str, log: Log) -> None:
    """Bytes of the environment that are no UTF-8, large numbers and objects are written, whatever they look like."""
    with log.configured(log_format=log_format):
        structlog.get_logger().info("value.seen", name="\udcff", number=2**70, thing=object())
    assert "value.seen" in log.text
    assert "udcff" in log.text


def test_record_that_cannot_be_rendered_is_lost_in_silence(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    """A library's mistake in logging is no error of whoever called it, and quotes nothing; the loss is told."""
    with log.configured():
        logging.getLogger("some.library").warning("born %d", "1990-06-15")
        structlog.get_logger().info("user.stored")
    assert [(event["event"], event.get("count")) for event in log.events()] == [("user.stored", None), ("logs.lost", 1)]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("way", ["structlog", "structlog with the exception", "stdlib"])
def test_exceptions_are_logged_without_their_message(way: str, log: Log) -> None:
    """An exception is its type and the places it passed; its message may quote what a client sent."""
    with log.configured():
        try:
            int("1990-06-15")
        except ValueError as error:
            if way == "structlog":
                structlog.get_logger().exception("work.failed")
            elif way == "stdlib":
                logging.getLogger("x").exception("work.failed")
            else:
                structlog.get_logger().error("work.failed", exc_info=error)
    (event,) = log.events()
    assert (event["event"], event["exception"]) == ("work.failed", "ValueError")
    assert "test_exceptions_are_logged_without_their_message" in str(event["stack"])
    assert "1990-06-15" not in log.text
