"""The values that zero downtime depends on, read from Terraform's plan of prod and from the service, not repeated here.

A time scale shortens every wait by the same factor, so that their order and proportions are kept.
"""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from service.config import Config
from tests.support.emulator import account
from tests.support.stack import ENVIRONMENTS, plan_only
from tests.support.terraform import ROOT

PLAN = ROOT / "build" / "rehearsal" / "plan.json"
ENVIRONMENT = "prod"
REAL_TIME_MINUTES = 45
"""From this many minutes on, no wait is shortened."""
_TIMES = (
    "interval",
    "timeout",
    "idle",
    "deregistration",
    "warmup",
    "grace",
    "checkpoint_delay",
    "alarm_period",
    "drain",
    "shutdown",
)


@dataclass(frozen=True)
class Values:
    """Counts, percentages, and times in seconds."""

    # load balancer
    path: str
    port: int
    interval: float
    timeout: float
    healthy: int
    unhealthy: int
    idle: float
    deregistration: float

    # group and refresh
    desired: int
    maximum: int
    min_healthy: int
    max_healthy: int
    skip_matching: bool
    warmup: float
    grace: float
    checkpoints: tuple[int, ...]
    checkpoint_delay: float

    # the alarm that stops a refresh
    alarm_percent: float
    alarm_bad: int
    alarm_of: int
    alarm_period: float

    # service
    drain: float
    shutdown: float
    budget: float
    """The time limit of a request's storage work; never scaled, since it is not a deliberate wait."""

    scale: float = 1.0
    """The factor by which every time has been multiplied."""

    def scaled(self, scale: float) -> "Values":
        """Return these values with every time multiplied by `scale`."""
        times: dict[str, Any] = {name: round(getattr(self, name) * scale, 1) for name in _TIMES}
        return replace(self, scale=self.scale * scale, **times)

    @property
    def least(self) -> int:
        """How many instances must stay in service during a refresh."""
        return self.desired * self.min_healthy // 100

    @property
    def most(self) -> int:
        """How many instances a refresh may have at a time."""
        return self.desired * self.max_healthy // 100


def read() -> Values:
    """Read the values, from a new plan if Terraform's code is newer than the last one."""
    sources = [path.stat().st_mtime for path in (ROOT / "terraform").rglob("*") if path.suffix in {".tf", ".tfvars"}]
    if not PLAN.exists() or PLAN.stat().st_mtime < max(sources):
        PLAN.write_text(json.dumps(_plan(PLAN.parent / "terraform")), encoding="utf-8")
    planned: dict[str, Any] = json.loads(PLAN.read_text(encoding="utf-8"))
    resources = [change for change in planned["resource_changes"] if change["mode"] == "managed"]

    def only(kind: str, index: str | None = None) -> dict[str, Any]:
        (found,) = (r["change"]["after"] for r in resources if r["type"] == kind and index in {None, r.get("index")})
        return dict(found)

    targets, group = only("aws_lb_target_group"), only("aws_autoscaling_group")
    check, refresh = targets["health_check"][0], group["instance_refresh"][0]["preferences"][0]
    alarm, service = only("aws_cloudwatch_metric_alarm", "target-5xx"), Config.from_environ({})
    metric = next(query["metric"][0] for query in alarm["metric_query"] if query["metric"])
    return Values(
        path=check["path"],
        port=int(targets["port"]),
        interval=check["interval"],
        timeout=check["timeout"],
        healthy=check["healthy_threshold"],
        unhealthy=check["unhealthy_threshold"],
        idle=only("aws_lb")["idle_timeout"],
        deregistration=int(targets["deregistration_delay"]),
        desired=group["desired_capacity"],
        maximum=group["max_size"],
        min_healthy=refresh["min_healthy_percentage"],
        max_healthy=refresh["max_healthy_percentage"],
        skip_matching=refresh["skip_matching"],
        warmup=group["default_instance_warmup"],
        grace=group["health_check_grace_period"],
        checkpoints=tuple(refresh["checkpoint_percentages"]),
        checkpoint_delay=int(refresh["checkpoint_delay"]),
        alarm_percent=alarm["threshold"],
        alarm_bad=alarm["datapoints_to_alarm"],
        alarm_of=alarm["evaluation_periods"],
        alarm_period=metric["period"],
        drain=service.drain_seconds,
        shutdown=service.shutdown_seconds,
        budget=service.storage_seconds,
    )


def _plan(folder: Path) -> dict[str, Any]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with account(ENVIRONMENTS[ENVIRONMENT], folder) as emulated:
        return plan_only(ENVIRONMENT, emulated, folder)
