"""The apply role may do what it needs, and is not an administrator."""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.infra.conftest import RESULTS
from tests.infra.permissions import reference
from tests.infra.permissions.answers import ALLOWED, environment, note, told, verdicts, waiver
from tests.infra.permissions.questions import APPLY
from tests.infra.permissions.simulation import Question, ask
from tests.support.stack import ENVIRONMENTS

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(300)]

DESTRUCTION = {"backup:DeleteBackupVault", "dynamodb:DeleteTable", "kms:ScheduleKeyDeletion", "s3:DeleteBucket"}
"""The actions that only a destruction takes, and that destroy something for good."""

OF_TABLES = {"backup", "backup-storage", "dynamodb", "kms", "tag"}
"""What AWS Backup needs for backups of tables; AWS's own policies for it also cover all other kinds of data."""


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_only_people_destroy(name: str) -> None:
    """Of all that a destruction calls, the apply role is denied only what would destroy things for good."""
    found = environment(name)
    calls = [call for stage, _, call in found.recorded if stage == "destruction"]
    needed = {Question(APPLY, need) for call in calls for need in found.account.needs(call)}
    answers = ask(found.policies, needed)
    denied = {
        question.need.action for question, told in answers.items() if told != ALLOWED and not waiver(question.need)
    }
    assert denied - {"backup:DeleteBackupVaultLockConfiguration"} == DESTRUCTION  # only where there is a vault lock
    used = {question.need.action for question in verdicts(name) if question.who == APPLY}
    assert not used & DESTRUCTION


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_apply_role_makes_no_mightier_one(name: str) -> None:
    """It creates roles and policies only within a boundary, and changes neither boundary nor pipelines."""
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
    """Every role of the stack has the boundary, which allows whatever the role's own policies allow."""
    made = {
        who: held
        for who, held in environment(name).policies.principals.items()
        if "/hello-birthday/hello" in held["arn"]
    }
    bounded = {who: held for who, held in made.items() if who != "hello-birthday-builder"}
    assert [who for who, held in bounded.items() if who != "operators" and "boundary" not in held] == []
    outside = {
        f"{who}: {action}"
        for who, held in bounded.items()
        for policy in held["policies"]
        for action in _patterns(policy, "Allow")
        if (who != "backup" or action.partition(":")[0] in OF_TABLES)
        and not any(fnmatchcase(action, pattern) for pattern in _patterns(held["boundary"], "Allow"))
    }
    assert outside == set()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_policies_fit(name: str) -> None:
    """Policies fit AWS's limits: 10,240 characters for a role's inline policies, 6,144 for others, without spaces."""
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
    """The share of changing actions that the apply role may take, and that was needed, is counted."""
    policies = environment(name).policies.principals[APPLY]["policies"]
    allowed = [pattern for policy in policies for pattern in _patterns(policy, "Allow")]
    denied = [pattern for policy in policies for pattern in _patterns(policy, "Deny") if pattern != "iam:PassRole"]
    may = _changing(allowed) - _changing(denied)
    needed = {question.need.action for question in verdicts(name) if question.who == APPLY}
    note(name, may=len(may), used=len(may & needed))
    assert may & needed


def _patterns(policy: dict[str, Any], effect: str) -> Iterator[str]:
    """Yield the actions of a policy's statements of this effect; for Deny, only those that apply to all resources."""
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
