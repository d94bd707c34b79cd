"""The rehearsed control plane follows AWS's rules; the machines are simulated here, so that they boot at once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from botocore.exceptions import ClientError

from tests.rehearsal.alarm import Alarm
from tests.rehearsal.control_plane import ControlPlane
from tests.rehearsal.fleet import Fleet, Instance
from tests.rehearsal.gateway import Gateway
from tests.rehearsal.refresh import next_checkpoint
from tests.rehearsal.stage import Stage
from tests.rehearsal.values import Values
from tests.support.emulator import IMAGES, Account, account

_IMAGE_IDS = {"a": next(iter(IMAGES)), "b": list(IMAGES)[1]}
_GROUP = "paper"
_VALUES = Values(
    path="/healthz", port=8080, interval=1, timeout=1, healthy=1, unhealthy=1, idle=1, deregistration=0, desired=2,
    maximum=4, min_healthy=100, max_healthy=150, skip_matching=True, warmup=0, grace=0, checkpoints=(1, 100),
    checkpoint_delay=0, alarm_percent=1,
    alarm_bad=2, alarm_of=5, alarm_period=60, drain=0, shutdown=0, budget=3,
)  # fmt: skip
_PREFERENCES = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 150, "SkipMatching": True}


class PaperFleet(Fleet):
    """A fleet without machines: instances become healthy when the test lets them."""

    def __init__(self) -> None:
        """Start empty, and let every instance become healthy at once."""
        super().__init__(cast(Any, None), cast(Any, None), {}, _VALUES, Path(), _IMAGE_IDS)
        self.may_boot = asyncio.Event()
        self.may_boot.set()
        self.bad: str | None = None
        """The image whose instances never become healthy."""

    async def launch(self, image: str, template: str | None = None) -> Instance:
        """Add an instance."""
        number = len(self.instances) + 1
        made = Instance(f"i{number}", "", image, "a", cast(Any, None), ExitStack(), f"i-{number}", template or image)
        made.enter("pending")
        self.instances.append(made)
        return made

    async def wait_in_service(self, instance: Instance) -> bool:
        """Wait until instances may boot."""
        await self.may_boot.wait()
        if instance.image == self.bad:
            await asyncio.sleep(0)
            return False
        instance.enter("in service")
        return True

    async def healthy(self) -> set[str]:
        """Return all that are in service."""
        return {instance.slot for instance in self.in_service}

    async def terminate(self, instance: Instance) -> None:
        """Mark an instance as gone."""
        instance.enter("gone")


class Ringing(Alarm):
    """An alarm that is firing."""

    def reason(self) -> str | None:
        """Return the reason."""
        return "alarm target-5xx rings"


class Site:
    """A group of two instances of image a, and AWS's API to it."""

    def __init__(self, fleet: PaperFleet, plane: ControlPlane, client: Callable[[str], Any]) -> None:
        """Call AWS through `client`."""
        self.fleet, self.plane, self.autoscaling, self.ec2 = fleet, plane, client("autoscaling"), client("ec2")

    async def call(self, operation: str, **parameters: object) -> Any:  # noqa: ANN401 - AWS's answers
        """Call Auto Scaling."""
        return await asyncio.to_thread(getattr(self.autoscaling, operation), AutoScalingGroupName=_GROUP, **parameters)

    async def refused(self, operation: str, **parameters: object) -> str:
        """Call Auto Scaling, and return the error code of the answer."""
        with pytest.raises(ClientError) as caught:
            await self.call(operation, **parameters)
        return str(caught.value.response["Error"]["Code"])

    async def bring(self, image: str, version: str = "2") -> None:
        """Let the group's launch template name another image."""
        data = {"ImageId": _IMAGE_IDS[image], "UserData": ""}
        await asyncio.to_thread(
            self.ec2.create_launch_template_version, LaunchTemplateName=_GROUP, LaunchTemplateData=data
        )
        await self.call("update_auto_scaling_group", LaunchTemplate={"LaunchTemplateName": _GROUP, "Version": version})

    async def ended(self) -> dict[str, Any]:
        """Return the latest refresh once it has ended."""
        while True:
            told = await self.call("describe_instance_refreshes")
            if told["InstanceRefreshes"][0].get("EndTime"):
                return dict(told["InstanceRefreshes"][0])


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Run an account, which takes seconds to start."""
    with account("222222222222", tmp_path_factory.mktemp("account")) as running:
        yield running


@pytest_asyncio.fixture
async def site(emulated: Account) -> AsyncIterator[Site]:
    """Create the group through the gateway, as Terraform does; delete it afterwards."""
    fleet = PaperFleet()
    stage = Stage(_VALUES, "", fleet, cast(Any, None), 0, {})
    plane = ControlPlane(stage, emulated, _IMAGE_IDS)
    async with Gateway(emulated.url, plane.actions, plane.changes).running() as url:
        reached = replace(emulated, url=url)
        made = Site(fleet, plane, reached.client)
        await asyncio.to_thread(
            made.ec2.create_launch_template,
            LaunchTemplateName=_GROUP,
            LaunchTemplateData={"ImageId": _IMAGE_IDS["a"], "UserData": ""},
        )
        await made.call(
            "create_auto_scaling_group",
            MinSize=2, MaxSize=4, DesiredCapacity=2, AvailabilityZones=["eu-central-1a"], DefaultInstanceWarmup=60,
            LaunchTemplate={"LaunchTemplateName": _GROUP, "Version": "1"},
        )  # fmt: skip
        yield made
    emulated.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=_GROUP, ForceDelete=True)
    emulated.client("ec2").delete_launch_template(LaunchTemplateName=_GROUP)


async def test_group_has_the_machines(site: Site) -> None:
    """The group's instances are those that were launched, with the details that the emulator forgets."""
    (group,) = (await asyncio.to_thread(site.autoscaling.describe_auto_scaling_groups))["AutoScalingGroups"]
    told = [(instance["InstanceId"], instance["LaunchTemplate"]["Version"]) for instance in group["Instances"]]
    assert told == [("i-1", "1"), ("i-2", "1")]
    assert group["DefaultInstanceWarmup"] == 60


