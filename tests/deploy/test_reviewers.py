"""Before prod is planned for: must somebody approve it?"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).parents[2]
_TIMER = {"id": 1, "type": "wait_timer", "wait_timer": 30}
_SOMEBODY: dict[str, object] = {"type": "User", "reviewer": {"login": "somebody"}}
Asking = Callable[[int, bytes], "subprocess.CompletedProcess[str]"]


def answer(*rules: dict[str, object]) -> bytes:
    """Return what GitHub tells of an environment that has these rules."""
    return json.dumps({"name": "prod", "protection_rules": rules}).encode()


def reviewed_by(*reviewers: dict[str, object]) -> dict[str, object]:
    """Return the rule that somebody has to approve."""
    return {"id": 2, "type": "required_reviewers", "prevent_self_review": False, "reviewers": reviewers}


@pytest.fixture
def asking() -> Iterator[Asking]:
    """Ask about prod; GitHub, which answers what it is told to, wants the right path and the job's token."""
    answers: list[tuple[int, bytes]] = []

    class GitHub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer as told."""
            known = self.headers["Authorization"] == "Bearer token"
            right = self.path == "/repos/example/hello-birthday/environments/prod"
            status, body = answers.pop() if known and right else (401, b"")
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_told: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), GitHub) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        told = {"GITHUB_REPOSITORY": "example/hello-birthday", "GITHUB_TOKEN": "token"}
        environ = os.environ | told | {"GITHUB_API_URL": f"http://127.0.0.1:{server.server_port}"}

        def ask(status: int, body: bytes) -> "subprocess.CompletedProcess[str]":
            answers.append((status, body))
            # Without site-packages: it has to work before anything is installed.
            command = [sys.executable, "-S", "-m", "terraform.deploy.reviewers", "prod"]
            return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)

        yield ask
        server.shutdown()


def test_somebody_has_to_approve(asking: Asking) -> None:
    """With a person or a team among the required reviewers, the pipeline goes on."""
    done = asking(200, answer(_TIMER, reviewed_by(_SOMEBODY)))
    assert (done.returncode, done.stdout) == (0, "1 may approve deployments to prod, and somebody has to\n"), (
        done.stderr
    )


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (404, b'{"message": "Not Found"}', "GitHub has no environment prod"),
        (403, b'{"message": "Resource not accessible by integration"}', "a workflow whose token may read actions"),
        (200, answer(), "Nobody has to approve deployments to prod"),
        (200, answer(_TIMER), "Nobody has to approve deployments to prod"),
        (200, answer(reviewed_by()), "Nobody has to approve deployments to prod"),
        (200, b'{"name": "prod"}', "GitHub does not tell"),
        (200, b"[]", "GitHub does not tell"),
        (200, b"<html>", "GitHub does not tell"),
    ],
)
def test_doubt_is_refused_in_one_line(asking: Asking, status: int, body: bytes, says: str) -> None:
    """Where the environment is missing or unprotected, or GitHub says anything else, nothing begins."""
    done = asking(status, body)
    assert (done.returncode, done.stderr.count("\n"), says in done.stderr) == (2, 1, True), done.stderr


def test_it_is_for_workflows() -> None:
    """At a desk, without GitHub's variables, it says what it lacks."""
    environ = {"PATH": os.environ["PATH"]}
    command = [sys.executable, "-m", "terraform.deploy.reviewers", "prod"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, "GITHUB_API_URL" in done.stderr, done.stderr.count("\n")) == (2, True, 1)
