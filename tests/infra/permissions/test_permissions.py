"""The policies of an account allow every request, recorded or not, for whoever makes it.

This proves that our policies allow what Terraform sends, and what AWS documents as dependent on it. It does not prove
that AWS accepts it: AWS's services may check more than they document, and organisations may forbid more.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.infra.conftest import RESULTS
from tests.infra.permissions.answers import (
    ALLOWED,
    DENIED,
    WAIVERS,
    any_resource,
    environment,
    note,
    told,
    unexplained,
    verdicts,
    waiver,
)
from tests.infra.permissions.questions import APPLY, PLAN, Environment
from tests.infra.permissions.simulation import Question, ask
from tests.support.stack import ENVIRONMENTS

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(300)]

DATA = [
    *("dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "logs:FilterLogEvents", "logs:GetLogRecord"),
    *("logs:GetQueryResults", "logs:StartQuery", "ssm:GetCommandInvocation", "ssm:ListCommandInvocations"),
    *("cognito-idp:ListUserPoolClientSecrets", "ec2:GetConsoleOutput", "secretsmanager:GetSecretValue"),
]


@dataclass(frozen=True)
class Mutation:
    """A mistake in a policy, given as a replacement in its text, which the first test must notice."""

    who: str
    right: str
    wrong: str
    held: str = "policies"
    """Where it is: in a principal's policies, boundary or endpoint, or in the resources' own policies."""


MUTATIONS = [
    Mutation(APPLY, '"iam:PassRole"', '"iam:GetRole"'),
    Mutation(APPLY, '"ssmmessages:OpenDataChannel"', '"ssmmessages:OpenControlChannel"'),
    Mutation(APPLY, '"route53:AssociateVPCWithHostedZone"', '"route53:GetChange"'),
    Mutation(APPLY, "route53:::hostedzone/*", "route53:::hostedzone/Z0"),
    Mutation(APPLY, '"aws:RequestedRegion": "eu-central-1"', '"aws:RequestedRegion": "eu-west-1"'),
    Mutation(APPLY, '"vpc-flow-logs.amazonaws.com"', '"lambda.amazonaws.com"'),
    Mutation(PLAN, '"kms:Decrypt"', '"kms:DescribeKey"'),
    Mutation("operators", "automation-execution/*", "automation-execution/x"),
    Mutation("operators", "aws:ssmmessages:session-id", "aws:ssmmessages:target-id"),
    Mutation("instance through dynamodb", '"dynamodb:BatchWriteItem"', '"dynamodb:Scan"', "endpoint"),
    Mutation("instance through kms", '"kms:Decrypt"', '"kms:Encrypt"', "boundary"),
    Mutation("instance", '"dynamodb.eu-central-1.amazonaws.com"', '"s3.eu-central-1.amazonaws.com"'),
    Mutation("erasure", '"dynamodb:DeleteItem"', '"dynamodb:PutItem"'),
    Mutation("operators through s3", '"s3:PutObject"', '"s3:ListBucket"', "endpoint"),
    Mutation(PLAN, '"Action": "kms:*"', '"Action": "kms:Describe*"', "resources"),
    Mutation("autoscaling", "AWSServiceRoleForAutoScaling", "AWSServiceRoleForEC2", "resources"),
]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_everything_that_is_done_is_allowed(name: str) -> None:
    """Every recorded action, and those that AWS documents as dependent on it, is allowed for whoever takes it."""
    answers = verdicts(name)
    bad = unexplained(answers)
    note(
        name,
        requests=len(environment(name).recorded),
        actions=len({question.need.action for question in answers}),
        questions=len(answers),
        denied=len(bad),
        waived=sum(verdict != ALLOWED for verdict in answers.values()) - len(bad),
    )
    assert bad == []


def test_waivers_are_needed() -> None:
    """A waiver that is no longer needed must be removed from the list."""
    used = {
        waiver(question.need)
        for name in ENVIRONMENTS
        for question, verdict in verdicts(name).items()
        if verdict != ALLOWED
    }
    assert set(WAIVERS) - used == set()


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize("who", [PLAN, APPLY])
def test_pipelines_read_nothing_that_people_stored(name: str, who: str) -> None:
    """Reading items, logs, commands' output or secrets is denied, whatever else allows it."""
    answers = told(name, who, {action: any_resource(action) for action in DATA})
    assert {action: verdict for action, verdict in answers.items() if verdict != DENIED} == {}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_plans_write_nothing(name: str) -> None:
    """Planning takes no lock, because a cancelled plan would leave it behind."""
    bucket = f"arn:aws:s3:::hello-birthday-{name}-state-{ENVIRONMENTS[name]}"
    lock = f"{bucket}/env:/{name}/hello-birthday.tfstate.tflock"
    answers = told(name, PLAN, {"s3:PutObject": lock, "s3:DeleteObject": lock, "kms:GenerateDataKey": "*"})
    assert [action for action, verdict in answers.items() if verdict == ALLOWED] == []


def test_mutations_are_noticed() -> None:
    """The first test can fail: whatever is removed from a policy, narrowed or inverted leaves something denied."""
    found, questions = environment("dev"), set(environment("dev").questions())
    missed = [mutation for mutation in MUTATIONS if not _notices(found, questions, mutation)]
    (RESULTS / "mutations.json").write_text(json.dumps({"noticed": len(MUTATIONS) - len(missed)}), encoding="utf-8")
    assert missed == []


def _notices(found: Environment, questions: set[Question], mutation: Mutation) -> bool:
    held = found.policies
    if mutation.held == "resources":
        changed = replace(held, resources=_changed(held.resources, mutation))
    else:
        whose = held.principals[mutation.who]
        mistaken = {mutation.held: _changed(whose[mutation.held], mutation)}
        changed = replace(held, principals=held.principals | {mutation.who: whose | mistaken})
    asked = [question for question in questions if question.who == mutation.who]
    return bool(unexplained(ask(changed, asked)))


def _changed(policies: Any, mutation: Mutation) -> Any:  # noqa: ANN401 - JSON
    text = json.dumps(policies)
    assert mutation.right in text, f"{mutation.right} is not there to be changed"
    return json.loads(text.replace(mutation.right, mutation.wrong))
