"""The Auto Scaling group: its instances, and the instance refresh that replaces them."""

import logging
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from terraform.deploy.limits import Limits
from terraform.deploy.outcome import Failed
from terraform.deploy.refresh import Refresh, read

log = logging.getLogger(__name__)


class Group:
    """The group of an environment."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - boto3's
        name: str,
        preferences: dict[str, Any],
        poll_seconds: float = Limits.poll_seconds,
    ) -> None:
        """Start refreshes with `preferences`, as Terraform writes them."""
        self._client, self.name, self.poll_seconds = client, name, poll_seconds
        self._preferences = _as_api(preferences)

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

    def start(self, *, alarms: bool) -> None:
        """Start a refresh by ourselves, for what no apply starts one; without `alarms` none of them stops it.

        Raise Failed if AWS does not start it, such as while an alarm rings.
        """
        left_out = () if alarms else ("AlarmSpecification",)
        preferences = {name: value for name, value in self._preferences.items() if name not in left_out}
        log.info("starting an instance refresh%s", "" if alarms else " that no alarm stops")
        try:
            self._client.start_instance_refresh(AutoScalingGroupName=self.name, Preferences=preferences)
        except ClientError as error:
            raise Failed(f"AWS did not start the instance refresh: {error}.") from error

    def cancel(self) -> None:
        """Stop the refresh that is under way, if there is one; replacements under way are finished."""
        try:
            self._client.cancel_instance_refresh(AutoScalingGroupName=self.name)
        except self._client.exceptions.ActiveInstanceRefreshNotFoundFault:
            return

    def wait(self, deadline: float, check: Callable[[], None]) -> Refresh | None:
        """Wait until no refresh is under way, telling each step; return the latest.

        Raise Failed at `deadline`, in seconds of the monotonic clock, and whatever `check` raises.
        """
        told = ""
        while (found := self.refresh()) is not None:
            if str(found) != told:
                told = str(found)
                log.info("%s", told)
            if not found.active:
                break
            check()
            if time.monotonic() > deadline:
                self.cancel()
                raise Failed(f"time is up, and the {found}.")
            time.sleep(self.poll_seconds)
        return found


def members(group: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the instances of a described group that are not about to end."""
    return [member for member in group["Instances"] if not member["LifecycleState"].startswith("Terminat")]


def outdated(group: dict[str, Any]) -> list[str]:
    """Return the instances of a described group that do not run its version of the launch template."""
    wanted = group["LaunchTemplate"]["Version"]
    return [member["InstanceId"] for member in members(group) if version(member) != wanted]


def version(member: dict[str, Any]) -> str | None:
    """Return the version of the launch template that an instance was launched from, if from any."""
    told: str | None = member.get("LaunchTemplate", {}).get("Version")
    return told


def _as_api(preferences: dict[str, Any]) -> dict[str, Any]:
    """Write Terraform's preferences as AWS's API has them: other names, and nothing that is not set."""
    written = {
        "".join(part.capitalize() for part in name.split("_")): _number(value)
        for name, value in preferences.items()
        if value not in (None, "", [])
    }
    if "AlarmSpecification" in written:
        written["AlarmSpecification"] = {"Alarms": written["AlarmSpecification"][0]["alarms"]}
    return written


def _number(value: Any) -> Any:  # noqa: ANN401 - any of Terraform's
    """Return the number that Terraform wrote as a string, so that it can be unset; anything else as it is."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value
