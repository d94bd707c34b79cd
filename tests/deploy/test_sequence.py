"""A deployment ends with one version everywhere and says which, or says that a person must act."""

import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from terraform.deploy.aws import Waiter
from terraform.deploy.deployment import Deployment
from terraform.deploy.exit_status import Failed, Refused, Status, Stuck
from terraform.deploy.group import Group
from terraform.deploy.limits import Limits
from terraform.deploy.lock import LEASE_SECONDS, Lease
from terraform.deploy.plan import Plan
from terraform.deploy.releases import Releases
from terraform.deploy.verify import Environment
from tests.deploy.cloud import Cloud, served
from tests.deploy.conftest import Bucket


class Stage:
    """An environment in which deployments are played."""

    def __init__(self, cloud: Cloud, bucket: Bucket) -> None:
        """Start before the first deployment."""
        self.cloud, self._bucket = cloud, bucket
        self.releases = Releases(bucket.s3, bucket.name)
        self.report: dict[str, Any] = {}
        self.now = 0.0
        self.lease = Lease(bucket.s3, bucket.name, {"by": "Ada"}, clock=lambda: self.now)

    def lose_the_lease(self) -> None:
        """Let it run out, and somebody else take it."""
        self.now += LEASE_SECONDS + 1
        Lease(self._bucket.s3, self._bucket.name, {"by": "Bob"}, seconds=0).acquire()

    def deploy(
        self, image: str, *, ignore_alarms: bool = False, minutes: float = 1, blocked_minutes: float = 1
    ) -> Status:
        """Deploy an image as the command does."""
        limits = Limits(minutes, 0, ignore_alarms, None, blocked_minutes=blocked_minutes)
        cloud = cast(Any, self.cloud)
        self.report = {}
        deployment = Deployment(cloud, cloud, self.releases, limits, Waiter(self.lease.check, 0.0), self.report)
        deployment.refuse_if_in_vain()
        return deployment.run(self.cloud.plan(image))

    @property
    def released(self) -> list[str]:
        """Return the images that were released."""
        return [release.image for release in self.releases.all()]

    @property
    def serving(self) -> set[str]:
        """Return the images that serve."""
        return {self.cloud.images[instance["LaunchTemplate"]["Version"]] for instance in self.cloud.instances}


