"""What aiohttp answers by itself, outside the application: malformed HTTP, oversized headers.

Owns the protocol's limits and gives those answers the same shape, headers and log line as all others.
"""

from typing import Any, Final

import structlog
from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import _ErrInfo

from service import errors, metrics, problems
from service.middlewares import assign_request_id, set_headers

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
    """One connection; renders the errors that never reach the application."""

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and fail the request whose body turns out to be malformed half-way.

        Left alone, aiohttp queues the error behind that request, which waits for a body that never ends.
        """
        super().data_received(data)
        malformed = self._messages and isinstance(self._messages[-1][0], _ErrInfo)
        if malformed and self._current_request is not None:
            self._current_request.content.set_exception(web.RequestPayloadError())
        self._refuse_other_versions()

    def _refuse_other_versions(self) -> None:
        """Refuse what the parser would take for HTTP/0.9, whatever the method, or for HTTP/2.0 in HTTP/1's clothes."""
        for place, (message, _) in enumerate(self._messages):
            if not isinstance(message, _ErrInfo) and message.version not in _VERSIONS:
                error = errors.BadRequest()
                self._messages[place] = (_ErrInfo(error.status, error, error.detail), EMPTY_PAYLOAD)

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
