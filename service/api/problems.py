"""Renders every error in one shape: `application/problem+json` (RFC 9457).

Owns that shape and the translation of aiohttp's own errors. Of an exception, clients see only the texts in
`errors.py`.
"""

import json

from aiohttp import hdrs, http_exceptions, web

from service import errors
from service.api.answer import Answer
from service.errors import HelloError, Unauthorized, Unavailable
from service.keys import REQUEST_ID

RETRY_AFTER_SECONDS = 1

_BY_STATUS: dict[int, type[HelloError]] = {
    error.status: error
    for error in (
        errors.BadRequest,
        errors.NotFound,
        errors.MethodNotAllowed,
        errors.BodyTooLarge,
    )
}


def from_exception(exception: BaseException | None) -> HelloError:
    """Return the error to show for `exception`: itself if it is a `HelloError`, else the one that fits it best."""
    if isinstance(exception, HelloError):
        return exception
    if isinstance(exception, web.HTTPException):
        return _BY_STATUS.get(exception.status, HelloError)()
    if isinstance(exception, http_exceptions.LineTooLong):
        return errors.HeadersTooLarge()  # `framing.py` has already checked the request line
    if isinstance(exception, http_exceptions.HttpProcessingError):
        return errors.BadRequest()
    return HelloError()


def response(request: web.BaseRequest, error: HelloError, allow: str | None = None) -> Answer:
    """Return the response for `error`; `allow` is the value of the Allow header of a 405."""
    problem = {
        "type": f"urn:problem-type:hello-birthday:{error.code.replace('_', '-')}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "requestId": request.get(REQUEST_ID),
    }
    answer = Answer(error.status, json.dumps(problem).encode(), "application/problem+json")
    if allow is not None:
        answer.headers[hdrs.ALLOW] = allow
    if isinstance(error, Unauthorized):
        answer.headers[hdrs.WWW_AUTHENTICATE] = error.challenge
    if isinstance(error, Unavailable):
        answer.headers[hdrs.RETRY_AFTER] = str(RETRY_AFTER_SECONDS)
    return answer
