"""Renders every error in one shape: `application/problem+json` (RFC 9457).

Owns that shape and the translation of aiohttp's own errors. Shows nothing of an exception but
what `errors.py` wrote for clients.
"""

import json

from aiohttp import hdrs, http_exceptions, web

from service import errors
from service.errors import HelloError, Unauthorized, Unavailable
from service.keys import REQUEST_ID

RETRY_AFTER_SECONDS = 1
MAX_REQUEST_LINE_BYTES = 4096
MAX_HEADER_BYTES = 8190

_BY_STATUS: dict[int, type[HelloError]] = {
    error.status: error
    for error in (
        errors.BadRequest,
        errors.NotFound,
        errors.MethodNotAllowed,
        errors.BodyTooLarge,
        errors.ExpectationFailed,
    )
}


def from_exception(exception: BaseException | None) -> HelloError:
    """Return the error to show for `exception`: itself if it is ours, else the nearest of ours."""
    if isinstance(exception, HelloError):
        return exception
    if isinstance(exception, web.HTTPException):
        return _BY_STATUS.get(exception.status, HelloError)()
    if isinstance(exception, http_exceptions.LineTooLong):
        # Only the limit tells a long request line from a long header field, so the two differ.
        return errors.UriTooLong() if MAX_REQUEST_LINE_BYTES in exception.args else errors.HeadersTooLarge()
    if isinstance(exception, http_exceptions.HttpProcessingError):
        too_many = exception.message == "Too many headers received"
        return errors.HeadersTooLarge() if too_many else errors.BadRequest()
    if isinstance(exception, UnicodeEncodeError) and exception.object.startswith("Unknown Expect: "):
        # aiohttp quotes the expectation in its answer, and fails if it is not UTF-8.
        return errors.ExpectationFailed()
    return HelloError()


def response(request: web.BaseRequest, error: HelloError, allow: str | None = None) -> web.Response:
    """Return the response for `error`; `allow` is the value of the Allow header of a 405."""
    headers = {}
    if allow is not None:
        headers[hdrs.ALLOW] = allow
    if isinstance(error, Unauthorized):
        headers[hdrs.WWW_AUTHENTICATE] = error.challenge
    if isinstance(error, Unavailable):
        headers[hdrs.RETRY_AFTER] = str(RETRY_AFTER_SECONDS)
    problem = {
        "type": f"urn:problem-type:hello-birthday:{error.code.replace('_', '-')}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "requestId": request.get(REQUEST_ID),
    }
    return web.Response(
        body=json.dumps(problem).encode(),
        status=error.status,
        headers=headers,
        content_type="application/problem+json",
    )
