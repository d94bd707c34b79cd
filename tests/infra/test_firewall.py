"""The firewall in front of the service: what it blocks, what it then answers, and what it writes down."""

import json
from typing import Any

import pytest

from service.errors import HelloError
from tests.support.stack import Stack
from tests.support.terraform import ROOT

AWS_RULES: dict[str, dict[str, str]] = json.loads((ROOT / "tests/infra/vendor/managed-rules.json").read_text())
PROBLEM_FIELDS = {"type", "title", "status", "detail", "code"}
MAX_BODY_BYTES = 4096  # AWS WAF's quota for one custom response body


@pytest.fixture
def acl(stack: Stack) -> dict[str, Any]:
    """Give the web ACL as AWS tells it."""
    firewalls = stack.account.client("wafv2")
    (summary,) = firewalls.list_web_acls(Scope="REGIONAL")["WebACLs"]
    found: dict[str, Any] = firewalls.get_web_acl(Name=summary["Name"], Id=summary["Id"], Scope="REGIONAL")["WebACL"]
    return found


def managed(acl: dict[str, Any]) -> dict[str, Any]:
    """Return the statements of the managed rule groups by the groups' names."""
    statements = [rule["Statement"].get("ManagedRuleGroupStatement") for rule in acl["Rules"]]
    return {statement["Name"]: statement for statement in statements if statement}


def test_known_bad_inputs_are_blocked(acl: dict[str, Any]) -> None:
    """AWS's rules for reputation, known bad inputs and common attacks are on, after the limit for one address."""
    rules = sorted(acl["Rules"], key=lambda rule: rule["Priority"])
    groups = ["AmazonIpReputationList", "KnownBadInputsRuleSet", "CommonRuleSet"]
    assert [rule["Name"] for rule in rules] == ["rate-per-address", *(f"AWSManagedRules{group}" for group in groups)]
    assert [rule["OverrideAction"] for rule in rules[1:]] == [{"None": {}}] * 3


def test_every_blocking_rule_of_aws_has_our_answer(acl: dict[str, Any]) -> None:
    """No managed rule is weakened but the one for clients without a User-Agent, and each block answers in JSON."""
    ours = {"ResponseCode": 403, "CustomResponseBodyKey": "blocked_by_firewall"}
    for name, rules in AWS_RULES.items():
        overrides = {each["Name"]: each["ActionToUse"] for each in managed(acl)[name]["RuleActionOverrides"]}
        counted = {rule for rule, action in overrides.items() if "Count" in action}
        blocked = {rule for rule, action in overrides.items() if action == {"Block": {"CustomResponse": ours}}}
        assert counted | blocked == {rule for rule, action in rules.items() if action == "Block"}, (
            f"name the blocking rules of {name} in terraform/modules/service/firewall_rules.tf as AWS does"
        )
        assert counted <= {"NoUserAgent_HEADER"}


def test_answers_are_problem_documents(acl: dict[str, Any]) -> None:
    """Each body has the fields and the kind of `type` of the service's errors, but for the requestId."""
    bodies = acl["CustomResponseBodies"]
    assert set(bodies) == {"too_many_requests", "blocked_by_firewall"}
    for code, body in bodies.items():
        problem = json.loads(body["Content"])
        assert (body["ContentType"], set(problem)) == ("APPLICATION_JSON", PROBLEM_FIELDS)
        assert problem["code"] == code
        assert problem["type"] == f"urn:problem-type:hello-birthday:{code.replace('_', '-')}"
        assert len(body["Content"].encode()) <= MAX_BODY_BYTES


def test_statuses_of_answers_and_documents_are_one(acl: dict[str, Any]) -> None:
    """A block answers the status that its body tells; the service has no error of the same code."""
    limit = next(rule for rule in acl["Rules"] if rule["Name"] == "rate-per-address")
    answers = [limit["Action"]["Block"]["CustomResponse"]]
    for statement in managed(acl).values():
        actions = [override["ActionToUse"] for override in statement["RuleActionOverrides"]]
        answers += [action["Block"]["CustomResponse"] for action in actions if "Block" in action]
    problems = {key: json.loads(body["Content"]) for key, body in acl["CustomResponseBodies"].items()}
    for answer in answers:
        assert problems[answer["CustomResponseBodyKey"]]["status"] == answer["ResponseCode"]
    assert {"Name": "Retry-After", "Value": "300"} in answers[0]["ResponseHeaders"]
    assert not set(problems) & codes(HelloError)


def codes(error: type[HelloError]) -> set[str]:
    """Return the codes of an error and of all errors derived from it."""
    return {error.code}.union(*map(codes, error.__subclasses__()))


def test_firewall_log_hides_who_was_asked_for(stack: Stack, acl: dict[str, Any]) -> None:
    """Paths name users, so the firewall's log and samples leave them out."""
    asked = stack.account.client("wafv2").get_logging_configuration(ResourceArn=acl["ARN"])
    assert {"UriPath": {}} in asked["LoggingConfiguration"]["RedactedFields"]
    assert {rule["VisibilityConfig"]["SampledRequestsEnabled"] for rule in acl["Rules"]} == {False}
