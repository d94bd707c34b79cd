"""The errors: one class for each thing that can go wrong, each with a sentence for the client."""

import pytest

from service import errors
from service.api.problems import from_exception
from tests.support.openapi import DOCUMENT

SCHEMAS = DOCUMENT["components"]["schemas"]


def concrete(cls: type[errors.HelloError] = errors.HelloError) -> list[type[errors.HelloError]]:
    """Return all errors below `cls` that clients can meet."""
    below = [error for child in cls.__subclasses__() for error in concrete(child)]
    return below if cls is errors.Unavailable else [cls, *below]


@pytest.mark.parametrize("error", concrete(), ids=lambda error: error.__name__)
def test_error_is_complete(error: type[errors.HelloError]) -> None:
    """Each error has a status, a code that nobody else has, a title and advice."""
    assert 400 <= error.status <= 599
    assert [other.code for other in concrete()].count(error.code) == 1
    assert error.title[0].isupper()
    assert error.advice.endswith(".")


def test_openapi_lists_exactly_the_codes_there_are() -> None:
    """The OpenAPI document knows every code and no other, and lets clients expect new ones."""
    code = SCHEMAS["Problem"]["properties"]["code"]
    assert "enum" not in code, "generated clients would fail on a new code; list them as x-extensible-enum"
    differing = {error.code for error in concrete()} ^ set(code["x-extensible-enum"])
    assert not differing, f"list these codes of service/errors.py in openapi.yaml, or remove them there: {differing}"


def test_unexpected_exception_shows_nothing_of_itself() -> None:
    """An exception nobody thought of becomes the plain internal error."""
    error = from_exception(RuntimeError("secret"))
    assert (error.status, error.code) == (500, "internal_error")
    assert "secret" not in error.detail
