"""The logs: structlog events, and the standard library's log records, as one stream on standard output.

Owns format, level and what may be written. Usernames and dates of birth must never be logged, so
an exception is logged as its type and its stack, never with its message, which may quote input.
"""

import logging
import sys
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor

REQUEST_ID = ContextVar("request_id", default="")

# These write requests, items or addresses of pages at lower levels, which hold personal data.
_QUIET = ("aiobotocore", "aiohttp", "asyncio", "botocore", "urllib3", "werkzeug")


def configure(level: str, log_format: str, stream: TextIO = sys.stdout) -> None:
    """Send all events of at least `level` to `stream`; `auto` is coloured on a terminal, else JSON."""
    console = log_format == "console" or (log_format == "auto" and stream.isatty())
    shared: list[Processor] = [
        add_request_id,
        structlog.stdlib.add_log_level,
        add_timestamp,
        describe_exception,
    ]
    renderer = (
        structlog.dev.ConsoleRenderer(colors=True)
        if console
        else structlog.processors.JSONRenderer(serializer=_to_json)
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, renderer],
        cache_logger_on_first_use=True,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
    )


def _to_json(event: EventDict, default: Callable[[Any], Any], **_options: object) -> str:
    return orjson.dumps(event, default=default).decode()


def add_timestamp(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Add the time in UTC as ISO 8601, faster than structlog's own stamper."""
    event["timestamp"] = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return event


def add_request_id(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Add the id of the request in whose context the event happened, if there is one."""
    if request_id := REQUEST_ID.get():
        event["request_id"] = request_id
    return event


def describe_exception(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Replace `exc_info` by the exception's type and the places it passed, without its message."""
    exc_info = event.pop("exc_info", None)
    if exc_info is True:
        exc_info = sys.exc_info()[1]
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    if isinstance(exc_info, BaseException):
        event["exception"] = type(exc_info).__qualname__
        frames = traceback.extract_tb(exc_info.__traceback__)
        event["stack"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event
