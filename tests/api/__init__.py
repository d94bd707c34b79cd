"""Tests of the HTTP interface on a real socket, one file for each endpoint."""

from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

PROBLEM_FIELDS = {"type", "title", "status", "detail", "code", "requestId"}
# Runs a test with a service that requires no tokens, and again, with a token, with one that does.
with_and_without_tokens = pytest.mark.parametrize("_door", ["open", "guarded"], indirect=True)


async def problem(response: aiohttp.ClientResponse, status: int, code: str) -> dict[str, Any]:
    """Assert that `response` is a complete problem document with this status and code; return it."""
    text = await response.text()
    assert response.status == status, text
    return check_problem(await response.json(content_type="application/problem+json"), response.headers, status, code)


def check_problem(document: dict[str, Any], headers: Mapping[str, str], status: int, code: str) -> dict[str, Any]:
    """Assert that `document` is a complete problem and fits the `headers` it came with; return it."""
    assert document.keys() == PROBLEM_FIELDS
    assert (document["status"], document["code"]) == (status, code)
    assert document["type"] == f"urn:problem-type:hello-birthday:{code.replace('_', '-')}"
    assert document["title"]
    assert document["detail"].endswith(".")
    assert document["requestId"] == headers["x-request-id"]
    assert headers["server"] == "hello-birthday"
    assert ("retry-after" in headers) == (status == 503)
    return document
