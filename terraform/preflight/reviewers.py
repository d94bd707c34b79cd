"""Checks that deployments need an approval: GitHub creates a missing environment by itself, without protection.

    python -m terraform.preflight.reviewers ENVIRONMENT

Asks GitHub, with the variables of its workflows, and needs no package, so that it can run before anything slow.
Exit status: 0 somebody has to approve, 2 nobody has to, or GitHub does not say.
"""

import json
import os
import sys
import urllib.request
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError

from terraform.preflight.finding import Finding, State, missing, ok

_SECONDS = 10.0
_ADVICE = "Add required reviewers in the repository's settings; this needs a GitHub plan that supports them."


def check(environment: str) -> Finding:
    """Check that somebody has to approve a deployment, and count the people or teams who may.

    https://docs.github.com/en/rest/deployments/environments#get-an-environment; it needs permission to read actions.
    """
    try:
        rules = _ask(environment)["protection_rules"]
        found = [rule["reviewers"] for rule in rules if rule["type"] == "required_reviewers"]
    except (HTTPException, OSError, ValueError, LookupError, TypeError) as error:
        if isinstance(error, HTTPError) and error.code == HTTPStatus.NOT_FOUND:
            return missing("reviewers", f"GitHub has no environment {environment}. {_ADVICE}")
        why = f"GitHub did not say who has to approve deployments to {environment}: {error!r}."
        return missing("reviewers", f"{why} Run this again, in a workflow whose token may read actions.")
    if not any(found):
        return missing("reviewers", f"Nobody has to approve deployments to {environment}. {_ADVICE}")
    number = sum(map(len, found))
    return ok("reviewers", f"{number} may approve deployments to {environment}, and somebody has to")


def _ask(environment: str) -> Any:  # noqa: ANN401 - whatever comes
    url = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/environments/{environment}"
    headers = {"Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}", "Accept": "application/vnd.github+json"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=_SECONDS) as answer:
        return json.load(answer)


def main(environment: str) -> int:
    """Check, print the result in one line, and return the exit status."""
    found = check(environment)
    if found.state is State.MISSING:
        print(f"REFUSED: {found.says}", file=sys.stderr)
        return 2
    print(found.says)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
