"""The logs: structlog events, and the standard library's log records, as one stream on standard output.

Owns format, level and what may be written. Usernames and dates of birth must never be logged, so
an exception is logged as its type and its stack, never with its message, which may quote input.
"""

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache

import orjson
import structlog
from structlog.typing import EventDict

from service.telemetry import console
from service.telemetry.writer import Writer

REQUEST_ID = ContextVar("request_id", default="")

_STANDARD_OUTPUT = 1
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
# How long the last lines may take to be written when the process ends.
_LAST_SECONDS = 1.0

_Renderer = Callable[[object, str, EventDict], bytes]

# These write requests, items or addresses of pages at lower levels, which hold personal data.
_QUIET = ("aiobotocore", "aiohttp", "asyncio", "botocore", "urllib3", "werkzeug")


class _Lines:
    """What structlog writes rendered events to."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        """Pass every line to `write`, whatever its level."""
        self.debug = self.info = self.warning = self.error = write


class _Records(logging.Handler):
    """Passes the standard library's records on."""

    def __init__(self, writer: Writer) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """Write `record`; one that cannot be rendered is lost, without a word on standard error that may quote it."""
        try:
            self._writer.write(self.format(record).encode())
        except Exception:  # noqa: BLE001 - whatever is wrong with a record is no trouble of whoever logs it
            self._writer.lose(1)


def _through_structlog(level: str, event: EventDict) -> None:
    getattr(structlog.get_logger(), level)(**event)


_emit: Callable[[str, EventDict], None] = _through_structlog


def emit(level: str, event: EventDict) -> None:
    """Log `event` without structlog's way to a line, which takes longer than the line: for that of every request."""
    _emit(level, event)


@contextmanager
def configured(level: str, log_format: str, descriptor: int = _STANDARD_OUTPUT) -> Iterator[None]:
    """Send all events of at least `level` to `descriptor` until the block ends; what waits then is written.

    `auto` is lines for people on a terminal, else JSON. Logging never fails and never waits for whoever reads.
    """
    terminal = os.isatty(descriptor)
    lines_for_people = log_format == "console" or (log_format == "auto" and terminal)
    render = _console_renderer(coloured=terminal and not os.environ.get("NO_COLOR")) if lines_for_people else _to_json

    def line(method: str, event: EventDict) -> bytes:
        return render(None, method, complete(None, method, event))

    def describe_lost(count: int) -> bytes:
        return line("warning", {"event": "logs.lost", "count": count})

    def write(method: str, event: EventDict) -> None:
        if _LEVELS[method] >= lowest:
            writer.write(line(method, event))

    global _emit  # noqa: PLW0603 - as structlog's own configuration, which is one for the process
    lowest = _LEVELS[level]
    writer = Writer(descriptor, describe_lost)
    _configure(level, render, writer)
    _emit = write
    try:
        yield
    finally:
        _emit = _through_structlog
        writer.close(_LAST_SECONDS)


def _configure(level: str, render: _Renderer, writer: Writer) -> None:
    handler = _Records(writer)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, complete],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                lambda *event: render(*event).decode(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    lines = _Lines(writer.write)
    structlog.configure(
        processors=[complete, render],
        cache_logger_on_first_use=True,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_names: lines,
    )


def _console_renderer(*, coloured: bool) -> _Renderer:
    return lambda _logger, _method, event: console.render(event, coloured=coloured)


def _to_json(_logger: object, _method: str, event: EventDict) -> bytes:
    try:
        return orjson.dumps(event, default=repr, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # it is strict: bytes of the environment that are no UTF-8, whole numbers above 64 bits
        return f"{json.dumps(event, default=repr)}\n".encode()


def complete(_logger: object, method: str, event: EventDict) -> EventDict:
    """Add the id of the request in whose context the event happened, its level and its time; describe its exception."""
    if request_id := REQUEST_ID.get():
        event["request_id"] = request_id
    event["level"] = method
    event["timestamp"] = _timestamp()
    return _describe_exception(event) if "exc_info" in event else event


def _timestamp() -> str:
    """Return the time in UTC as ISO 8601, faster than structlog's own stamper."""
    seconds, microseconds = divmod(time.time_ns() // 1000, 1_000_000)
    return f"{_second(seconds)}.{microseconds:06d}Z"


@lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _describe_exception(event: EventDict) -> EventDict:
    """Replace `exc_info` by the exception's type and the places it passed, without its message."""
    exc_info = event.pop("exc_info")
    if exc_info is True:
        exc_info = sys.exc_info()[1]
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    if isinstance(exc_info, BaseException):
        event["exception"] = type(exc_info).__qualname__
        frames = traceback.extract_tb(exc_info.__traceback__)
        event["stack"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event