async def test_refresh_replaces_every_instance(site: Site) -> None:
    """A refresh ends as Successful, at 100 %, with every instance of the new version."""
    await site.bring("b")
    await site.call("start_instance_refresh", Preferences=_PREFERENCES)
    told = await site.ended()
    assert (told["Status"], told["PercentageComplete"], told["InstancesToUpdate"]) == ("Successful", 100, 0)
    assert [(member.image, member.template) for member in site.fleet.in_service] == [("b", "2"), ("b", "2")]


async def test_refresh_skips_what_matches_by_version(site: Site) -> None:
    """Instances of the current version are not replaced; those of another version of the same image are."""
    await site.call("start_instance_refresh", Preferences=_PREFERENCES)
    assert (await site.ended())["Status"] == "Successful"
    assert [member.instance_id for member in site.fleet.in_service] == ["i-1", "i-2"]
    await site.bring("a")
    await site.call("start_instance_refresh", Preferences=_PREFERENCES)
    assert (await site.ended())["Status"] == "Successful"
    assert [member.instance_id for member in site.fleet.in_service] == ["i-3", "i-4"]


async def test_one_refresh_at_a_time(site: Site) -> None:
    """During a refresh, a second start is refused, and cancelling ends the first."""
    site.fleet.may_boot.clear()
    await site.bring("b")
    await site.call("start_instance_refresh", Preferences=_PREFERENCES)
    assert await site.refused("start_instance_refresh", Preferences=_PREFERENCES) == "InstanceRefreshInProgress"
    await site.call("cancel_instance_refresh")
    (told, *_) = (await site.call("describe_instance_refreshes"))["InstanceRefreshes"]
    assert (told["Status"], told["PercentageComplete"], told["InstancesToUpdate"]) == ("Cancelling", 0, 2)
    site.fleet.may_boot.set()
    assert (await site.ended())["Status"] == "Cancelled"
    assert await site.refused("cancel_instance_refresh") == "ActiveInstanceRefreshNotFound"


