"""The Auto Scaling group: its instances, and the instance refresh that replaces them."""

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from terraform.deploy.aws import NotYet, Waiter
from terraform.deploy.exit_status import Failed

log = logging.getLogger(__name__)

_DEATHS = 2
"""Instances of a new version that end before a refresh is given up; one alone may be the fault of its machine."""
_WITHOUT_ALARMS = ("AlarmSpecification", "CheckpointPercentages", "CheckpointDelay")
# All others are on the way: Pending, InProgress, Baking, Cancelling, RollbackInProgress, and what AWS may add.
# https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceRefresh.html
_ENDS = ("Successful", "Failed", "Cancelled", "RollbackSuccessful", "RollbackFailed")


@dataclass(frozen=True)
class Refresh:
    """An instance refresh, as DescribeInstanceRefreshes tells of it; it stays the same while that changes."""

    refresh_id: str
    told: dict[str, Any] = field(compare=False)

    @property
    def active(self) -> bool:
        """Say whether it goes on."""
        return self.told["Status"] not in _ENDS

    @property
    def successful(self) -> bool:
        """Say whether it replaced every instance."""
        return bool(self.told["Status"] == "Successful")

    def __str__(self) -> str:
        """Tell how far it is."""
        percent, left = self.told.get("PercentageComplete", 0), self.told.get("InstancesToUpdate", 0)
        reason = f": {self.told['StatusReason']}" if self.told.get("StatusReason") else ""
        return f"instance refresh {self.told['Status']}, {percent} %, {left} instances to go{reason}"


@dataclass(frozen=True)
class Group:
    """The group of an environment; its refreshes are started with `preferences`, as Terraform's output tells them."""

    client: Any
    name: str
    preferences: dict[str, Any]
    waiter: Waiter

    def describe(self) -> dict[str, Any]:
        """Return the group as AWS describes it."""
        found = self.client.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])["AutoScalingGroups"]
        if not found:
            raise Failed(f"there is no Auto Scaling group {self.name}.")
        return dict(found[0])

    def refresh(self) -> Refresh | None:
        """Return the latest instance refresh, if there was any, and if there is such a group."""
        try:
            found = self.client.describe_instance_refreshes(AutoScalingGroupName=self.name, MaxRecords=1)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            return None
        return next((Refresh(told["InstanceRefreshId"], told) for told in found["InstanceRefreshes"]), None)

    def start(self, *, alarms: bool) -> bool:
        """Start a refresh by ourselves, for what no apply starts one; return False if one is under way.

        Without `alarms` none of them stops it, and it does not pause for them. Raise Failed if AWS does not start it,
        such as while an alarm rings.
        """
        left_out = () if alarms else _WITHOUT_ALARMS
        preferences = {name: value for name, value in self.preferences.items() if name not in left_out}
        log.info("starting an instance refresh%s", "" if alarms else ", which no alarm stops")
        try:
            self.client.start_instance_refresh(AutoScalingGroupName=self.name, Preferences=preferences)
        except ClientError as error:
            if error.response["Error"]["Code"] == "InstanceRefreshInProgress":
                return False
            raise Failed(f"AWS did not start the instance refresh: {error}.") from error
        return True

    def cancel(self) -> None:
        """Stop the refresh that is under way, if there is one; replacements under way are finished."""
        with suppress(self.client.exceptions.ActiveInstanceRefreshNotFoundFault):
            self.client.cancel_instance_refresh(AutoScalingGroupName=self.name)

    def wait(self, deadline: float) -> Refresh | None:
        """Wait until no refresh is under way, telling each step; return the latest.

        Cancel it and raise Failed at `deadline`, in seconds of the monotonic clock, or if two instances of the new
        version have ended, since AWS would go on launching others for an hour; raise whatever the waiter's check does.
        """
        told, seen = "", set[str]()

        def ended() -> Refresh | None:
            nonlocal told
            found = self.refresh()
            if found is not None and str(found) != told:
                told = str(found)
                log.info("%s", told)
            if found is None or not found.active:
                return found
            group = self.describe()
            here = set(versions(group)) - set(outdated(group))
            seen.update(here)
            if len(seen - here) >= _DEATHS:
                raise Failed(f"{', '.join(sorted(seen - here))} of the new version failed, and the {found}.")
            raise NotYet(f"the {found}.")

        try:
            return self.waiter.until(deadline, ended)
        except Failed:
            self.cancel()
            raise


def members(group: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the instances of a described group that are not about to end."""
    return [member for member in group["Instances"] if not member["LifecycleState"].startswith("Terminat")]


def versions(group: dict[str, Any]) -> dict[str, str | None]:
    """Return, by the id of each member, the version of the launch template that it was launched from, if from any."""
    return {member["InstanceId"]: member.get("LaunchTemplate", {}).get("Version") for member in members(group)}


def outdated(group: dict[str, Any]) -> list[str]:
    """Return the members of a described group that do not run its version of the launch template."""
    return [name for name, version in versions(group).items() if version != group["LaunchTemplate"]["Version"]]
