"""A fake AWS and a fake Terraform: an environment for deployments that take no time."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from terraform.deploy.exit_status import Failed, Refused
from terraform.deploy.plan import Plan
from tests.support.serving import serving

PREFERENCES = {
    "AlarmSpecification": {"Alarms": ["target-5xx"]},
    "CheckpointDelay": 360,
    "CheckpointPercentages": [1, 100],
    "MaxHealthyPercentage": 150,
    "MinHealthyPercentage": 100,
    "ScaleInProtectedInstances": "Refresh",
    "SkipMatching": True,
    "StandbyInstances": "Terminate",
}


class NoActiveRefresh(Exception):
    """AWS's ActiveInstanceRefreshNotFoundFault."""


class Cloud:
    """An account with one group; acts as Terraform, boto3's session and each of its clients."""

    class exceptions:  # noqa: N801 - as boto3's clients have it
        """The exceptions that clients raise."""

        ActiveInstanceRefreshNotFoundFault = NoActiveRefresh

    def __init__(self) -> None:
        """Start before the first apply."""
        self.images: dict[str, str] = {}
        self.version = ""
        self.instances: list[dict[str, Any]] = []
        self.refreshes: list[dict[str, Any]] = []
        self.ends: list[str] = []
        """How the next refreshes end; Successful once this is empty."""
        self.steps = 2
        self.alarms: set[str] = set()
        self.rings_with: str | None = None
        self.calls: list[str] = []
        self.apply_fails = 0
        self.stale = False
        self.dying = 0
        """How many instances of a new version terminate, one at each poll, before one survives."""
        self.trouble: list[ClientError] = []
        """The errors that AWS returns to the next polls of the refresh."""
        self.unexpected = 0
        """How many refreshes another client starts at the moment that the command starts one."""
        self.url = ""
        self.blocked = 0
        """How many of the next requests the firewall answers."""

    # Terraform

    def plan(self, image: str) -> Plan:
        """Plan for an image."""
        same = self.images.get(self.version) == image
        change = {"address": "aws_launch_template.this", "change": {"actions": ["no-op" if same else "update"]}}
        return Plan(Path(image), "dev", image, {"resource_changes": [change]})

    def apply(self, plan: Plan, _deadline: float = math.inf) -> None:
        """Create a version of the launch template, and start a refresh if there are instances."""
        self.calls.append(f"apply {plan.image}")
        if self.stale:
            raise Refused("The state has changed since this plan was made.")
        if self.apply_fails:
            self.apply_fails -= 1
            raise Failed("terraform apply failed.")
        if not plan.changes:
            return
        self.version = str(len(self.images) + 1)
        self.images[self.version] = plan.image
        if self.instances:
            self._begin(alarms=True)
        else:
            self.instances = [self._instance(f"i-{number}") for number in range(3)]

    def outputs(self) -> dict[str, Any]:
        """Return the outputs of the last apply."""
        if not self.images:
            return {}
        return {
            "url": self.url,
            "group_name": "group",
            "target_group_arn": "targets",
            "refresh_preferences": PREFERENCES,
            "authentication": None,
        }

    # AWS

    def client(self, _service: str) -> "Cloud":
        """Return itself as the client of any service."""
        return self

    def describe_auto_scaling_groups(self, **_asked: object) -> Any:  # noqa: ANN401 - as AWS answers
        """Describe the group, with the next instance that will terminate."""
        if self.dying and self.refreshes and self.refreshes[-1]["Status"] == "InProgress":
            self.dying -= 1
            dying = [self._instance(f"i-dying-{self.dying}")]
        else:
            dying = []
        template = {"LaunchTemplateId": "lt-1", "Version": self.version}
        return {
            "AutoScalingGroups": [
                {"DesiredCapacity": 3, "LaunchTemplate": template, "Instances": self.instances + dying}
            ]
        }

    def describe_instance_refreshes(self, **_asked: object) -> Any:  # noqa: ANN401 - as AWS answers
        """Describe the latest refresh, which is one step further each time."""
        if self.trouble:
            raise self.trouble.pop(0)
        if not self.refreshes:
            return {"InstanceRefreshes": []}
        latest = self.refreshes[-1]
        if latest["Status"] == "InProgress":
            latest["left"] -= 1
            if latest["left"] < 0:
                self._end(latest)
        return {"InstanceRefreshes": [latest]}

    def start_instance_refresh(self, **asked: Any) -> None:  # noqa: ANN401 - as AWS is asked
        """Start a refresh that the command asks for."""
        if self.unexpected:
            self.unexpected -= 1
            self._begin(alarms=True)
            raise ClientError({"Error": {"Code": "InstanceRefreshInProgress", "Message": ""}}, "StartInstanceRefresh")
        self.calls.append("start with alarms" if "AlarmSpecification" in asked["Preferences"] else "start")
        self._begin(alarms="AlarmSpecification" in asked["Preferences"])

    def cancel_instance_refresh(self, **_asked: object) -> None:
        """Cancel the refresh in progress."""
        if not self.refreshes or self.refreshes[-1]["Status"] != "InProgress":
            raise NoActiveRefresh
        self.calls.append("cancel")
        self.refreshes[-1]["Status"] = "Cancelled"

    def describe_target_health(self, **_asked: object) -> Any:  # noqa: ANN401 - as AWS answers
        """Describe all targets as healthy."""
        return {
            "TargetHealthDescriptions": [
                {"Target": {"Id": instance["InstanceId"]}, "TargetHealth": {"State": "healthy"}}
                for instance in self.instances
            ]
        }

    def describe_launch_template_versions(self, **_asked: object) -> Any:  # noqa: ANN401 - as AWS answers
        """Describe which version has which image."""
        return {
            "LaunchTemplateVersions": [
                {"VersionNumber": int(version), "LaunchTemplateData": {"ImageId": image}}
                for version, image in self.images.items()
            ]
        }

    def deregister_targets(self, **asked: Any) -> None:  # noqa: ANN401 - as AWS is asked
        """Record which targets are deregistered."""
        self.calls.append(f"deregister {', '.join(target['Id'] for target in asked['Targets'])}")

    def describe_alarms(self, **_asked: object) -> Any:  # noqa: ANN401 - as AWS answers
        """Describe the alarms that fire."""
        return {"MetricAlarms": [{"AlarmName": name, "StateValue": "ALARM"} for name in sorted(self.alarms)]}

    def _begin(self, *, alarms: bool) -> None:
        number = len(self.refreshes) + 1
        end = self.ends.pop(0) if self.ends else "Successful"
        if alarms and self.alarms:
            end = "Failed"
        self.refreshes.append(
            {
                "InstanceRefreshId": f"r-{number}",
                "Status": "InProgress",
                "PercentageComplete": 0,
                "InstancesToUpdate": 3,
                "left": self.steps,
                "end": end,
            }
        )

    def _end(self, latest: dict[str, Any]) -> None:
        latest["Status"] = latest["end"]
        replaced = self.instances if latest["end"] == "Successful" else self.instances[:1]
        for instance in replaced:
            instance["LaunchTemplate"] = {"Version": self.version}
        if latest["end"] == "Successful":
            self.alarms = {"target-5xx"} if self.images[self.version] == self.rings_with else set()

    def _instance(self, name: str) -> dict[str, Any]:
        template = {"Version": self.version}
        return {
            "InstanceId": name,
            "LifecycleState": "InService",
            "HealthStatus": "Healthy",
            "LaunchTemplate": template,
        }


