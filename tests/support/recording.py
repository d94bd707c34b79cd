"""Requests to the emulated account, recorded as they come; a mark in the User-Agent names the sender."""

import json
import re
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MARK = "hello-step"
_MARKED = re.compile(rf"{MARK}/(\w+)\.([\w-]+)")
_SCOPE = re.compile(r"Credential=[^/]+/\d+/([\w-]+)/([\w-]+)/")
_SMALL = 1_000_000  # bytes; no body that names a resource is longer
_WORDS = ("json", "urlencoded", "cbor")


def recorded(application: "WSGIApplication", file: Path) -> "WSGIApplication":
    """Append every marked request to `file` as a line of JSON, before it is answered."""

    def handle(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if marked := _MARKED.search(environ.get("HTTP_USER_AGENT", "")):
            with file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(_line(environ, marked)) + "\n")
        return application(environ, start_response)

    return handle


def _line(environ: "WSGIEnvironment", marked: re.Match[str]) -> dict[str, str]:
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return {
        "stage": marked[1],
        "command": marked[2],
        "region": scope[1] if scope else "",
        "service": scope[2] if scope else "",
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "query": environ["QUERY_STRING"],
        "target": environ.get("HTTP_X_AMZ_TARGET", ""),
        "body": "" if scope and scope[2] == "s3" else _body(environ),
    }


def _body(environ: "WSGIEnvironment") -> str:
    """Read a body that may name resources, and put it back."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > _SMALL or not any(word in environ.get("CONTENT_TYPE", "") for word in _WORDS):
        return ""
    content = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = BytesIO(content)
    return bytes(content).decode("utf-8", "replace")
