"""The instance refresh is awaited through every status that AWS has, and started as AWS wants it."""

import logging
import time
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
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


def test_group_that_is_not_there() -> None:
    """A group that was removed by hand has no refresh, and saying more about it is a failure."""
    client: Any = boto3.client("autoscaling", region_name="eu-central-1")
    with Stubber(client) as stub:
        stub.add_client_error("describe_instance_refreshes", "ValidationError")
        stub.add_response("describe_auto_scaling_groups", {"AutoScalingGroups": []})
        assert group(client).refresh() is None
        with pytest.raises(Failed, match="there is no Auto Scaling group group"):
            group(client).outdated()


def test_no_answer_is_not_no_refresh() -> None:
    """If AWS refuses to tell, nothing is concluded from that."""
    client: Any = boto3.client("autoscaling", region_name="eu-central-1")
    with Stubber(client) as stub:
        stub.add_client_error("describe_instance_refreshes", "AccessDenied")
        with pytest.raises(ClientError):
            group(client).refresh()


def test_refresh_that_does_not_start() -> None:
    """A refresh that AWS does not start, such as while an alarm rings, is a failure, so that there is a way back."""
    client: Any = boto3.client("autoscaling", region_name="eu-central-1")
    with Stubber(client) as stub:
        stub.add_client_error("start_instance_refresh", "ValidationError", "an alarm is in ALARM state")
        with pytest.raises(Failed, match=r"did not start the instance refresh: .*in ALARM state"):
            group(client).start(alarms=True)


def test_every_preference_is_known_to_aws() -> None:
    """Whatever Terraform's block can hold is something that AWS takes, numbers as numbers."""
    client: Any = boto3.client("autoscaling", region_name="eu-central-1")
    more = {"checkpoint_delay": "300", "checkpoint_percentages": [33, 100], "alarm_specification": []}
    with Stubber(client) as stub:
        stub.add_response("start_instance_refresh", {"InstanceRefreshId": "r-1"})
        asked: dict[str, Any] = {}
        client.meta.events.register("provide-client-params.*.*", lambda params, **_: asked.update(params))
        Group(client, "group", PREFERENCES | more, 0.0).start(alarms=True)
    assert asked["Preferences"]["CheckpointDelay"] == 300
    assert asked["Preferences"]["CheckpointPercentages"] == [33, 100]
    assert "AlarmSpecification" not in asked["Preferences"]
