"""The simulator's verdicts on all permissions that an environment needs, and which denials are waived.

It asks once for each environment; the tests judge the verdicts.
"""

import json
from fnmatch import fnmatchcase
from functools import cache

from tests.infra.conftest import RESULTS
from tests.infra.permissions import reference
from tests.infra.permissions.needs import Need
from tests.infra.permissions.questions import Environment
from tests.infra.permissions.simulation import Question, ask
from tests.support.emulator import REGION

ALLOWED, DENIED = "Allowed", "ExplicitlyDenied"

FIREWALL = "the reference names what any firewall may stand before; ours stands before a load balancer"
WAIVERS = {
    ("wafv2:*WebACL*", "amplify:*"): FIREWALL,
    ("wafv2:*WebACL*", "apigateway:*"): FIREWALL,
    ("wafv2:*WebACL*", "apprunner:*"): FIREWALL,
    ("wafv2:*WebACL*", "appsync:*"): FIREWALL,
    ("ec2:*", "ssm:GetParameters"): "only where an image is named by a parameter; ours are named by their id",
    ("kms:CreateKey", "iam:CreateServiceLinkedRole"): "only for keys of several regions",
}
"""What need not be allowed, though the reference names it: the action called, the dependent action, and the reason."""


@cache
def environment(name: str) -> Environment:
    """Return an environment as it was before its destruction."""
    return Environment.read(name, RESULTS)


@cache
def verdicts(name: str) -> dict[Question, str]:
    """Return the verdicts of an environment's policies on everything that is needed."""
    found = environment(name)
    return ask(found.policies, found.questions())


def waiver(need: Need) -> tuple[str, str] | None:
    """Return the waiver for a need, if there is one."""
    fits = (key for key in WAIVERS if fnmatchcase(need.because, key[0]) and fnmatchcase(need.action, key[1]))
    return next(fits, None)


def unexplained(told: dict[Question, str]) -> list[str]:
    """Describe what is neither allowed nor waived."""
    return [
        f"{question.who}: {question.need.action} on {question.need.resource}, for {question.need.because}: {verdict}"
        for question, verdict in told.items()
        if verdict != ALLOWED and waiver(question.need) is None
    ]


def note(name: str, **counts: int) -> None:
    """Add figures to the report of an environment."""
    file = RESULTS / f"{name}-permissions.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    file.write_text(json.dumps(known | counts), encoding="utf-8")


def told(name: str, who: str, resources: dict[str, str], **context: str) -> dict[str, str]:
    """Return the verdicts on actions of `who` on resources, in the region of the stack."""
    found = environment(name)
    given = {"aws:RequestedRegion": REGION} | {key.replace("_", ":"): value for key, value in context.items()}
    asked = {
        action: Question(who, Need(action, resource, tuple(given.items()), action))
        for action, resource in resources.items()
    }
    answers = ask(found.policies, asked.values())
    return {action: answers[question] for action, question in asked.items()}


def any_resource(action: str) -> str:
    """Return the ARN of an example resource for an action, or * if it has no resources."""
    kinds = reference.resource_types(action)
    return reference.PLACEHOLDER.sub("x", kinds[0].arn.replace("${Partition}", "aws")) if kinds else "*"
