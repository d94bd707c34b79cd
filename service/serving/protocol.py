"""The errors that aiohttp answers outside the application: malformed HTTP, oversized headers, heads that never end.

Owns the timeouts of a connection, and gives those responses the same shape, headers and log line as all others. Uses
one private name of aiohttp, its queue of parsed requests; `tests/api/test_aiohttp.py` fails if that changes.
"""

import asyncio
import contextlib
from functools import partial
from typing import Any, Final

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import MAX_MSG_QUEUE_SIZE

from service.api import problems
from service.api.middlewares import assign_request_id, set_headers
from service.config import Config
from service.errors import BadRequest, HelloError, RequestTimeout
from service.serving.deadline import Deadline
from service.serving.framing import MAX_REQUEST_LINE_BYTES, Framing
from service.telemetry import metrics

log = structlog.get_logger()

MAX_FIELD_BYTES: Final = 8190

SETTINGS: Final[dict[str, Any]] = {
    # Longer than the load balancer's idle timeout of 60 s, so that the service never closes a connection first.
    "keepalive_timeout": 75,
    "max_line_size": MAX_REQUEST_LINE_BYTES,
    "max_field_size": MAX_FIELD_BYTES,
    "auto_decompress": False,
    "access_log": None,
}

# Valid at no point of a head, so that the parser reports an error wherever the head has stopped.
_NO_HEAD = b"\0\r\n\r\n"


class HelloProtocol(web.RequestHandler):
    """One connection; renders the errors that never reach the application, and cuts off clients that are too slow."""

    def __init__(self, config: Config, manager: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        """Take the timeouts from `config`."""
        # `lingering_time` limits how long the rest of a body may take after its request has been answered.
        super().__init__(manager, loop=loop, lingering_time=config.body_seconds, **SETTINGS)
        self._head = Deadline(loop, config.head_seconds, partial(self._refuse, RequestTimeout()))
        self._unread = Deadline(loop, config.answer_seconds, self._abort)
        self._framing = Framing()
        self._unparsed = b""
        self._refusal: HelloError | None = None

    def data_received(self, data: bytes) -> None:
        """Feed the parser piece by piece while aiohttp's queue has room; start the timeout of an incomplete head."""
        data, self._unparsed = self._unparsed + data, b""
        end = 0
        while True:
            start, end = end, self._framing.cut(data, end)
            self._take(data[start:end])
            if end == len(data):
                break
            if end == start or len(self._messages) >= MAX_MSG_QUEUE_SIZE:
                self._unparsed = data[end:]  # until aiohttp calls again, with no new data
                break
        if self._framing.head_begun:
            self._head.start()

    def _take(self, piece: bytes) -> None:
        try:
            self._framing.count(piece)
        except HelloError as error:
            self._refuse(error)
        else:
            self._parse(piece)

    def _parse(self, piece: bytes) -> None:
        waiting = len(self._messages)
        super().data_received(piece)
        if len(self._messages) > waiting:
            self._head.stop()
            self._framing.begin(*self._messages[-1])

    def _refuse(self, error: HelloError) -> None:
        """Answer an incomplete head with `error`, after the requests before it have been answered."""
        self._refusal = error
        self._parse(_NO_HEAD)

    def pause_writing(self) -> None:
        """Start the timeout of a client that does not read; aiohttp pauses its other requests meanwhile."""
        super().pause_writing()
        self._unread.start()

    def resume_writing(self) -> None:
        """Stop the timeout: the client has read."""
        self._unread.stop()
        super().resume_writing()

    def _abort(self) -> None:
        log.info("connection.aborted")
        if self.transport is not None:
            self.transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop the connection's timers."""
        self._head.stop()
        self._unread.stop()
        super().connection_lost(exc)

    def log_exception(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - aiohttp's own signature
        """Do not log a body that turned out to be malformed: its request has been answered."""
        if not isinstance(options.get("exc_info"), web.RequestPayloadError):
            super().log_exception(*args, **options)

    def rest(self, seconds: float) -> None:
        """Read nothing from this connection for `seconds`."""
        if self.transport is not None:
            with contextlib.suppress(RuntimeError):  # reading is paused already, or the connection is closing
                self.transport.pause_reading()
        # False: the parser was not paused.
        asyncio.get_running_loop().call_later(seconds, self.resume_reading, False)  # noqa: FBT003 - aiohttp's own

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,  # noqa: ARG002 - the exception says more
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - may contain the client's bytes
    ) -> web.StreamResponse:
        """Answer a request that could not be read, and close the connection."""
        if request.writer.output_size > 0 or request.transport is None:
            raise ConnectionError("No error can be sent: the response has begun, or the client has disconnected.")
        unread = isinstance(exc, HttpProcessingError)
        error = self._refusal if unread and self._refusal is not None else problems.from_exception(exc)
        request_id = assign_request_id(request)
        response = problems.response(request, error)
        set_headers(request, response)
        response.force_close()
        if isinstance(error, BadRequest) and not request.content.is_eof():
            request.content.feed_eof()  # aiohttp reads the rest of other bodies, so that the response is not lost
        metrics.request_ended("other", None, error.status, 0.0)
        log.info("request.rejected", request_id=request_id, status=error.status, code=error.code)
        return response
