"""The instance refresh is awaited through every status that AWS has, and started as AWS wants it."""

import logging
import time
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from terraform.deploy.group import Group
from terraform.deploy.outcome import Failed
from terraform.deploy.refresh import Refresh
from tests.deploy.cloud import PREFERENCES, Cloud


def group(client: Any) -> Group:  # noqa: ANN401 - boto3's or a scripted one
    """Return a group that asks without a pause."""
    return Group(client, "group", PREFERENCES, 0.0)


@pytest.mark.parametrize(
    ("status", "active", "successful"),
    [
        ("Pending", True, False),
        ("InProgress", True, False),
        ("Baking", True, False),
        ("Cancelling", True, False),
        ("RollbackInProgress", True, False),
        ("SomethingNew", True, False),
        ("Successful", False, True),
        ("Failed", False, False),
        ("Cancelled", False, False),
        ("RollbackSuccessful", False, False),
        ("RollbackFailed", False, False),
    ],
)
def test_statuses(status: str, active: bool, successful: bool) -> None:
    """Each status, also one that is not known yet, goes on, or is a good or a bad end."""
    refresh = Refresh("r-1", status, "", 0, 3)
    assert (refresh.active, refresh.successful) == (active, successful)


def test_each_step_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """Waiting tells percentage, instances and reason whenever they change, and returns the end."""
    client: Any = boto3.client("autoscaling", region_name="eu-central-1")
    steps = [("Pending", 0, 3), ("InProgress", 33, 2), ("InProgress", 33, 2), ("Successful", 100, 0)]
    with Stubber(client) as stub, caplog.at_level(logging.INFO):
        for status, percent, left in steps:
            told = {"InstanceRefreshId": "r-1", "Status": status, "PercentageComplete": percent}
            answer = {"InstanceRefreshes": [told | {"InstancesToUpdate": left, "StatusReason": "so"}]}
            stub.add_response("describe_instance_refreshes", answer)
        end = group(client).wait(time.monotonic() + 60, lambda: None)
    assert end is not None
    assert end.successful
    assert caplog.messages == [
        "instance refresh Pending, 0 %, 3 instances to go: so",
        "instance refresh InProgress, 33 %, 2 instances to go: so",
        "instance refresh Successful, 100 %, 0 instances to go: so",
    ]


def test_time_is_up() -> None:
    """A refresh that takes too long is cancelled, and that is a failure."""
    cloud = Cloud()
    cloud.start_instance_refresh(Preferences={})
    with pytest.raises(Failed, match=r"time is up, and the instance refresh InProgress, 0 %"):
        group(cloud).wait(time.monotonic() - 1, lambda: None)
    assert cloud.calls[-1] == "cancel"


def test_nothing_to_cancel() -> None:
    """Cancelling is no error where no refresh is under way any more."""
    group(Cloud()).cancel()


@pytest.mark.parametrize("alarms", [True, False])
def test_preferences_are_those_of_terraform(alarms: bool) -> None:
    """A refresh that no apply starts has Terraform's preferences, and its alarms unless none may stop it."""
    client: Any = boto3.client("autoscaling", region_name="eu-central-1")
    expected: dict[str, Any] = {
        "AutoRollback": False,
        "InstanceWarmup": 60,
        "MaxHealthyPercentage": 150,
        "MinHealthyPercentage": 100,
        "ScaleInProtectedInstances": "Refresh",
        "SkipMatching": True,
        "StandbyInstances": "Terminate",
    }
    if alarms:
        expected["AlarmSpecification"] = {"Alarms": ["target-5xx"]}
    with Stubber(client) as stub:
        asked = {"AutoScalingGroupName": "group", "Preferences": expected}
        stub.add_response("start_instance_refresh", {"InstanceRefreshId": "r-1"}, asked)
        group(client).start(alarms=alarms)
        stub.assert_no_pending_responses()


def test_those_that_end_are_not_old() -> None:
    """Instances of another version are old, unless they are about to end."""
    cloud = Cloud()
    cloud.apply(cloud.plan("ami-a"))
    cloud.instances[0]["LaunchTemplate"] = {"Version": "0"}
    cloud.instances[1] |= {"LaunchTemplate": {"Version": "0"}, "LifecycleState": "Terminating:Wait"}
    assert group(cloud).outdated() == ["i-0"]
