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
"""Instances of a new version that have to fail for a refresh to be given up; one alone may be its machine's fault."""
_WITHOUT_ALARMS = ("AlarmSpecification", "CheckpointPercentages", "CheckpointDelay")
# All others are active: Pending, InProgress, Baking, Cancelling, RollbackInProgress, and what AWS may add.
# https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceRefresh.html
_ENDS = ("Successful", "Failed", "Cancelled", "RollbackSuccessful", "RollbackFailed")


@dataclass(frozen=True)
class Refresh:
    """An instance refresh, as DescribeInstanceRefreshes reports it; equality ignores the report, which changes."""

    refresh_id: str
    told: dict[str, Any] = field(compare=False)

    @property
    def active(self) -> bool:
        """Whether it is still in progress."""
        return self.told["Status"] not in _ENDS

    @property
    def successful(self) -> bool:
        """Whether it replaced every instance."""
        return bool(self.told["Status"] == "Successful")

    def __str__(self) -> str:
        """Describe its progress."""
        percent, left = self.told.get("PercentageComplete", 0), self.told.get("InstancesToUpdate", 0)
        reason = f": {self.told['StatusReason']}" if self.told.get("StatusReason") else ""
        return f"instance refresh {self.told['Status']}, {percent} %, {left} instances to go{reason}"


@dataclass(frozen=True)
class Group:
    """The group of an environment; its refreshes are started with `preferences`, an output of Terraform."""

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
        """Return the latest instance refresh, or None if there was none or there is no such group."""
        try:
            found = self.client.describe_instance_refreshes(AutoScalingGroupName=self.name, MaxRecords=1)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            return None
        return next((Refresh(told["InstanceRefreshId"], told) for told in found["InstanceRefreshes"]), None)

    def start(self, *, alarms: bool) -> bool:
        """Start a refresh where no apply has started one; return False if one is in progress.

        Without `alarms`, no alarm stops it, and it does not pause to wait for one. Raise Failed if AWS does not start
        it, for example while an alarm is firing.
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
        """Cancel the refresh in progress, if there is one; AWS finishes replacements that have begun."""
        with suppress(self.client.exceptions.ActiveInstanceRefreshNotFoundFault):
            self.client.cancel_instance_refresh(AutoScalingGroupName=self.name)

    def wait(self, deadline: float) -> Refresh | None:
        """Wait until no refresh is in progress, logging each step; return the latest.

        Cancel it and raise Failed at `deadline`, in seconds of the monotonic clock, or if two instances of the new
        version have failed, since AWS would go on launching others for an hour. Pass on what the waiter's check raises.
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
    """Return the instances of a described group that are not terminating."""
    return [member for member in group["Instances"] if not member["LifecycleState"].startswith("Terminat")]


def versions(group: dict[str, Any]) -> dict[str, str | None]:
    """Map the id of each member to the version of the launch template that it was launched from, if any."""
    return {member["InstanceId"]: member.get("LaunchTemplate", {}).get("Version") for member in members(group)}


def outdated(group: dict[str, Any]) -> list[str]:
    """Return the members of a described group that do not run its version of the launch template."""
    return [name for name, version in versions(group).items() if version != group["LaunchTemplate"]["Version"]]
