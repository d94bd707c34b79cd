"""The API of Auto Scaling that the deployment calls, implemented on booted machines.

Everything that Terraform makes is kept by the emulator. What the emulator lacks or only pretends to do is implemented
here, by AWS's rules: instance refreshes, the group's instances, the targets' health, the alarm that watches both.
"""

import asyncio
import base64
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.rehearsal.alarm import Alarm
from tests.rehearsal.fleet import PROPAGATION_SECONDS, Instance
from tests.rehearsal.gateway import Action, Answer, Change, Refused, xml
from tests.rehearsal.refresh import RefreshFailed, refresh
from tests.rehearsal.stage import Stage, lines
from tests.support.emulator import Account

AUTOSCALING = "http://autoscaling.amazonaws.com/doc/2011-01-01/"
LOAD_BALANCING = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
ALARM = "target-5xx"
_ACTIVE = ("Pending", "InProgress", "Cancelling")
_LIFECYCLE = {
    "pending": "InService",  # in the group, not at the load balancer
    "in service": "InService",
    "deregistered": "InService",
    "deregistering": "Terminating",
    "stopping": "Terminating",
    "lost": "InService",
}
_TARGET = {
    "pending": "initial",
    "deregistered": "draining",
    "deregistering": "draining",
    "stopping": "draining",
    "lost": "unhealthy",
}
_LOOK_SECONDS = 0.3


@dataclass
class Activity:
    """An instance refresh."""

    group: str
    template: str
    alarms: bool
    total: int
    status: str = "Pending"
    reason: str = ""
    activity_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None


