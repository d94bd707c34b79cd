"""The errors of the service: what each is called, which HTTP status it means and what to do about it.

Owns the one hierarchy every layer raises. Knows nothing of HTTP libraries, DynamoDB or logging;
`problems.py` renders it.
"""

from enum import Enum
from typing import ClassVar


class HelloError(Exception):
    """Base of all errors that an HTTP client may see; `detail` is safe to show to anybody."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal server error"
    advice: ClassVar[str] = "The request failed on our side; quote the requestId when you report it."

    def __init__(self, detail: str | None = None) -> None:
        """Show `detail`, one sentence, to the client; without it, show the class's own `advice`."""
        self.detail = detail or self.advice
        super().__init__(self.detail)


class BadRequest(HelloError):
    """The request is not valid HTTP."""

    status = 400
    code = "bad_request"
    title = "Bad request"
    advice = "The request is not valid HTTP/1.1; check the request line and the header fields."


class InvalidUsername(HelloError):
    """The username breaks the rule of `birthdays.parse_username`."""

    status = 400
    code = "invalid_username"
    title = "Invalid username"
    advice = "A username is 1 to 256 ASCII letters (A-Z, a-z) and nothing else."


class InvalidDateOfBirth(HelloError):
    """The date of birth breaks the rule of `birthdays.parse_date_of_birth`."""

    status = 400
    code = "invalid_date_of_birth"
    title = "Invalid date of birth"
    advice = "dateOfBirth must be a real date before today (UTC), written YYYY-MM-DD."


class InvalidBody(HelloError):
    """The request body is not a JSON object that the service accepts."""

    status = 400
    code = "invalid_body"
    title = "Invalid request body"
    advice = 'Send a JSON object such as {"dateOfBirth": "2000-12-31"}.'


class Unauthorized(HelloError):
    """There is no bearer token; `challenge` is the value of WWW-Authenticate (RFC 6750, section 3)."""

    status = 401
    code = "missing_token"
    title = "Token needed"
    advice = "Send an access token of the issuer: Authorization: Bearer <token>."

    @property
    def challenge(self) -> str:
        """Return the challenge; for a request without a token it carries no error code (RFC 6750, section 3.1)."""
        return 'Bearer realm="hello-birthday"'


class InvalidToken(Unauthorized):
    """The token is malformed, forged, expired, not valid yet, or meant for another audience."""

    code = "invalid_token"
    title = "Invalid token"
    advice = "The token is malformed, or its signature is wrong; get a new one from the issuer."

    @property
    def challenge(self) -> str:
        """Return the challenge with the error code and its description."""
        return f'{super().challenge}, error="{self.code}", error_description="{self.detail}"'


class InsufficientScope(Unauthorized):
    """The token is valid, but lacks the scope that this request needs."""

    status = 403
    code = "insufficient_scope"
    title = "Insufficient scope"
    advice = "The token does not have the scope that this request needs."

    def __init__(self, scope: str) -> None:
        """Take the scope that is needed, such as `hello/read`."""
        super().__init__(f"The token needs the scope {scope}.")
        self.scope = scope

    @property
    def challenge(self) -> str:
        """Return the challenge with the scope that is needed."""
        return f'{super().challenge}, error="{self.code}", scope="{self.scope}"'


class NotFound(HelloError):
    """No resource has this path."""

    status = 404
    code = "not_found"
    title = "Not found"
    advice = "There is nothing at this path; see /docs for what there is."


class UserNotFound(HelloError):
    """No date of birth is stored under this username."""

    status = 404
    code = "user_not_found"
    title = "User not found"
    advice = "No date of birth is stored for this username; PUT one first."


class MethodNotAllowed(HelloError):
    """The path exists, but does not support this method."""

    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"
    advice = "This path does not take this method; the Allow header lists those it takes."


class RequestTimeout(HelloError):
    """The client did not finish sending its request in time."""

    status = 408
    code = "request_timeout"
    title = "Request timeout"
    advice = "The request did not arrive completely in time; send it again."


class PreconditionFailed(HelloError):
    """The request is conditional, and the service cannot tell whether the condition holds."""

    status = 412
    code = "precondition_failed"
    title = "Precondition failed"
    advice = "A PUT takes no conditions; send it without If-Match and If-None-Match."


class BodyTooLarge(HelloError):
    """The request body is larger than the service reads."""

    status = 413
    code = "body_too_large"
    title = "Request body too large"
    advice = "A request body may have 4096 bytes at most."


class UriTooLong(HelloError):
    """The request line is longer than the service reads."""

    status = 414
    code = "uri_too_long"
    title = "URI too long"
    advice = "The request line is too long; a username has 256 letters at most."


class UnsupportedMediaType(HelloError):
    """The body is of a type or an encoding that the service does not read."""

    status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"
    advice = "Send Content-Type: application/json and no Content-Encoding."


class ExpectationFailed(HelloError):
    """The Expect header asks for something other than 100-continue."""

    status = 417
    code = "expectation_failed"
    title = "Expectation failed"
    advice = "The only Expect header that is understood is 100-continue."


class HeadersTooLarge(HelloError):
    """A header field is larger than the service reads, or there are too many of them."""

    status = 431
    code = "headers_too_large"
    title = "Request header fields too large"
    advice = "A header field may have 8190 bytes and a request 128 header fields at most."


class CorruptRecord(HelloError):
    """A user's stored item is not one that this service writes."""

    code = "corrupt_record"
    title = "Corrupt record"
    advice = "What is stored for this username is damaged; PUT the date of birth again to repair it."


class UnknownTransferCoding(HelloError):
    """The body is in a transfer coding that the service does not decode."""

    status = 501
    code = "unknown_transfer_coding"
    title = "Unknown transfer coding"
    advice = "The only Transfer-Encoding that is understood is chunked."


class Unavailable(HelloError):
    """Base of temporary errors: the client should retry after the time in `Retry-After`."""

    status = 503
    code = "unavailable"
    title = "Service unavailable"
    advice = "Try again in a moment."


class Draining(Unavailable):
    """This instance is shutting down and takes no new traffic from the load balancer."""

    code = "draining"
    title = "Draining"
    advice = "This instance is shutting down; use another one."


class Overloaded(Unavailable):
    """This instance already works on `max_in_flight` requests, as many as it can answer in time."""

    code = "overloaded"
    title = "Overloaded"
    advice = "This instance has too much to do at the moment; try again in a moment."


class Ending(Enum):
    """How a call to DynamoDB failed, which decides whether it may be retried."""

    REFUSED = "DynamoDB rejected the call; a retry would be rejected as well."
    THROTTLED = "DynamoDB throttled the call; a retry may succeed in a moment."
    FAILED = "The call had no effect: it was never sent, or DynamoDB answered with an internal error."
    UNANSWERED = "The outcome is unknown: the call may have taken effect, or may still do so at any later time."


class StorageUnavailable(Unavailable):
    """DynamoDB did not answer in time, or refused; `reason` is for the log, never for the client."""

    code = "storage_unavailable"
    title = "Storage unavailable"
    advice = "The storage does not answer at the moment; try again in a moment."

    def __init__(self, reason: str, ending: Ending = Ending.REFUSED) -> None:
        """Keep `reason`, the name of the error such as `ThrottlingException`, and how the call ended."""
        super().__init__()
        self.reason = reason
        self.ending = ending


class SetupError(Exception):
    """The service cannot start with its current configuration; the message says what is wrong and what to do."""
