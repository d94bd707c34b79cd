"""The errors: one class for each thing that can go wrong, each with a sentence for the client."""

from pathlib import Path

import pytest
import yaml

from service import errors
from service.api.problems import from_exception

OPENAPI = yaml.safe_load((Path(errors.__file__).parent / "api" / "openapi.yaml").read_text(encoding="utf-8"))
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


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


def test_documents_list_exactly_the_codes_there_are() -> None:
    """OpenAPI's enumeration and the README's table know every code and no other."""
    codes = {error.code for error in concrete()}
    assert set(OPENAPI["components"]["schemas"]["Problem"]["properties"]["code"]["x-extensible-enum"]) == codes
    assert {error.code for error in concrete() if f"| {error.status} | `{error.code}` |" in README} == codes


def test_unexpected_exception_shows_nothing_of_itself() -> None:
    """An exception nobody thought of becomes the plain internal error."""
    error = from_exception(RuntimeError("secret"))
    assert (error.status, error.code) == (500, "internal_error")
    assert "secret" not in error.detail