@pytest.fixture
def stage(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Give an environment without pauses, whose smoke tests pass."""
    monkeypatch.setattr(Environment, "smoke", lambda _: None)
    with served(Cloud()) as cloud:
        yield Stage(cloud, bucket)


def test_first_and_second(stage: Stage) -> None:
    """The first deployment creates the environment, the second replaces every instance; both are recorded."""
    assert stage.deploy("a") == Status.DONE
    assert stage.deploy("b") == Status.DONE
    assert (stage.serving, stage.released) == ({"b"}, ["a", "b"])
    assert stage.report["serves"]["image"] == "b"


@pytest.mark.parametrize("end", ["Failed", "Cancelled", "RollbackSuccessful", "RollbackFailed"])
def test_failed_refresh_goes_back(stage: Stage, end: str) -> None:
    """A failed refresh is rolled back, after the bad instance was deregistered."""
    stage.deploy("a")
    stage.cloud.ends = [end]
    assert stage.deploy("b") == Status.FAILED
    assert (stage.serving, stage.released) == ({"a"}, ["a"])
    assert stage.cloud.calls[-3:] == ["apply b", "apply a", "deregister i-0"]
    assert end in stage.report["failure"]


def test_alarm_after_the_refresh_goes_back(stage: Stage) -> None:
    """An alarm that rings after the refresh causes a rollback, which no alarm stops."""
    stage.deploy("a")
    stage.cloud.rings_with = "b"
    assert stage.deploy("b") == Status.FAILED
    assert (stage.serving, stage.released) == ({"a"}, ["a"])
    assert stage.cloud.calls[-1] == "start"
    assert "target-5xx is firing" in stage.report["failure"]


def test_failed_smoke_test_goes_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed smoke test causes a rollback."""
    stage.deploy("a")

    def smoke(_environment: Environment) -> None:
        if stage.serving == {"b"}:
            raise Failed("the smoke tests failed")

    monkeypatch.setattr(Environment, "smoke", smoke)
    assert stage.deploy("b") == Status.FAILED
    assert (stage.serving, stage.released) == ({"a"}, ["a"])


def test_time_is_up_goes_back(stage: Stage) -> None:
    """A refresh that takes too long is cancelled and rolled back; the rollback has time of its own."""
    stage.deploy("a")
    stage.cloud.steps = 1000
    with pytest.raises(Stuck, match="Rolling back to a failed, too: time is up"):
        stage.deploy("b", minutes=0)
    assert stage.cloud.calls.count("cancel") == 2


def test_one_budget_for_the_way_there_and_the_way_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deployment has half of the time, and a rollback ends with the whole of it, however often it waits."""
    stage.deploy("a")
    apply, told = stage.cloud.apply, list[float]()

    def note(plan: Plan, deadline: float) -> None:
        told.append(deadline)
        apply(plan, deadline)

    monkeypatch.setattr(stage.cloud, "apply", note)
    stage.cloud.ends = ["Failed"]
    began = time.monotonic()
    assert stage.deploy("b", minutes=10) == Status.FAILED
    assert told == pytest.approx([began + 300, began + 600], abs=5)
    assert told[1] - told[0] == pytest.approx(300)


def test_first_deployment_has_no_way_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """If nothing was released before, a person must act."""

    def smoke(_environment: Environment) -> None:
        raise Failed("the smoke tests failed")

    monkeypatch.setattr(Environment, "smoke", smoke)
    with pytest.raises(Stuck, match="no release to roll back to"):
        stage.deploy("a")
    assert stage.released == []


def test_same_image_is_no_way_back(stage: Stage) -> None:
    """If the image was released before, Terraform's code or values failed, and the commit before must be deployed."""
    stage.deploy("a")
    stage.cloud.apply_fails = 1
    with pytest.raises(Stuck, match="deploy that"):
        stage.deploy("a")


def test_way_back_fails(stage: Stage) -> None:
    """If the rollback fails as well, a person must act."""
    stage.deploy("a")
    stage.cloud.ends = ["Failed"] * 3
    with pytest.raises(Stuck, match="Rolling back to a failed, too"):
        stage.deploy("b")


def test_way_back_is_known_before_anything_is_changed(stage: Stage) -> None:
    """If the list of releases cannot be read, nothing is applied, since it could not be rolled back."""
    stage.deploy("a")
    stage.releases = Releases(stage.releases.s3, "missing")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        stage.deploy("b")
    assert stage.cloud.calls == ["apply a"]


def test_stale_plan_is_refused(stage: Stage) -> None:
    """A stale plan changes nothing, so nothing is rolled back."""
    stage.deploy("a")
    stage.cloud.stale = True
    with pytest.raises(Refused, match="has changed since"):
        stage.deploy("b")
    assert (stage.serving, stage.cloud.calls[-1]) == ({"a"}, "apply b")


def test_ringing_alarms_refuse(stage: Stage) -> None:
    """While alarms ring nothing is deployed, unless they are to be ignored; then none of them stops the refresh."""
    stage.deploy("a")
    stage.cloud.alarms = {"target-5xx"}
    with pytest.raises(Refused, match="target-5xx is firing already"):
        stage.deploy("b")
    assert stage.serving == {"a"}
    assert stage.deploy("b", ignore_alarms=True) == Status.DONE
    assert stage.serving == {"b"}
    assert stage.cloud.calls[-1] == "start"


def test_blocked_machine_is_refused(stage: Stage) -> None:
    """If a firewall blocks this machine, nothing is changed, since nothing could be verified."""
    stage.deploy("a")
    stage.cloud.blocked = 2
    assert stage.deploy("b") == Status.DONE
    stage.cloud.blocked = 1
    with pytest.raises(Failed, match=r"answered 403 by awselb/2\.0 in front of the service\. Deploy from a machine"):
        stage.deploy("c", blocked_minutes=0)
    assert stage.serving == {"b"}


def test_refresh_under_way_is_seen_through(stage: Stage) -> None:
    """After an interruption, the same deployment changes nothing and waits for the refresh that goes on."""
    stage.deploy("a")
    stage.cloud.apply(stage.cloud.plan("b"))
    assert stage.deploy("b") == Status.DONE
    assert (stage.serving, len(stage.cloud.refreshes)) == ({"b"}, 1)


def test_refresh_that_failed_meanwhile_is_started_again(stage: Stage) -> None:
    """If the refresh of an interrupted deployment failed, the same deployment starts another, with alarms."""
    stage.deploy("a")
    stage.cloud.ends = ["Failed"]
    stage.cloud.apply(stage.cloud.plan("b"))
    while stage.cloud.describe_instance_refreshes()["InstanceRefreshes"][0]["Status"] == "InProgress":
        pass
    assert stage.deploy("b") == Status.DONE
    assert (stage.serving, stage.cloud.calls[-1]) == ({"b"}, "start with alarms")


def test_version_of_another_image_is_found(stage: Stage) -> None:
    """An instance that reports another image than it should fails the verification."""
    stage.deploy("a")
    outputs, cloud = stage.cloud.outputs(), cast(Any, stage.cloud)
    group = Group(cloud, "group", {}, Waiter(lambda: None, 0.0))
    environment = Environment(outputs, group, stage.cloud.url, cloud)
    with pytest.raises(Failed, match="is answered by a, not only by b"):
        environment.serves("b")
    stage.cloud.instances[0]["HealthStatus"] = "Unhealthy"
    with pytest.raises(Failed, match=r"unhealthy: \['i-0'\]"):
        environment.serves("a")


def test_nobody_is_taken_out_where_too_few_would_remain(stage: Stage) -> None:
    """Bad instances stay registered if fewer than two thirds of the fleet would serve without them."""
    stage.deploy("a")
    stage.cloud.rings_with = "b"
    stage.deploy("b")
    assert not [call for call in stage.cloud.calls if call.startswith("deregister")]


def test_lost_lease_ends_before_anything_is_applied(stage: Stage) -> None:
    """A deployment that lost the lease while planning applies nothing."""
    stage.deploy("a")
    stage.lease.acquire()
    stage.lose_the_lease()
    with pytest.raises(Stuck, match="was lost"):
        stage.deploy("b")
    assert stage.cloud.calls == ["apply a"]


@pytest.mark.parametrize("steps", [2, 0], ids=["while waiting", "at the end"])
def test_lost_lease_brings_nothing_back(stage: Stage, monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """A deployment that lost the lease during the refresh leaves the rest to the new holder."""
    stage.cloud.steps = steps
    stage.deploy("a")
    stage.lease.acquire()
    apply = stage.cloud.apply

    def lose(plan: Plan, deadline: float) -> None:
        apply(plan, deadline)
        stage.lose_the_lease()

    monkeypatch.setattr(stage.cloud, "apply", lose)
    stage.cloud.ends = ["Failed"]
    with pytest.raises(Stuck, match="was lost"):
        stage.deploy("b")
    assert stage.cloud.calls == ["apply a", "apply b"]
    assert "previous" not in stage.report


def test_way_back_does_not_depend_on_first_aid(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """If AWS does not say which instances are bad, they are replaced without being deregistered first."""

    def refuse(**_asked: object) -> None:
        raise ClientError({"Error": {"Code": "InvalidLaunchTemplateId.VersionNotFound"}}, "DescribeLaunchTemplates")

    stage.deploy("a")
    stage.cloud.ends = ["Failed"]
    monkeypatch.setattr(stage.cloud, "describe_launch_template_versions", refuse)
    assert stage.deploy("b") == Status.FAILED
    assert stage.serving == {"a"}
    assert not [call for call in stage.cloud.calls if call.startswith("deregister")]


def test_image_that_cannot_start_goes_back(stage: Stage) -> None:
    """A version whose instances end is given up after the second one, and rolled back."""
    stage.deploy("a")
    stage.cloud.dying, stage.cloud.steps = 2, 20
    assert stage.deploy("b") == Status.FAILED
    assert (stage.serving, stage.released) == ({"a"}, ["a"])
    assert "cancel" in stage.cloud.calls
    assert "of the new version failed" in stage.report["failure"]


def test_refresh_started_at_the_same_moment_is_waited_for(stage: Stage) -> None:
    """If somebody else starts a refresh just before the command does, it waits for that, and starts its own."""
    stage.deploy("a")
    stage.cloud.ends = ["Failed", "Failed"]
    stage.cloud.apply(stage.cloud.plan("b"))
    while stage.cloud.describe_instance_refreshes()["InstanceRefreshes"][0]["Status"] == "InProgress":
        pass
    stage.cloud.unexpected = 1
    assert stage.deploy("b") == Status.DONE
    assert (stage.serving, stage.cloud.calls[-1]) == ({"b"}, "start with alarms")


def test_error_of_aws_goes_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of AWS outside of a wait is a failure like any other, and rolled back."""
    stage.deploy("a")
    describe = stage.cloud.describe_auto_scaling_groups

    def refuse(**_asked: object) -> Any:  # noqa: ANN401 - as AWS answers
        monkeypatch.setattr(stage.cloud, "describe_auto_scaling_groups", describe)
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "DescribeAutoScalingGroups")

    monkeypatch.setattr(stage.cloud, "describe_auto_scaling_groups", refuse)
    assert stage.deploy("b") == Status.FAILED
    assert (stage.serving, stage.released) == ({"a"}, ["a"])


def test_alarm_that_does_not_end_needs_a_person(stage: Stage) -> None:
    """An alarm that still rings after a rollback is reported as not only the new version's fault."""
    stage.deploy("a")
    stage.cloud.ends = ["Failed"]
    stage.cloud.rings_with = "a"
    with pytest.raises(Stuck, match="target-5xx is still firing"):
        stage.deploy("b", minutes=0.01)
