"""A stand-in for the part of GitHub's API that describes an environment."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.serving import serving

_SOMEBODY = {"type": "User", "reviewer": {"login": "somebody"}}


def environment(*rules: dict[str, object]) -> bytes:
    """Return the API's description of an environment with these protection rules."""
    return json.dumps({"name": "prod", "protection_rules": rules}).encode()


def required_reviewers(*, somebody: bool = True) -> dict[str, object]:
    """Return the rule that somebody has to approve; without `somebody`, it names no reviewers."""
    reviewers = [_SOMEBODY] if somebody else []
    return {"id": 2, "type": "required_reviewers", "prevent_self_review": False, "reviewers": reviewers}


@contextmanager
def github(status: int, body: bytes) -> Iterator[dict[str, str]]:
    """Answer requests for prod that carry the job's token, and yield the environment variables of a step."""

    class GitHub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Send the given answer, or 401 to a wrong path or token."""
            known = self.headers["Authorization"] == "Bearer token"
            right = self.path == "/repos/example/hello-birthday/environments/prod"
            self.send_response(status if known and right else 401)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_told: object) -> None:
            """Log nothing."""

    told = {"GITHUB_REPOSITORY": "example/hello-birthday", "GITHUB_TOKEN": "token"}
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), GitHub)) as address:
        yield told | {"GITHUB_API_URL": f"http://{address}"}
