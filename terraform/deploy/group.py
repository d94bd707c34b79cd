"""The Auto Scaling group: its instances, and the instance refresh that replaces them."""

import logging
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from terraform.deploy.aws import NotYet, wait
from terraform.deploy.exit_status import Failed
from terraform.deploy.limits import Limits
from terraform.deploy.refresh import Refresh, read

log = logging.getLogger(__name__)

_DEATHS = 2
"""Instances of a new version that end before a refresh is given up; one alone may be the fault of its machine."""
_WITHOUT_ALARMS = ("AlarmSpecification", "CheckpointPercentages", "CheckpointDelay")


class Group:
    """The group of an environment."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - boto3's
        name: str,
        preferences: dict[str, Any],
        poll_seconds: float = Limits.poll_seconds,
    ) -> None:
        """Start refreshes with `preferences`, as Terraform's output tells them."""
        self._client, self.name, self._preferences, self.poll_seconds = client, name, preferences, poll_seconds

    def describe(self) -> dict[str, Any]:
        """Return the group as AWS describes it."""
        found = self._client.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])["AutoScalingGroups"]
        if not found:
            raise Failed(f"there is no Auto Scaling group {self.name}.")
        (group,) = found
        return dict(group)

    def outdated(self) -> list[str]:
        """Return the instances that do not run the group's version of the launch template."""
        return outdated(self.describe())

    def refresh(self) -> Refresh | None:
        """Return the latest instance refresh, if there was any, and if there is such a group."""
        try:
            found = self._client.describe_instance_refreshes(AutoScalingGroupName=self.name, MaxRecords=1)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            return None
        return next(map(read, found["InstanceRefreshes"]), None)

    def start(self, *, alarms: bool) -> bool:
        """Start a refresh by ourselves, for what no apply starts one; return False if one is under way.

        Without `alarms` none of them stops it, and it does not pause for them. Raise Failed if AWS does not start it,
        such as while an alarm rings.
        """
        left_out = () if alarms else _WITHOUT_ALARMS
        preferences = {name: value for name, value in self._preferences.items() if name not in left_out}
        log.info("starting an instance refresh%s", "" if alarms else " that no alarm stops")
        try:
            self._client.start_instance_refresh(AutoScalingGroupName=self.name, Preferences=preferences)
        except ClientError as error:
            if error.response["Error"]["Code"] == "InstanceRefreshInProgress":
                return False
            raise Failed(f"AWS did not start the instance refresh: {error}.") from error
        return True

    def cancel(self) -> None:
        """Stop the refresh that is under way, if there is one; replacements under way are finished."""
        try:
            self._client.cancel_instance_refresh(AutoScalingGroupName=self.name)
        except self._client.exceptions.ActiveInstanceRefreshNotFoundFault:
            return

    def wait(self, deadline: float, check: Callable[[], None]) -> Refresh | None:
        """Wait until no refresh is under way, telling each step; return the latest.

        Cancel it and raise Failed at `deadline`, in seconds of the monotonic clock, or if two instances of the new
        version have ended, since AWS would go on launching others for an hour; raise whatever `check` raises.
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
            here = new(self.describe())
            seen.update(here)
            if len(seen - here) >= _DEATHS:
                raise Failed(f"{', '.join(sorted(seen - here))} of the new version did not live, and the {found}.")
            raise NotYet(f"the {found}.")

        try:
            return wait(ended, deadline, check, self.poll_seconds)
        except Failed:
            self.cancel()
            raise


def members(group: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the instances of a described group that are not about to end."""
    return [member for member in group["Instances"] if not member["LifecycleState"].startswith("Terminat")]


def outdated(group: dict[str, Any]) -> list[str]:
    """Return the instances of a described group that do not run its version of the launch template."""
    wanted = group["LaunchTemplate"]["Version"]
    return [member["InstanceId"] for member in members(group) if version(member) != wanted]


def new(group: dict[str, Any]) -> set[str]:
    """Return the instances of a described group that run its version of the launch template."""
    return {member["InstanceId"] for member in members(group)} - set(outdated(group))


def version(member: dict[str, Any]) -> str | None:
    """Return the version of the launch template that an instance was launched from, if from any."""
    told: str | None = member.get("LaunchTemplate", {}).get("Version")
    return told
