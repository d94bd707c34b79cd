"""The tables of requests that are not recorded are compared with the source and with AWS's policies."""

import inspect
import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from textwrap import dedent

import pytest

from terraform.deploy.releases import Releases
from tests.infra.conftest import RESULTS
from tests.infra.permissions import duties, machines
from tests.infra.permissions.calls import Call
from tests.infra.permissions.source import Operation, operations, package
from tests.infra.snippets import ROOT

DEPLOY, PREFLIGHT = ROOT / "terraform/deploy", ROOT / "terraform/preflight"


def called(calls: Iterator[Call]) -> set[Operation]:
    """Return the operations of some calls."""
    return {(call.service, call.operation) for call in calls}


def test_deployment_calls_what_is_asked_for() -> None:
    """Each call in terraform/deploy is in the table of deployments, and nothing else is."""
    assert operations(package(DEPLOY)) == called(duties.deploys("name", "bucket"))


def test_dry_run_calls_what_is_asked_for() -> None:
    """A dry run makes only calls that read, which are those in its table."""
    modules = [(DEPLOY / f"{name}.py").read_text(encoding="utf-8") for name in ("__main__", "plan", "images")]
    read_only = operations([*modules, dedent(inspect.getsource(Releases.all))])
    assert read_only == called(duties.looks("bucket"))


def test_preflight_calls_what_is_asked_for() -> None:
    """Each call in terraform/preflight is in its table, and nothing else is."""
    assert operations(package(PREFLIGHT)) == called(duties.asks())


@pytest.mark.parametrize(
    "source",
    [
        "session.client('ec2').get_paginator('describe_images')",
        "session.client(service).describe_images()",
        "session.client('ssm'), session.client('route53'), it.list_tags_for_resource(ResourceId='X')",
    ],
)
def test_hidden_calls_are_found(source: str) -> None:
    """Calls that cannot be recognised in the source fail the test."""
    with pytest.raises((AssertionError, ValueError)):
        operations([source])


@pytest.mark.terraform
def test_agents_get_what_aws_gives_them() -> None:
    """Whatever AWS's policies for the agents allow is simulated, or there is a reason why instances do not need it."""
    told = json.loads((RESULTS / "dev-held.json").read_text(encoding="utf-8"))
    documents = {policy["Arn"]: policy["PolicyVersionList"][0]["Document"] for policy in told["policies"]}
    given = {
        action
        for name in ("AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy")
        for statement in documents[f"arn:aws:iam::aws:policy/{name}"]["Statement"]
        for action in statement["Action"]
    }
    without = {pattern: {action for action in given if fnmatchcase(action, pattern)} for pattern in machines.WITHOUT}
    assert [pattern for pattern, actions in without.items() if not actions] == []
    assert given - machines.agents() == set().union(*without.values())
    assert machines.agents() <= given
