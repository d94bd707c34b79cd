"""What aiohttp answers by itself, outside the application: malformed HTTP, oversized headers, heads that never end.

Owns the protocol's limits and gives those answers the same shape, headers and log line as all others.
"""

import asyncio
from typing import Any, Final

import structlog
from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import _ErrInfo

from service.api import problems
from service.api.middlewares import assign_request_id, set_headers
from service.config import Config
from service.errors import BadRequest, HelloError, RequestTimeout
from service.serving.deadline import Deadline
from service.telemetry import metrics

log = structlog.get_logger()

SETTINGS: Final[dict[str, Any]] = {
    # Longer than the load balancer's idle time of 60 s, so that it is never we who close first.
    "keepalive_timeout": 75,
    "max_line_size": problems.MAX_REQUEST_LINE_BYTES,
    "max_field_size": problems.MAX_HEADER_BYTES,
    "auto_decompress": False,
    "access_log": None,
}

_VERSIONS = (HttpVersion10, HttpVersion11)


class HelloProtocol(web.RequestHandler):
    """One connection; renders the errors that never reach the application, and cuts clients that are too slow."""

    def __init__(self, config: Config, manager: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        """Give clients the times of `config`."""
        # A body that nobody wants any more, since its request has been answered, has as long to end.
        super().__init__(manager, loop=loop, lingering_time=config.body_seconds, **SETTINGS)
        self._head = Deadline(loop, config.head_seconds, self._refuse_head)
        self._unread = Deadline(loop, config.answer_seconds, self._abort)
        self._body: StreamReader = EMPTY_PAYLOAD  # of the last request whose head is complete

    def data_received(self, data: bytes) -> None:
        """Feed the parser, time a head that is not complete, and fail a request whose body turns out to be malformed.

        Left alone, aiohttp queues the error behind that request, which waits for a body that never ends.
        """
        body_ended = self._body.is_eof()
        super().data_received(data)
        if self._messages:
            self._head.stop()
            self._body = self._messages[-1][1]
            malformed = isinstance(self._messages[-1][0], _ErrInfo)
            if malformed and self._current_request is not None:
                self._current_request.content.set_exception(web.RequestPayloadError())
            self._refuse_other_versions()
        elif data and body_ended:
            self._head.start()  # no head is complete, and this is no body's

    def _refuse_other_versions(self) -> None:
        """Refuse what the parser would take for HTTP/0.9, whatever the method, or for HTTP/2.0 in HTTP/1's clothes."""
        for place, (message, _) in enumerate(self._messages):
            if not isinstance(message, _ErrInfo) and message.version not in _VERSIONS:
                self._messages[place] = _refusal(BadRequest())

    def _refuse_head(self) -> None:
        """Treat a head that took too long as aiohttp treats one that it cannot read."""
        if self._waiter is not None and not self._waiter.done():
            self._messages.append(_refusal(RequestTimeout()))
            self._waiter.set_result(None)
        else:
            self._head.start()  # an earlier request is still in progress

    def pause_writing(self) -> None:
        """Begin to wait for a client that does not read; aiohttp handles no other request of it meanwhile."""
        super().pause_writing()
        self._unread.start()

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        self._unread.stop()
        super().resume_writing()

    def _abort(self) -> None:
        log.info("connection.aborted")
        if self.transport is not None:
            self.transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the client."""
        self._head.stop()
        self._unread.stop()
        super().connection_lost(exc)

    def rest(self, seconds: float) -> None:
        """Read nothing more for so long."""
        self._pause_transport_reading()
        self._loop.call_later(seconds, self.resume_reading, False)  # noqa: FBT003 - the parser was not paused

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,  # noqa: ARG002 - the exception says more
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - may quote the client's bytes
    ) -> web.StreamResponse:
        """Answer a request that could not be read, and close the connection."""
        if request.writer.output_size > 0 or request.transport is None:
            raise ConnectionError("The response has begun, or the client is gone, so no error can be sent any more.")
        error = problems.from_exception(exc)
        request_id = assign_request_id(request)
        response = problems.response(request, error)
        set_headers(request, response)
        response.force_close()
        metrics.request_ended("other", None, error.status, 0.0)
        log.info("request.rejected", request_id=request_id, status=error.status, code=error.code)
        return response


def _refusal(error: HelloError) -> tuple[_ErrInfo, StreamReader]:
    """Return what stands in aiohttp's queue for a request that it could not read."""
    return _ErrInfo(error.status, error, error.detail), EMPTY_PAYLOAD