class ControlPlane:
    """The group of one environment."""

    def __init__(self, stage: Stage, account: Account, image_ids: dict[str, str]) -> None:
        """Boot images, given as ids by name, on `stage`; `account` keeps everything else."""
        self._stage, self.fleet, self._account = stage, stage.fleet, account
        self._names = {image_id: name for name, image_id in image_ids.items()}
        self.alarm: Alarm | None = None
        self.refreshes: list[Activity] = []
        self._version = ""
        self._kept: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.actions: dict[str, Action] = {
            "StartInstanceRefresh": self._start,
            "DescribeInstanceRefreshes": self._describe,
            "CancelInstanceRefresh": self._cancel,
            "DescribeTargetHealth": self._targets,
            "DeregisterTargets": self._deregister,
        }
        self.changes: dict[str, Change] = {
            "CreateAutoScalingGroup": self._created,
            "UpdateAutoScalingGroup": self._updated,
            "DescribeAutoScalingGroups": self._described,
        }

    async def watch(self) -> None:
        """Tell CloudWatch, for ever, whether the alarm fires."""
        rang = False
        while True:
            reason = self.alarm.reason() if self.alarm else None
            if (reason is not None) != rang:
                rang = reason is not None
                await asyncio.to_thread(self._set_alarm, "ALARM" if rang else "OK", reason or "quiet again")
            await asyncio.sleep(_LOOK_SECONDS)

    async def _created(self, parameters: dict[str, str], answer: str) -> str:
        """Launch the group's first instances."""
        await self._updated(parameters, answer)
        await self._read_template()
        for _ in range(int(parameters["DesiredCapacity"])):
            instance = await self.fleet.launch(self._image(), self._version)
            self._run(self._wait_in_service(instance))
        return answer

    async def _updated(self, parameters: dict[str, str], answer: str) -> str:
        """Keep the parameters that the emulator does not store."""
        self._kept |= parameters
        return answer

    async def _described(self, _parameters: dict[str, str], answer: str) -> str:
        """Replace the emulator's instances by the machines, and add the parameters that it does not store."""
        if "<AutoScalingGroupName>" not in answer:
            return answer
        kept = {"DefaultInstanceWarmup": self._kept.get("DefaultInstanceWarmup")}
        policy = {
            name: self._kept[f"InstanceMaintenancePolicy.{name}"]
            for name in ("MinHealthyPercentage", "MaxHealthyPercentage")
            if f"InstanceMaintenancePolicy.{name}" in self._kept
        }
        told = xml({"Instances": self._instances(), **kept, "InstanceMaintenancePolicy": policy or None})
        return re.sub(r"<Instances\s*/>|<Instances>.*?</Instances>", lambda _: told, answer, count=1, flags=re.DOTALL)

    async def _start(self, parameters: dict[str, str]) -> Answer:
        preferences = {name.partition(".")[2]: value for name, value in parameters.items() if "Preferences." in name}
        least, most = (int(preferences.get(f"{name}HealthyPercentage", 100)) for name in ("Min", "Max"))
        if self._under_way():
            raise Refused("InstanceRefreshInProgress", "An Instance Refresh is already in progress.")
        if not least <= 100 <= most or most - least > 100:
            raise Refused("ValidationError", "The difference between the healthy percentages must be 0 to 100.")
        version = await self._read_template()
        if preferences.get("AutoRollback") == "true" and not version.isdigit():
            raise Refused("ValidationError", "A rollback needs a launch template version that is a number.")
        alarms = any(name.startswith("AlarmSpecification.") for name in preferences)
        old = [instance for instance in self.fleet.in_service if instance.template != self._version]
        made = Activity(parameters["AutoScalingGroupName"], self._version, alarms, len(old))
        self.refreshes.insert(0, made)
        self._run(self._refresh(made))
        return xml({"InstanceRefreshId": made.activity_id}), AUTOSCALING

    async def _describe(self, parameters: dict[str, str]) -> Answer:
        wanted = [value for name, value in parameters.items() if name.startswith("InstanceRefreshIds.member.")]
        found = [entry for entry in self.refreshes if not wanted or entry.activity_id in wanted]
        listed = [self._tell(entry) for entry in found[: int(parameters.get("MaxRecords", 50))]]
        return xml({"InstanceRefreshes": listed}), AUTOSCALING

    async def _cancel(self, _parameters: dict[str, str]) -> Answer:
        under_way = self._under_way()
        if under_way is None:
            raise Refused("ActiveInstanceRefreshNotFound", "No in progress or pending Instance Refresh found.")
        under_way.status = "Cancelling"
        return xml({"InstanceRefreshId": under_way.activity_id}), AUTOSCALING

    async def _targets(self, _parameters: dict[str, str]) -> Answer:
        healthy = await self.fleet.healthy()
        there = [instance for instance in self.fleet.instances if instance.state != "gone"]
        listed = [
            {
                "Target": {"Id": instance.instance_id, "Port": self.fleet.values.port},
                "TargetHealth": {
                    "State": _TARGET.get(instance.state, "healthy" if instance.slot in healthy else "unhealthy")
                },
            }
            for instance in there
        ]
        return xml({"TargetHealthDescriptions": listed}), LOAD_BALANCING

    async def _deregister(self, parameters: dict[str, str]) -> Answer:
        leaving = {value for name, value in parameters.items() if re.fullmatch(r"Targets\.member\.\d+\.Id", name)}
        for instance in self.fleet.in_service:
            if instance.instance_id in leaving:
                instance.enter("deregistered")
                self._run(self.fleet.deregister_late(instance, PROPAGATION_SECONDS * self.fleet.values.scale))
        return "", LOAD_BALANCING

    async def _refresh(self, entry: Activity) -> None:
        """Let the model replace the instances, and record how that ended."""
        entry.status = "InProgress"
        try:
            await refresh(self.fleet, self._image(), self._stopper(entry), template=entry.template)
        except RefreshFailed as failure:
            entry.status = "Cancelled" if entry.status == "Cancelling" else "Failed"
            entry.reason = str(failure)
        else:
            entry.status = "Successful"
        entry.ended = datetime.now(UTC)

    def _stopper(self, entry: Activity) -> Callable[[], str | None]:
        """Return a function that returns why a refresh must stop, or None."""

        def reason() -> str | None:
            if entry.status == "Cancelling":
                return "Cancelled due to user request."
            return self.alarm.reason() if entry.alarms and self.alarm else None

        return reason

    async def _wait_in_service(self, instance: Instance) -> None:
        await self.fleet.wait_in_service(instance)

    async def _read_template(self) -> str:
        """Read the group's launch template from the emulator; return the version as the group names it."""
        return await asyncio.to_thread(self._template)

    def _template(self) -> str:
        group = self._account.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"][0]
        named = group["LaunchTemplate"]
        ec2 = self._account.client("ec2")
        (version,) = ec2.describe_launch_template_versions(
            LaunchTemplateId=named["LaunchTemplateId"], Versions=[named["Version"]]
        )["LaunchTemplateVersions"]
        told = base64.b64decode(version["LaunchTemplateData"]["UserData"]).decode()
        self._kept |= {"ImageId": version["LaunchTemplateData"]["ImageId"], **named}
        self._version = str(version["VersionNumber"])
        self._stage.user_data = told + lines(self._stage.settings)
        return str(named["Version"])

    def _image(self) -> str:
        return self._names[self._kept["ImageId"]]

    def _under_way(self) -> Activity | None:
        return next((entry for entry in self.refreshes if entry.status in _ACTIVE), None)

    def _tell(self, entry: Activity) -> dict[str, Any]:
        left = sum(instance.template != entry.template for instance in self.fleet.in_service)
        left = min(left, entry.total)
        return {
            "InstanceRefreshId": entry.activity_id,
            "AutoScalingGroupName": entry.group,
            "Status": entry.status,
            "StatusReason": entry.reason or None,
            "StartTime": entry.started.isoformat(),
            "EndTime": entry.ended.isoformat() if entry.ended else None,
            "PercentageComplete": 100 * (entry.total - left) // entry.total if entry.total else 100,
            "InstancesToUpdate": left,
        }

    def _instances(self) -> list[dict[str, Any]]:
        return [
            {
                "InstanceId": instance.instance_id,
                "InstanceType": "c7g.medium",
                "AvailabilityZone": f"eu-central-1{instance.zone}",
                "LifecycleState": _LIFECYCLE[instance.state],
                "HealthStatus": "Healthy",
                "LaunchTemplate": {
                    "LaunchTemplateId": self._kept.get("LaunchTemplateId"),
                    "LaunchTemplateName": self._kept.get("LaunchTemplateName"),
                    "Version": instance.template,
                },
                "ProtectedFromScaleIn": False,
            }
            for instance in self.fleet.instances
            if instance.state != "gone"
        ]

    def _set_alarm(self, state: str, reason: str) -> None:
        cloudwatch = self._account.client("cloudwatch")
        (found,) = (
            alarm["AlarmName"]
            for alarm in cloudwatch.describe_alarms()["MetricAlarms"]
            if alarm["AlarmName"].endswith(ALARM)
        )
        cloudwatch.set_alarm_state(AlarmName=found, StateValue=state, StateReason=reason)

    def _run(self, work: Any) -> None:  # noqa: ANN401 - a coroutine of any kind
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
