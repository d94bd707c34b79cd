"""The instance refresh is awaited through every status that AWS has, and started as AWS wants it."""

import logging
import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from terraform.deploy.aws import Waiter
from terraform.deploy.exit_status import Failed
from terraform.deploy.group import Group, Refresh, outdated
from tests.deploy.cloud import PREFERENCES, Cloud


def group(client: Any, check: Callable[[], None] = lambda: None) -> Group:  # noqa: ANN401 - boto3's or a scripted one
    """Return a group that asks without a pause."""
    return Group(client, "group", PREFERENCES, Waiter(check, 0.0))


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
    """Each status, even an unknown one, means that the refresh goes on, succeeded or failed."""
    refresh = Refresh("r-1", {"Status": status})
    assert (refresh.active, refresh.successful) == (active, successful)


def test_each_step_is_told_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """While waiting, percentage, instances and reason are reported when they change; then the outcome is returned."""
    steps = [("Pending", 0, 3), ("InProgress", 33, 2), ("InProgress", 33, 2), ("Successful", 100, 0)]
    cloud = Cloud()
    cloud.apply(cloud.plan("ami-a"))
    refreshes = (
        {"InstanceRefreshId": "r-1", "Status": status, "PercentageComplete": percent, "StatusReason": "so"}
        | {"InstancesToUpdate": left}
        for status, percent, left in steps
    )
    monkeypatch.setattr(cloud, "describe_instance_refreshes", lambda **_: {"InstanceRefreshes": [next(refreshes)]})
    with caplog.at_level(logging.INFO):
        end = group(cloud).wait(time.monotonic() + 60)
    assert end is not None
    assert end.successful
    assert caplog.messages == [
        "instance refresh Pending, 0 %, 3 instances to go: so",
        "instance refresh InProgress, 33 %, 2 instances to go: so",
        "instance refresh Successful, 100 %, 0 instances to go: so",
    ]


def test_time_is_up() -> None:
    """A refresh that takes too long is cancelled, and counts as failed."""
    cloud = Cloud()
    cloud.apply(cloud.plan("ami-a"))
    cloud.start_instance_refresh(Preferences={})
    with pytest.raises(Failed, match=r"time is up: the instance refresh InProgress, 0 %"):
        group(cloud).wait(time.monotonic() - 1)
    assert cloud.calls[-1] == "cancel"


def refreshing(dying: int) -> Cloud:
    """Return a group within a refresh of many steps, whose first new instances do not live."""
    cloud = Cloud()
    cloud.steps, cloud.dying = 20, dying
    cloud.apply(cloud.plan("ami-a"))
    cloud.apply(cloud.plan("ami-b"))
    return cloud


def test_second_death_ends_the_wait() -> None:
    """When two instances of the new version have ended, the refresh is cancelled, long before AWS gives up."""
    cloud = refreshing(dying=2)
    with pytest.raises(Failed, match=r"i-dying-0, i-dying-1 of the new version failed"):
        group(cloud).wait(time.monotonic() + 60)
    assert cloud.calls[-1] == "cancel"


def test_one_death_may_be_the_machines_fault() -> None:
    """If only one instance has ended, AWS replaces it, and the wait goes on."""
    end = group(refreshing(dying=1)).wait(time.monotonic() + 60)
    assert end is not None
    assert end.successful


def error(code: str, status: int) -> ClientError:
    """Return an error of AWS's."""
    told: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(told, "DescribeInstanceRefreshes")


def test_passing_errors_are_waited_out(caplog: pytest.LogCaptureFixture) -> None:
    """While AWS answers with errors, the wait goes on; it says so once, and keeps checking the lease."""
    cloud, looks = refreshing(dying=0), list[None]()
    cloud.trouble = [error("ServiceUnavailable", 503)] * 3 + [error("Throttling", 400)]
    end = group(cloud, lambda: looks.append(None)).wait(time.monotonic() + 60)
    assert end is not None
    assert end.successful
    assert [record.levelname for record in caplog.records if "asking again" in record.message] == ["WARNING"] * 2
    assert len(looks) > 4


def test_other_errors_end_the_wait() -> None:
    """A permanent error, such as expired credentials, is not retried."""
    cloud = refreshing(dying=0)
    cloud.trouble = [error("ExpiredToken", 403)]
    with pytest.raises(ClientError, match="ExpiredToken"):
        group(cloud).wait(time.monotonic() + 60)


def test_nothing_to_cancel() -> None:
    """Cancelling is no error if no refresh is in progress any more."""
    group(Cloud()).cancel()


@pytest.mark.parametrize("alarms", [True, False])
def test_preferences_are_those_of_terraform(alarms: bool) -> None:
    """A refresh that the command starts has Terraform's preferences; alarms and pauses only if alarms may stop it."""
    client: Any = boto3.client("autoscaling", region_name="eu-central-1")
    without = ("AlarmSpecification", "CheckpointDelay", "CheckpointPercentages")
    expected = {name: value for name, value in PREFERENCES.items() if alarms or name not in without}
    with Stubber(client) as stub:
        asked = {"AutoScalingGroupName": "group", "Preferences": expected}
        stub.add_response("start_instance_refresh", {"InstanceRefreshId": "r-1"}, asked)
        group(client).start(alarms=alarms)
        stub.assert_no_pending_responses()


def test_those_that_end_are_not_old() -> None:
    """Instances of another version count as old, unless they are being terminated."""
    cloud = Cloud()
    cloud.apply(cloud.plan("ami-a"))
    cloud.instances[0]["LaunchTemplate"] = {"Version": "0"}
    cloud.instances[1] |= {"LaunchTemplate": {"Version": "0"}, "LifecycleState": "Terminating:Wait"}
    assert outdated(group(cloud).describe()) == ["i-0"]


def test_group_that_is_not_there() -> None:
    """A group that was removed by hand has no refresh, and asking for its instances fails."""
    client: Any = boto3.client("autoscaling", region_name="eu-central-1")
    with Stubber(client) as stub:
        stub.add_client_error("describe_instance_refreshes", "ValidationError")
        stub.add_response("describe_auto_scaling_groups", {"AutoScalingGroups": []})
        assert group(client).refresh() is None
        with pytest.raises(Failed, match="there is no Auto Scaling group group"):
            group(client).describe()


def test_no_answer_is_not_no_refresh() -> None:
    """If AWS refuses to answer, nothing is concluded from that."""
    client: Any = boto3.client("autoscaling", region_name="eu-central-1")
    with Stubber(client) as stub:
        stub.add_client_error("describe_instance_refreshes", "AccessDenied")
        with pytest.raises(ClientError):
            group(client).refresh()


def test_refresh_that_does_not_start() -> None:
    """If AWS does not start a refresh, such as while an alarm rings, that is a failure that can be rolled back."""
    client: Any = boto3.client("autoscaling", region_name="eu-central-1")
    with Stubber(client) as stub:
        stub.add_client_error("start_instance_refresh", "ValidationError", "an alarm is in ALARM state")
        with pytest.raises(Failed, match=r"did not start the instance refresh: .*in ALARM state"):
            group(client).start(alarms=True)


def test_refresh_that_somebody_else_started() -> None:
    """A refresh that is already in progress is no failure: it is reported, so that it can be waited for."""
    client: Any = boto3.client("autoscaling", region_name="eu-central-1")
    with Stubber(client) as stub:
        stub.add_client_error("start_instance_refresh", "InstanceRefreshInProgress")
        assert group(client).start(alarms=True) is False
