"""The interactive documentation: our OpenAPI document and a Swagger UI page, all served by us.

Owns what the page consists of, what its policy allows, and what the document leaves out while nobody needs a token.
"""

import re
from importlib import resources
from pathlib import Path

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from swagger_ui_bundle import swagger_ui_path

from service.config import Config

_OURS = resources.files("service.api")
_SWAGGER_UI = Path(swagger_ui_path)
_SWAGGER_UI_FILES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
}
_OUR_FILES = {
    "docs.css": "text/css",
    "docs.js": "text/javascript",
    "docs.svg": "image/svg+xml",
}
# Swagger UI embeds its icons as data URLs.
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; connect-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:"
)
# A key that is about tokens, and all that belongs to it: lines that are indented further, and items of a list.
_SECURITY = re.compile(r"^( *)(?:security|securitySchemes):.*\n(?:\1[ -].*\n|\n)*", re.MULTILINE)
_NO_TOKEN = re.compile(r"(?<=security: \[)\{\}, ")
_DOCUMENT = web.AppKey("_DOCUMENT", bytes)


def prepare(app: web.Application, config: Config) -> None:
    """Make the document that `app` serves: the file leaves open whether tokens are needed, `config` does not."""
    unneeded = _NO_TOKEN if config.auth_issuer else _SECURITY
    app[_DOCUMENT] = unneeded.sub("", _OURS.joinpath("openapi.yaml").read_text(encoding="utf-8")).encode()


async def to_page(_request: web.Request) -> web.Response:
    """Send whoever asks for the root, or for the page with a slash too many, to the page."""
    return web.Response(status=308, headers={hdrs.LOCATION: "/docs"})


async def openapi(request: web.Request) -> web.Response:
    """Give the OpenAPI document."""
    return web.Response(body=request.app[_DOCUMENT], content_type="application/yaml", charset="utf-8")


async def page(_request: web.Request) -> web.Response:
    """Give the page that shows the document."""
    return _ours("docs.html", "text/html", **{"Content-Security-Policy": _CONTENT_SECURITY_POLICY})


async def asset(request: web.Request) -> web.StreamResponse:
    """Give a file that the page needs, of ours or of Swagger UI."""
    name = request.match_info["name"]
    if name in _OUR_FILES:
        return _ours(name, _OUR_FILES[name])
    if name not in _SWAGGER_UI_FILES:
        raise web.HTTPNotFound
    headers = {hdrs.CONTENT_TYPE: _SWAGGER_UI_FILES[name], hdrs.CACHE_CONTROL: "public, max-age=86400"}
    return _WholeFile(_SWAGGER_UI / name, headers=headers)


def _ours(name: str, content_type: str, **headers: str) -> web.Response:
    body = _OURS.joinpath(name).read_bytes()
    return web.Response(body=body, content_type=content_type, charset="utf-8", headers=headers)


class _WholeFile(web.FileResponse):
    """A file that knows no conditions and no ranges, whose refusals would be no problem documents."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send the file."""
        return await super().prepare(request.clone(headers={}))