async def test_instances_are_launched_until_one_gets_healthy(site: Site) -> None:
    """A new instance that does not get healthy is terminated, and another is launched, until somebody cancels."""
    site.fleet.bad = "b"
    await site.bring("b")
    await site.call("start_instance_refresh", Preferences=_PREFERENCES)
    while len(site.fleet.instances) < 6:
        await asyncio.sleep(0)
    await site.call("cancel_instance_refresh")
    assert (await site.ended())["Status"] == "Cancelled"
    assert [member.image for member in site.fleet.in_service] == ["a", "a"]


async def test_refresh_pauses_after_the_first_instance(site: Site) -> None:
    """At its checkpoint a refresh waits with one instance of the new version, and an alarm stops it there."""
    site.fleet.values = replace(_VALUES, checkpoint_delay=600)
    await site.bring("b")
    await site.call("start_instance_refresh", Preferences=_PREFERENCES | {"AlarmSpecification": {"Alarms": ["x"]}})
    while [member.image for member in site.fleet.in_service] != ["a", "b"]:
        await asyncio.sleep(0)
    (told, *_) = (await site.call("describe_instance_refreshes"))["InstanceRefreshes"]
    assert (told["Status"], told["PercentageComplete"], told["InstancesToUpdate"]) == ("InProgress", 50, 1)
    site.plane.alarm = Ringing(_VALUES)
    assert (await site.ended())["Status"] == "Failed"
    assert [member.image for member in site.fleet.in_service] == ["a", "b"]


@pytest.mark.parametrize(
    ("percentages", "total", "pauses"),
    [((1, 100), 3, [1, 3]), ((34, 100), 3, [2, 3]), ((33, 100), 3, [1, 3]), ((10, 40, 100), 2, [1, 2]), ((), 3, [3])],
)
def test_checkpoint_is_the_first_number_not_below_its_percentage(
    percentages: tuple[int, ...], total: int, pauses: list[int]
) -> None:
    """A checkpoint of 34 % of three instances is the second, as AWS has it; one of 1 % is the first of any group."""
    seen, done = [], 0
    while done < total:
        done = next_checkpoint(percentages, total, done)
        seen.append(done)
    assert seen == pauses


async def test_alarm_fails_a_refresh_that_names_alarms(site: Site) -> None:
    """While an alarm rings, a refresh that names alarms fails with the reason; one that names none goes through."""
    site.plane.alarm = Ringing(_VALUES)
    await site.bring("b")
    await site.call("start_instance_refresh", Preferences=_PREFERENCES | {"AlarmSpecification": {"Alarms": ["x"]}})
    told = await site.ended()
    assert (told["Status"], told["StatusReason"]) == ("Failed", "alarm target-5xx rings")
    await site.call("start_instance_refresh", Preferences=_PREFERENCES)
    assert (await site.ended())["Status"] == "Successful"


@pytest.mark.parametrize(
    ("version", "preferences"),
    [
        ("1", {"MinHealthyPercentage": 50, "MaxHealthyPercentage": 200}),
        ("$Latest", {"AutoRollback": True}),
    ],
    ids=["too far apart", "rollback without a number"],
)
async def test_wrong_preferences_are_refused(site: Site, version: str, preferences: dict[str, object]) -> None:
    """Percentages that are too far apart, and rollback of a template without a version number, are errors."""
    await site.call("update_auto_scaling_group", LaunchTemplate={"LaunchTemplateName": _GROUP, "Version": version})
    assert await site.refused("start_instance_refresh", Preferences=preferences) == "ValidationError"
