"""GET /docs and /openapi.yaml: the documentation is there, whole, and ours alone."""

import re
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
import yaml
from yarl import URL

from service import __version__
from service.app import ROUTES
from tests.api import with_and_without_tokens
from tests.support.issuer import Issuer
from tests.support.openapi import DOCUMENT

OURS = {"/", "/docs", "/docs/", "/docs/{name}", "/openapi.yaml"}


@with_and_without_tokens
async def test_openapi_document(client: aiohttp.ClientSession) -> None:
    """The document is YAML, carries the service's version and every route but the documentation's own."""
    async with client.get("/openapi.yaml") as response:
        assert response.status == 200
        assert response.content_type == "application/yaml"
        document = yaml.safe_load(await response.text())
    assert document["info"]["version"] == __version__
    served = {f"{route.method} {re.sub(':[^}]*}', '}', route.path)}" for route in ROUTES if route.path not in OURS}
    operations = {(path, verb) for path, item in document["paths"].items() for verb in item if verb != "parameters"}
    documented = {f"{verb.upper()} {path}" for path, verb in operations}
    missing, stale = sorted(served - documented), sorted(documented - served)
    assert not missing, f"describe these routes in service/api/openapi.yaml: {', '.join(missing)}"
    assert not stale, f"add these to ROUTES in service/app.py, or remove them from openapi.yaml: {', '.join(stale)}"


async def test_tokens_are_documented_where_they_are_needed(url: str, guarded: tuple[str, Issuer]) -> None:
    """The file allows requests with a token and without one; what is served tells which of both is so."""
    mend = (
        "docs.py does not find what is about tokens in openapi.yaml: write `security: [{}, {bearer: []}]` on one line,"
        " and `securitySchemes` with what belongs to it on the lines below"
    )
    assert await fetched(url) == without(DOCUMENT, lambda key, _: key in {"security", "securitySchemes"}), mend
    assert await fetched(guarded[0]) == without(DOCUMENT, lambda key, value: (key, value) == ("security", {})), mend
    assert DOCUMENT["components"]["securitySchemes"]


async def fetched(url: str) -> Any:  # noqa: ANN401 - as YAML's
    """Return the document that the service at `url` gives."""
    async with aiohttp.request("GET", f"{url}/openapi.yaml") as response:
        return yaml.safe_load(await response.text())


def without(node: Any, unwanted: Callable[[str, object], bool], key: str = "") -> Any:  # noqa: ANN401 - as YAML's
    """Return a part of a document without what is unwanted; an item of a list goes by the list's key."""
    if isinstance(node, list):
        return [without(item, unwanted, key) for item in node if not unwanted(key, item)]
    if isinstance(node, dict):
        return {name: without(value, unwanted, name) for name, value in node.items() if not unwanted(name, value)}
    return node


@pytest.mark.parametrize("path", ["/", "/docs/"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@with_and_without_tokens
async def test_leads_to_the_page(client: aiohttp.ClientSession, method: str, path: str) -> None:
    """The root, and the page with a slash too many, lead to the page, whatever the host is called from outside."""
    async with client.request(method, path, allow_redirects=False, headers={"X-Request-Id": "abc"}) as response:
        assert (response.status, response.headers["Location"]) == (308, "/docs")
        assert response.headers["X-Request-Id"] == "abc"
        assert await response.read() == b""


@with_and_without_tokens
async def test_page_needs_nothing_from_elsewhere(client: aiohttp.ClientSession) -> None:
    """The page and all it refers to are served by us, and its policy forbids anything else."""
    async with client.get("/docs") as response:
        assert (response.status, response.content_type) == (200, "text/html")
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        page = await response.text()
    references = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(references) == 6
    for reference in references:
        assert reference.startswith("/docs/") or reference == "/openapi.yaml"
        async with client.get(reference) as response:
            assert response.status == 200
            assert len(await response.read()) > 100


@pytest.mark.parametrize("name", ["..%2Fconfig.py", "index.html", "%2Fetc%2Fpasswd", "%2E%2E"])
async def test_serves_no_other_file(client: aiohttp.ClientSession, name: str) -> None:
    """Only the files the page needs can be fetched."""
    async with client.get(URL(f"/docs/{name}", encoded=True)) as response:
        assert response.status == 404


CONDITIONS = {
    "Range": "bytes=9999999-",
    "If-Match": '"another"',
    "If-Unmodified-Since": "Tue, 15 Nov 1994 12:45:26 GMT",
}


@pytest.mark.parametrize("name", CONDITIONS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_conditions_are_ignored(client: aiohttp.ClientSession, method: str, name: str) -> None:
    """A file is given whole, whatever conditions a request makes: their refusal would be an error of another shape."""
    async with client.request(method, "/docs/swagger-ui.css", headers={name: CONDITIONS[name]}) as response:
        assert response.status == 200
        assert len(await response.read()) == (int(response.headers["Content-Length"]) if method == "GET" else 0)
