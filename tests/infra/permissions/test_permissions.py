"""Whoever does something may do it, by the policies that an account had: what was recorded, and what nothing records.

This proves that what Terraform sends, and what AWS documents as dependent on it, is allowed by our policies. It does
not prove that AWS accepts it: AWS's services may check more than they document, and organisations may forbid more.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest

from tests.infra.conftest import RESULTS
from tests.infra.permissions import reference
from tests.infra.permissions.needs import Need
from tests.infra.permissions.questions import APPLY, PLAN, Environment
from tests.infra.permissions.simulation import Question, ask
from tests.support.emulator import REGION
from tests.support.stack import ENVIRONMENTS

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(300)]
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
"""What need not be allowed, though the reference names it: the action called, the one it depends on, and why."""

DATA = [
    *("dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "logs:FilterLogEvents", "logs:GetLogRecord"),
    *("logs:GetQueryResults", "logs:StartQuery", "ssm:GetCommandInvocation", "ssm:ListCommandInvocations"),
    *("cognito-idp:ListUserPoolClientSecrets", "ec2:GetConsoleOutput", "secretsmanager:GetSecretValue"),
]
DESTRUCTION = {"backup:DeleteBackupVault", "dynamodb:DeleteTable", "kms:ScheduleKeyDeletion", "s3:DeleteBucket"}
"""What only a destruction calls, and what it destroys cannot be made again."""


@dataclass(frozen=True)
class Mutation:
    """A mistake in a policy, by a piece of its text, which the first test must notice."""

    who: str
    right: str
    wrong: str
    held: str = "policies"


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
]


@cache
def environment(name: str) -> Environment:
    """Return an environment as it was before its destruction."""
    return Environment.read(name, RESULTS)


@cache
def verdicts(name: str) -> dict[Question, str]:
    """Return what the policies of an environment say to everything that is needed."""
    found = environment(name)
    return ask(found.principals, found.account.number, found.questions())


def waiver(need: Need) -> tuple[str, str] | None:
    """Return the waiver for a need, if there is one."""
    fits = (key for key in WAIVERS if fnmatchcase(need.because, key[0]) and fnmatchcase(need.action, key[1]))
    return next(fits, None)


def unexplained(told: dict[Question, str]) -> list[str]:
    """Return what is not allowed and not waived either."""
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
    """Return what policies say to actions on resources, in the region of the stack."""
    found = environment(name)
    given = {"aws:RequestedRegion": REGION} | {key.replace("_", ":"): value for key, value in context.items()}
    asked = {
        action: Question(who, Need(action, resource, tuple(given.items()), action))
        for action, resource in resources.items()
    }
    answers = ask(found.principals, found.account.number, asked.values())
    return {action: answers[question] for action, question in asked.items()}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_everything_that_is_done_is_allowed(name: str) -> None:
    """Every action that was recorded, or that AWS documents as dependent on it, is allowed for whoever does it."""
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
    """A waiver that waives nothing any more is taken off the list."""
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
    """What reads items, logs, commands' output or secrets is denied, whatever else allows it."""
    answers = told(name, who, {action: _any_resource(action) for action in DATA})
    assert {action: verdict for action, verdict in answers.items() if verdict != DENIED} == {}


def _any_resource(action: str) -> str:
    """Return some resource of an action, with a star for all its names."""
    kinds = reference.resource_types(action)
    return reference.PLACEHOLDER.sub("x", kinds[0].arn.replace("${Partition}", "aws")) if kinds else "*"


def test_mutations_are_noticed() -> None:
    """The first test can fail: whatever is taken from a policy, narrowed or turned in it leaves something denied."""
    found, questions = environment("dev"), set(environment("dev").questions())
    missed = [mutation for mutation in MUTATIONS if not _notices(found, questions, mutation)]
    (RESULTS / "mutations.json").write_text(json.dumps({"noticed": len(MUTATIONS) - len(missed)}), encoding="utf-8")
    assert missed == []


