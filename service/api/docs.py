"""The interactive documentation: our OpenAPI document and a Swagger UI page, all served by us."""

from importlib import resources
from pathlib import Path

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from swagger_ui_bundle import swagger_ui_path

_OURS = resources.files("service.api")
_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
# Swagger UI sets inline styles and embeds its icons as data URLs.
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; connect-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
)


def _ours(name: str, content_type: str, **headers: str) -> web.Response:
    body = _OURS.joinpath(name).read_bytes()
    return web.Response(body=body, content_type=content_type, charset="utf-8", headers=headers)


async def openapi(_request: web.Request) -> web.Response:
    """Give the OpenAPI document."""
    return _ours("openapi.yaml", "application/yaml")


async def page(_request: web.Request) -> web.Response:
    """Give the page that shows the document."""
    return _ours("docs.html", "text/html", **{"Content-Security-Policy": _CONTENT_SECURITY_POLICY})


async def script(_request: web.Request) -> web.Response:
    """Give the script that starts Swagger UI on the page."""
    return _ours("docs.js", "text/javascript")


class _WholeFile(web.FileResponse):
    """A file that knows no conditions and no ranges, whose refusals would be no problem documents."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send the file."""
        return await super().prepare(request.clone(headers={}))


async def asset(request: web.Request) -> web.FileResponse:
    """Give a file of Swagger UI."""
    name = request.match_info["name"]
    if name not in _ASSETS:
        raise web.HTTPNotFound
    path = Path(swagger_ui_path) / name
    headers = {hdrs.CONTENT_TYPE: _ASSETS[name], hdrs.CACHE_CONTROL: "public, max-age=86400"}
    return _WholeFile(path, headers=headers)
