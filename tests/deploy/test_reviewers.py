"""Before a plan for prod: does GitHub require somebody's approval?"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.github import environment, github, required_reviewers

ROOT = Path(__file__).parents[2]
_TIMER: dict[str, object] = {"id": 1, "type": "wait_timer", "wait_timer": 30}


def ask(status: int, body: bytes) -> "subprocess.CompletedProcess[str]":
    """Ask about prod, without site-packages: it has to work before anything is installed."""
    command = [sys.executable, "-S", "-m", "terraform.preflight.reviewers", "prod"]
    with github(status, body) as told:
        return subprocess.run(command, cwd=ROOT, env=os.environ | told, capture_output=True, text=True, check=False)


def test_somebody_has_to_approve() -> None:
    """With a person or a team among the required reviewers, the pipeline goes on."""
    done = ask(200, environment(_TIMER, required_reviewers()))
    assert (done.returncode, done.stdout) == (0, "1 may approve deployments to prod, and somebody has to\n"), (
        done.stderr
    )


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (404, b'{"message": "Not Found"}', "GitHub has no environment prod"),
        (403, b'{"message": "Resource not accessible by integration"}', "a workflow whose token may read actions"),
        (200, environment(), "Nobody has to approve deployments to prod"),
        (200, environment(_TIMER), "Nobody has to approve deployments to prod"),
        (200, environment(required_reviewers(somebody=False)), "Nobody has to approve deployments to prod"),
        (200, b'{"name": "prod"}', "GitHub did not say"),
        (200, b"[]", "GitHub did not say"),
        (200, b"<html>", "GitHub did not say"),
    ],
)
def test_doubt_is_refused_in_one_line(status: int, body: bytes, says: str) -> None:
    """If the environment is missing or unprotected, or GitHub answers anything else, the pipeline stops."""
    done = ask(status, body)
    assert (done.returncode, done.stderr.count("\n"), says in done.stderr) == (2, 1, True), done.stderr


def test_it_is_for_workflows() -> None:
    """Outside of GitHub, it says which variables it lacks."""
    environ = {"PATH": os.environ["PATH"]}
    command = [sys.executable, "-m", "terraform.preflight.reviewers", "prod"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, "GITHUB_API_URL" in done.stderr, done.stderr.count("\n")) == (2, True, 1)
