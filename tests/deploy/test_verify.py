"""What is verified: the alarms, every instance, and which image answers; and the deregistration of bad instances."""

import re
from collections.abc import Iterator
from typing import Any, cast

import boto3
import pytest
from botocore.stub import Stubber

from terraform.deploy.aws import Waiter
from terraform.deploy.exit_status import Failed
from terraform.deploy.group import Group
from terraform.deploy.targets import deregister
from terraform.deploy.verify import Environment
from tests.deploy.cloud import answering, version

TARGETS = "arn:aws:elasticloadbalancing:eu-central-1:222222222222:targetgroup/fleet/1"
OUTPUTS = {
    "target_group_arn": TARGETS,
    "refresh_preferences": {"AlarmSpecification": {"Alarms": ["errors", "latency"]}},
}


class Session:
    """Stands for boto3's session: each service has one client, which checks what it is asked and asks nobody."""

    def __init__(self) -> None:
        """Begin with no client."""
        self._stubs: dict[str, Stubber] = {}

    def stub(self, service: str) -> Stubber:
        """Return what decides the answers of a service."""
        if service not in self._stubs:
            make: Any = boto3.client
            self._stubs[service] = Stubber(make(service, region_name="eu-central-1"))
            self._stubs[service].activate()
        return self._stubs[service]

    def client(self, service: str) -> Any:  # noqa: ANN401 - one of boto3's
        """Return the client of a service."""
        return self.stub(service).client

    def all_asked(self) -> None:
        """Fail if an answer is left over."""
        for stub in self._stubs.values():
            stub.assert_no_pending_responses()


@pytest.fixture
def session() -> Iterator[Session]:
    """Give a session whose prepared answers must all have been asked for in the end."""
    stubbed = Session()
    yield stubbed
    stubbed.all_asked()


def groups(described: dict[str, Any]) -> dict[str, Any]:
    """Return AWS's answer for one group."""
    common = {
        "AutoScalingGroupName": "fleet",
        "MinSize": 3,
        "MaxSize": 6,
        "DesiredCapacity": 3,
        "DefaultCooldown": 300,
        "AvailabilityZones": ["a"],
        "HealthCheckType": "ELB",
        "CreatedTime": 0,
    }
    return {"AutoScalingGroups": [common | described]}


def environment(session: Session, url: str = "http://127.0.0.1:9", **outputs: Any) -> Environment:  # noqa: ANN401
    """Return an environment behind `session`."""
    group = Group(session.client("autoscaling"), "fleet", {}, Waiter(lambda: None, 0.0))
    return Environment(OUTPUTS | outputs, group, url, cast("boto3.Session", session))


def instance(name: str, version: str = "2", health: str = "Healthy", state: str = "InService") -> dict[str, Any]:
    """Return an instance as its group tells of it."""
    return {
        "InstanceId": name,
        "AvailabilityZone": "a",
        "LifecycleState": state,
        "HealthStatus": health,
        "LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": version},
        "ProtectedFromScaleIn": False,
    }


