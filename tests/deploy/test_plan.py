"""The digest by which an approval recognises a plan: what it would do, and nothing else."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from terraform.deploy.plan import Plan

Told = dict[str, Any]
PLAN: Told = {
    "variables": {"environment": {"value": "prod"}, "ami_id": {"value": "ami-a"}},
    "resource_changes": [
        {
            "address": "group",
            "change": {
                "actions": ["update"],
                "before": {"min": 1, "desired": 3, "template": [{"version": "1"}]},
                "after": {"min": 3, "desired": 3, "template": [{}]},
                "after_unknown": {"template": [{"version": True}], "arn": True},
            },
        },
        {"address": "gone", "change": {"actions": ["delete"], "before": {"size": 1}, "after": None}},
        {"address": "table", "change": {"actions": ["no-op"], "before": {"items": 1}, "after": {"items": 1}}},
    ],
}


def plan(told: Told) -> Plan:
    """Return the plan that Terraform tells so."""
    return Plan(Path("prod.tfplan"), "prod", "ami-a", told)


def changed(change: Callable[[Told, list[Told]], object]) -> Plan:
    """Return the plan with something changed in it: the whole, or one of the changes of resources."""
    told = copy.deepcopy(PLAN)
    change(told, [resource["change"] for resource in told["resource_changes"]])
    return plan(told)


def test_actions() -> None:
    """The summary lists the resources that would change, with what would happen to them."""
    assert plan(PLAN).changes == {"group": "update", "gone": "delete"}


@pytest.mark.parametrize(
    "change",
    [
        lambda _, found: found[0]["after"].update(min=4),
        lambda _, found: found[0]["after_unknown"].update(name=True),
        lambda _, found: found[0].update(actions=["delete", "create"]),
        lambda _, found: found[1].update(actions=["no-op"]),
        lambda _, found: found[2].update(actions=["delete"], after=None),
        lambda _, found: found[2].update(actions=["update"], after={"items": 2}),
        lambda told, _: told["variables"]["ami_id"].update(value="ami-b"),
        lambda told, _: told["variables"]["environment"].update(value="dev"),
    ],
)
def test_another_deed_is_noticed(change: Callable[[Told, list[Told]], object]) -> None:
    """Another value, action, resource, image or environment has another digest."""
    assert changed(change).digest != plan(PLAN).digest


@pytest.mark.parametrize(
    "change",
    [
        lambda _, found: (found[0]["before"].update(desired=5), found[0]["after"].update(desired=5)),
        lambda _, found: found[1]["before"].update(size=2),
        lambda _, found: found[2]["before"].update(items=7),
        lambda told, _: told["resource_changes"].reverse(),
    ],
)
def test_what_the_plan_leaves_alone_may_change(change: Callable[[Told, list[Told]], object]) -> None:
    """A group that grew, and attributes of deleted or unchanged resources, do not change the digest."""
    assert changed(change).digest == plan(PLAN).digest