def _notices(found: Environment, questions: set[Question], mutation: Mutation) -> bool:
    text = json.dumps(found.principals[mutation.who][mutation.held])
    assert mutation.right in text, f"{mutation.right} is not there to be changed"
    changed = {mutation.held: json.loads(text.replace(mutation.right, mutation.wrong))}
    principals = found.principals | {mutation.who: found.principals[mutation.who] | changed}
    asked = [question for question in questions if question.who == mutation.who]
    return bool(unexplained(ask(principals, found.account.number, asked)))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_only_people_destroy(name: str) -> None:
    """Of all that a destruction calls, the apply role is denied what cannot be made again; it may take out the rest."""
    found = environment(name)
    calls = [call for stage, _, call in found.recorded if stage == "destruction"]
    needed = {Question(APPLY, need) for call in calls for need in found.account.needs(call)}
    answers = ask(found.principals, found.account.number, needed)
    denied = {
        question.need.action for question, told in answers.items() if told != ALLOWED and not waiver(question.need)
    }
    assert denied - {"backup:DeleteBackupVaultLockConfiguration"} == DESTRUCTION  # the lock: where there is one
    used = {question.need.action for question in verdicts(name) if question.who == APPLY}
    assert not used & DESTRUCTION


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_apply_role_makes_no_mightier_one(name: str) -> None:
    """It makes roles and writes their policies within a boundary only; it changes neither boundary nor pipelines."""
    account = f"arn:aws:iam::{environment(name).account.number}"
    role, ours = (
        f"{account}:role/hello-birthday/x",
        f"{account}:policy/hello-birthday-delivery/hello-birthday-{name}-boundary",
    )
    writes = ("iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary")
    within = told(name, APPLY, dict.fromkeys(writes, role), iam_PermissionsBoundary=ours)
    assert set(within.values()) == {ALLOWED}
    without = told(name, APPLY, dict.fromkeys([*writes, "iam:DeleteRolePermissionsBoundary"], role))
    pipeline = f"{account}:role/hello-birthday-delivery/x"
    others = told(name, APPLY, {"iam:PutRolePolicy": pipeline}, iam_PermissionsBoundary=ours)
    boundary = told(name, APPLY, dict.fromkeys(["iam:CreatePolicyVersion", "iam:DeletePolicy"], ours))
    assert ALLOWED not in {*without.values(), *others.values(), *boundary.values()}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_roles_of_the_stack_stay_within_their_boundary(name: str) -> None:
    """Every role that the stack makes has the boundary, which allows whatever the role's own policies do."""
    made = {who: held for who, held in environment(name).principals.items() if "/hello-birthday/hello" in held["arn"]}
    bounded = {who: held for who, held in made.items() if who != "hello-birthday-builder"}
    assert [who for who, held in bounded.items() if who != "operators" and "boundary" not in held] == []
    outside = {
        f"{who}: {action}"
        for who, held in bounded.items()
        for policy in held["policies"]
        if "Id" not in policy and who != "backup"  # whose policies are AWS's, for more kinds of data than ours
        for action in _patterns(policy, "Allow")
        if not any(fnmatchcase(action, pattern) for pattern in _patterns(held["boundary"], "Allow"))
    }
    assert outside == set()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_policies_fit(name: str) -> None:
    """AWS takes 10,240 characters of a role's own policies, and 6,144 of any other; spaces do not count."""
    told = json.loads((RESULTS / f"{name}-held.json").read_text(encoding="utf-8"))
    inline = {role["RoleName"]: [each["PolicyDocument"] for each in role["RolePolicyList"]] for role in told["roles"]}
    ours = [policy for policy in told["policies"] if ":aws:policy" not in policy["Arn"]]
    managed = {policy["Arn"]: [policy["PolicyVersionList"][-1]["Document"]] for policy in ours}
    sizes = {
        owner: sum(len(json.dumps(document, separators=(",", ":"))) for document in documents) / most
        for most, group in ((10_240, inline), (6_144, managed))
        for owner, documents in group.items()
    }
    assert {owner: share for owner, share in sizes.items() if share > 1} == {}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_share_of_the_apply_role_that_is_used(name: str) -> None:
    """How many of the actions that change something the apply role may take, and how many were needed."""
    policies = environment(name).principals[APPLY]["policies"]
    allowed = [pattern for policy in policies for pattern in _patterns(policy, "Allow")]
    denied = [pattern for policy in policies for pattern in _patterns(policy, "Deny") if pattern != "iam:PassRole"]
    may = _changing(allowed) - _changing(denied)
    needed = {question.need.action for question in verdicts(name) if question.who == APPLY}
    note(name, may=len(may), used=len(may & needed))
    assert may & needed


def _patterns(policy: dict[str, Any], effect: str) -> Iterator[str]:
    """Yield the actions of a policy's statements of this effect; denied is only what is denied everywhere."""
    for statement in policy["Statement"]:
        everywhere = effect == "Allow" or statement.get("Resource") == "*"
        if statement["Effect"] == effect and everywhere:
            actions = statement["Action"]
            yield from [actions] if isinstance(actions, str) else actions


def _changing(patterns: list[str]) -> set[str]:
    """Return all actions of AWS that fit a pattern and change something."""
    by_service: dict[str, list[str]] = {}
    for pattern in patterns:
        by_service.setdefault(pattern.partition(":")[0], []).append(pattern)
    return {
        action
        for service, fitting in by_service.items()
        for action in reference.changing(service)
        if any(fnmatchcase(action, pattern) for pattern in fitting)
    }
