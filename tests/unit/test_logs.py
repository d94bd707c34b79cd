"""The logs: format, level, and that no exception's message gets into them."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from service.telemetry import logs


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    level, handlers = logging.root.level, logging.root.handlers[:]
    yield
    structlog.reset_defaults()
    logging.basicConfig(level=level, handlers=handlers, force=False)
    logging.root.handlers, logging.root.level = handlers, level


def events(stream: io.StringIO) -> list[dict[str, object]]:
    """Return the JSON events in `stream` without their time."""
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert all(line.pop("timestamp").endswith("Z") for line in lines)
    return lines


def test_json_away_from_a_terminal() -> None:
    """Each event is one line of JSON with level and time, context included."""
    stream = io.StringIO()
    logs.configure("info", "auto", stream)
    token = logs.REQUEST_ID.set("abc")
    structlog.get_logger().info("user.stored", count=1)
    structlog.get_logger().debug("user.ignored")
    logs.REQUEST_ID.reset(token)
    assert events(stream) == [{"event": "user.stored", "count": 1, "level": "info", "request_id": "abc"}]


def test_colours_on_a_terminal() -> None:
    """On a terminal events are coloured lines, unless JSON is asked for."""
    stream = Terminal()
    logs.configure("info", "auto", stream)
    structlog.get_logger().info("user.stored")
    assert "\x1b[" in stream.getvalue()
    forced = Terminal()
    logs.configure("info", "json", forced)
    structlog.get_logger().info("user.stored")
    assert events(forced) == [{"event": "user.stored", "level": "info"}]


def test_standard_library_records_join_in() -> None:
    """Records of stdlib loggers become events of the same shape, with their logger's name."""
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    logging.getLogger("some.library").warning("ready in %d s", 3)
    assert events(stream) == [{"event": "ready in 3 s", "level": "warning", "logger": "some.library"}]


@pytest.mark.parametrize("library", ["botocore.endpoint", "aiobotocore", "aiohttp.access", "asyncio", "werkzeug"])
def test_libraries_that_see_personal_data_are_quiet(library: str) -> None:
    """Even at level debug nothing is logged by libraries that would log requests and items."""
    stream = io.StringIO()
    logs.configure("debug", "json", stream)
    logging.getLogger(library).info("GET /hello/Ada")
    logging.getLogger(library).debug("GET /hello/Ada")
    assert events(stream) == []


@pytest.mark.parametrize("way", ["structlog", "structlog with the exception", "stdlib"])
def test_exceptions_are_logged_without_their_message(way: str) -> None:
    """An exception is its type and the places it passed; its message may quote what a client sent."""
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    try:
        int("1990-06-15")
    except ValueError as error:
        if way == "structlog":
            structlog.get_logger().exception("work.failed")
        elif way == "stdlib":
            logging.getLogger("x").exception("work.failed")
        else:
            structlog.get_logger().error("work.failed", exc_info=error)
    (event,) = events(stream)
    assert (event["event"], event["exception"]) == ("work.failed", "ValueError")
    assert "test_exceptions_are_logged_without_their_message" in str(event["stack"])
    assert "1990-06-15" not in stream.getvalue()
