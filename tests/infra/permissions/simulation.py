"""Asks the simulator, a separate program, whether the needed permissions are granted."""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.infra.permissions.needs import Need
from tests.infra.permissions.reference import FOLDER

Principals = dict[str, dict[str, Any]]
"""Principals by a short name: an ARN, policies and, if they have them, a boundary and the policy of an endpoint."""

_PROGRAM = Path(__file__).with_name("simulate.mjs")


@dataclass(frozen=True)
class Question:
    """Whether a principal may do what is needed."""

    who: str
    need: Need


@dataclass(frozen=True)
class Policies:
    """All policies of an account."""

    number: str
    principals: Principals
    resources: dict[str, Any]
    """Policies of keys and buckets, by the ARN of the key or bucket."""

    def of(self, need: Need) -> Any:  # noqa: ANN401 - JSON
        """Return the resource's policy, if it has one; for a key that does not exist yet, AWS's default policy."""
        arn = need.resource.partition("/")[0] if need.resource.startswith("arn:aws:s3:") else need.resource
        default = _allow_root(self.number) if need.action.startswith("kms:") else None
        return self.resources.get(arn, default)


def _allow_root(number: str) -> dict[str, Any]:
    account = {"AWS": f"arn:aws:iam::{number}:root"}
    statement = {"Effect": "Allow", "Principal": account, "Action": "kms:*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def ask(policies: Policies, questions: Iterable[Question]) -> dict[Question, str]:
    """Return the verdict on each question, such as Allowed or ImplicitlyDenied."""
    ordered = sorted(set(questions), key=str)
    requests = [
        {
            "principal": question.who,
            "action": question.need.action,
            "resource": question.need.resource,
            "account": policies.number,
            "context": {"aws:PrincipalArn": policies.principals[question.who]["arn"]} | dict(question.need.context),
            "resourcePolicy": policies.of(question.need),
        }
        for question in ordered
    ]
    asked = json.dumps({"principals": policies.principals, "requests": requests})
    done = subprocess.run(
        ["node", str(_PROGRAM), str(FOLDER)], input=asked, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"the simulator failed; run make terraform-test, which installs it: {done.stderr}"
    return dict(zip(ordered, json.loads(done.stdout), strict=True))
