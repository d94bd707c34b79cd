"""Asks the simulator, a program of its own, whether what is needed is allowed."""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.infra.permissions.needs import Need
from tests.infra.permissions.reference import FOLDER

_PROGRAM = Path(__file__).with_name("simulate.mjs")


@dataclass(frozen=True)
class Question:
    """May somebody do what is needed?"""

    who: str
    need: Need


def ask(principals: dict[str, dict[str, Any]], number: str, questions: Iterable[Question]) -> dict[Question, str]:
    """Return the verdict on each question, such as Allowed or ImplicitlyDenied; `number` is the account's."""
    ordered = sorted(set(questions), key=str)
    requests = [
        {
            "principal": question.who,
            "action": question.need.action,
            "resource": question.need.resource,
            "account": number,
            "context": dict(question.need.context),
        }
        for question in ordered
    ]
    asked = json.dumps({"principals": principals, "requests": requests})
    done = subprocess.run(
        ["node", str(_PROGRAM), str(FOLDER)], input=asked, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"the simulator failed; run make terraform-test, which installs it: {done.stderr}"
    return dict(zip(ordered, json.loads(done.stdout), strict=True))
