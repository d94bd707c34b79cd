"""GET /docs and /openapi.yaml: the documentation is there, whole, and ours alone."""

import re

import aiohttp
import pytest
import yaml
from yarl import URL

from service import __version__
from service.app import ROUTES
from tests.api import with_and_without_tokens


@with_and_without_tokens
async def test_openapi_document(client: aiohttp.ClientSession) -> None:
    """The document is YAML, carries the service's version and every route but the documentation's own."""
    async with client.get("/openapi.yaml") as response:
        assert response.status == 200
        assert response.content_type == "application/yaml"
        document = yaml.safe_load(await response.text())
    assert document["info"]["version"] == __version__
    served = {
        f"{route.method} {re.sub(':[^}]*}', '}', route.path)}" for route in ROUTES if "docs" not in route.path
    } - {"GET /openapi.yaml"}
    operations = {(path, verb) for path, item in document["paths"].items() for verb in item if verb != "parameters"}
    documented = {f"{verb.upper()} {path}" for path, verb in operations}
    missing, stale = sorted(served - documented), sorted(documented - served)
    assert not missing, f"describe these routes in service/api/openapi.yaml: {', '.join(missing)}"
    assert not stale, f"add these to ROUTES in service/app.py, or remove them from openapi.yaml: {', '.join(stale)}"


@with_and_without_tokens
async def test_page_needs_nothing_from_elsewhere(client: aiohttp.ClientSession) -> None:
    """The page and all it refers to are served by us, and its policy forbids anything else."""
    async with client.get("/docs") as response:
        assert (response.status, response.content_type) == (200, "text/html")
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        page = await response.text()
    references = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(references) == 4
    for reference in references:
        assert reference.startswith("/docs/")
        async with client.get(reference) as response:
            assert response.status == 200
            assert len(await response.read()) > 100


@pytest.mark.parametrize("name", ["..%2Fconfig.py", "index.html", "%2Fetc%2Fpasswd", ".."])
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
    async with client.request(method, "/docs/favicon-32x32.png", headers={name: CONDITIONS[name]}) as response:
        assert response.status == 200
        assert len(await response.read()) == (int(response.headers["Content-Length"]) if method == "GET" else 0)
