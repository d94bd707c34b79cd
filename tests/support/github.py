"""A stand-in for GitHub's API, which describes an environment."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.serving import serving

_SOMEBODY = {"type": "User", "reviewer": {"login": "somebody"}}


def environment(*rules: dict[str, object]) -> bytes:
    """Return what is told of an environment that has these rules."""
    return json.dumps({"name": "prod", "protection_rules": rules}).encode()


def required_reviewers(*, somebody: bool = True) -> dict[str, object]:
    """Return the rule that somebody has to approve; it can be without anybody who may."""
    reviewers = [_SOMEBODY] if somebody else []
    return {"id": 2, "type": "required_reviewers", "prevent_self_review": False, "reviewers": reviewers}


@contextmanager
def github(status: int, body: bytes) -> Iterator[dict[str, str]]:
    """Answer who asks for prod with the job's token, and give the variables that a step has."""

    class GitHub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer as told."""
            known = self.headers["Authorization"] == "Bearer token"
            right = self.path == "/repos/example/hello-birthday/environments/prod"
            self.send_response(status if known and right else 401)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_told: object) -> None:
            """Keep quiet."""

    told = {"GITHUB_REPOSITORY": "example/hello-birthday", "GITHUB_TOKEN": "token"}
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), GitHub)) as address:
        yield told | {"GITHUB_API_URL": f"http://{address}"}