def tell(session: Session, instances: list[dict[str, Any]], states: dict[str, str]) -> None:
    """Let AWS tell of a group of three with `instances`, and of `states` at the load balancer."""
    described = {"LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "2"}, "Instances": instances}
    session.stub("autoscaling").add_response("describe_auto_scaling_groups", groups(described))
    targets = [{"Target": {"Id": name}, "TargetHealth": {"State": state}} for name, state in states.items()]
    session.stub("elbv2").add_response(
        "describe_target_health", {"TargetHealthDescriptions": targets}, {"TargetGroupArn": TARGETS}
    )


def well(*names: str) -> dict[str, str]:
    """Return the states of instances that get requests."""
    return dict.fromkeys(names, "healthy")


def test_ringing(session: Session) -> None:
    """Only alarms in the state ALARM ring."""
    states = {"errors": "ALARM", "latency": "OK", "new": "INSUFFICIENT_DATA"}
    alarms = [{"AlarmName": name, "StateValue": state} for name, state in states.items()]
    session.stub("cloudwatch").add_response(
        "describe_alarms", {"MetricAlarms": alarms}, {"AlarmNames": ["errors", "latency"]}
    )
    assert environment(session).ringing() == ["errors"]


def test_all_well(session: Session) -> None:
    """Three good instances pass, and one that is being terminated does not matter."""
    tell(session, [*map(instance, "abc"), instance("d", "1", state="Terminating:Wait")], well(*"abc"))
    assert environment(session)._instances() == 3  # noqa: SLF001 - serves() would go on to ask the load balancer


@pytest.mark.parametrize(
    ("third", "state", "message"),
    [
        (instance("i-bad", version="1"), "healthy", "of an old version: ['i-bad']"),
        (instance("i-bad", health="Unhealthy"), "healthy", "unhealthy: ['i-bad']"),
        (instance("i-bad", state="Pending"), "healthy", "unhealthy: ['i-bad']"),
        (instance("i-bad"), "unhealthy", "not healthy at the load balancer: ['i-bad']"),
        (instance("i-bad"), "initial", "not healthy at the load balancer: ['i-bad']"),
        (instance("i-bad", "1", state="Terminating"), "healthy", "still there: ['i-bad']"),
    ],
    ids=["old", "unhealthy", "pending", "unhealthy target", "new target", "still registered"],
)
def test_one_unwell(session: Session, third: dict[str, Any], state: str, message: str) -> None:
    """One bad instance is enough to fail, and it is named."""
    tell(session, [instance("a"), instance("b"), third], well("a", "b") | {"i-bad": state})
    with pytest.raises(Failed, match=re.escape(message)):
        environment(session).serves("ami-new")


def test_too_few(session: Session) -> None:
    """All instances must be there."""
    tell(session, [*map(instance, "ab")], well(*"ab"))
    with pytest.raises(Failed, match="there are 2 of 3 instances"):
        environment(session).serves("ami-new")


def test_serves(session: Session) -> None:
    """/version says which image serves everywhere."""
    tell(session, [*map(instance, "abc")], well(*"abc"))
    with answering(lambda: [version("ami-new")]) as url:
        told = environment(session, url).serves("ami-new")
    assert told == {"image": "ami-new", "version": "1.2.3", "commit": "abc"}


def test_another_image_answers(session: Session) -> None:
    """An answer from another image is a failure that names it."""
    tell(session, [*map(instance, "abc")], well(*"abc"))
    with (
        answering(lambda: [version("ami-new"), version("ami-old")]) as url,
        pytest.raises(Failed, match="answered by ami-old, not only by ami-new"),
    ):
        environment(session, url).serves("ami-new")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b"{}"])
def test_something_else_answers(session: Session, body: bytes) -> None:
    """An answer that does not come from the service is a failure."""
    tell(session, [*map(instance, "abc")], well(*"abc"))
    with answering(lambda: [body]) as url, pytest.raises(Failed, match=r"/version (answers|does not answer)"):
        environment(session, url).serves("ami-new")


@pytest.mark.parametrize(
    ("bad", "healthy", "taken"),
    [
        ("c", "ab", ["c"]),
        ("c", "abc", ["c"]),
        ("c", "a", []),
        ("bc", "abc", []),
        ("", "abc", []),
        ("de", "abde", ["d", "e"]),
    ],
)
def test_deregister(session: Session, bad: str, healthy: str, taken: list[str]) -> None:
    """Bad instances get no more requests if two thirds of the fleet stay healthy without them."""
    names = sorted({*"abc", *bad})
    tell(session, [instance(name, "1" if name in bad else "2") for name in names], well(*healthy))
    versions = [
        {"VersionNumber": number, "LaunchTemplateData": {"ImageId": image}}
        for number, image in ((1, "ami-bad"), (2, "ami-good"))
    ]
    session.stub("ec2").add_response("describe_launch_template_versions", {"LaunchTemplateVersions": versions})
    if taken:
        session.stub("elbv2").add_response(
            "deregister_targets", {}, {"TargetGroupArn": TARGETS, "Targets": [{"Id": name} for name in taken]}
        )
    assert deregister(environment(session), "ami-bad") == taken
