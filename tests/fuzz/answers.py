"""The rules for every answer, whatever the request: no internal errors, and all errors as problem documents."""

from http import HTTPStatus
from typing import Any

from tests.api import check_problem
from tests.support.openapi import DOCUMENT
from tests.support.raw import RawResponse

_CODES = DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["x-extensible-enum"]


class Fault(Exception):
    """The service broke a rule; the message says which."""


class Hang(Fault):
    """The service did not answer in time."""


def is_ours(status: int) -> bool:
    """Return whether a status means an error of the service; 501 is not one: the client's request is at fault."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED


def document(answer: RawResponse) -> dict[str, Any]:
    """Return the JSON object of `answer`; raise `Fault` if it has none."""
    try:
        return answer.json()
    except ValueError:
        raise Fault(f"the answer is no JSON: {answer}") from None


def check(answer: RawResponse, *, body: bool = True) -> None:
    """Raise `Fault` if `answer` would be wrong for any request; the answer to a HEAD has no `body`."""
    if is_ours(answer.status):
        raise Fault(f"{answer.status} is an error of ours")
    if "x-request-id" not in answer.headers:
        raise Fault(f"the {answer.status} has no X-Request-Id")
    if answer.status >= HTTPStatus.BAD_REQUEST and body:
        _check_problem(answer)


def _check_problem(answer: RawResponse) -> None:
    if answer.headers.get("content-type") != "application/problem+json":
        raise Fault(f"the {answer.status} is no problem document")
    problem = document(answer)
    if problem.get("code") not in _CODES:
        raise Fault(f"the problem document has no code of the OpenAPI document: {problem}")
    try:
        check_problem(problem, answer.headers, answer.status, problem["code"])
    except AssertionError as error:
        raise Fault(
            f"the problem document does not fit its answer: {problem}, {answer.status} {answer.headers}"
        ) from error