@contextmanager
def answering(bodies: Callable[[], Sequence[bytes]], blocked: Callable[[], bool] = lambda: False) -> Iterator[str]:
    """Answer GET /version with the results of `bodies` in turn, or like a firewall if `blocked`, and yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        asked = 0

        def do_GET(self) -> None:
            """Send the next answer."""
            if blocked():
                self.send_error(403)
                return
            given = bodies()
            body = given[Handler.asked % len(given)] if self.path == "/version" else b""
            Handler.asked += 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def version_string(self) -> str:
            """Return the server name of AWS's load balancer."""
            return "awselb/2.0"

        def log_message(self, *_told: object) -> None:
            """Log nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield f"http://{address}"


@contextmanager
def served(cloud: Cloud) -> Iterator[Cloud]:
    """Answer /version as the instances would, in turn."""

    def bodies() -> list[bytes]:
        return [version(cloud.images[instance["LaunchTemplate"]["Version"]]) for instance in cloud.instances]

    def blocked() -> bool:
        cloud.blocked -= 1
        return cloud.blocked >= 0

    with answering(bodies, blocked) as cloud.url:
        yield cloud


def version(image: str) -> bytes:
    """Return the answer of /version for `image`."""
    return json.dumps({"image": image, "version": "1.2.3", "commit": "abc"}).encode()
