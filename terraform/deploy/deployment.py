"""The steps of a deployment: apply, wait, verify; if one fails, the same steps with the last release."""

import logging
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from terraform.deploy.aws import Waiter
from terraform.deploy.exit_status import Failed, Refused, Status, Stuck
from terraform.deploy.group import Group, Refresh, outdated
from terraform.deploy.limits import Limits
from terraform.deploy.plan import Plan
from terraform.deploy.releases import Release, Releases
from terraform.deploy.state import Terraform
from terraform.deploy.targets import deregister
from terraform.deploy.verify import Environment

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Deployment:
    """One run of the command in one environment; `waiter` checks the lease, and `report` records what happened."""

    terraform: Terraform
    session: boto3.Session
    releases: Releases
    limits: Limits
    waiter: Waiter
    report: dict[str, Any]

    def refuse_if_in_vain(self) -> None:
        """Raise Refused if an alarm that would stop the refresh is firing, and Failed if nothing could be verified."""
        environment = self._environment()
        if environment is None:
            return
        self.waiter.until(time.monotonic() + 60 * self.limits.blocked_minutes, environment.lets_through)
        if not self.limits.ignore_alarms and (names := environment.ringing()):
            raise Refused(
                f"{', '.join(names)} is firing already; see its page in docs/runbooks. "
                "If this deployment is the fix, run it again with --ignore-alarms."
            )

    def run(self, plan: Plan) -> Status:
        """Apply `plan`, wait and verify; if that fails, roll back to the last release, or raise Stuck.

        Raise any other exception only if nothing was changed.
        """
        self.report.update(image=plan.image, changes=plan.summary)
        known = self.releases.all()
        try:
            self._release(plan)
        except (Failed, BotoCoreError, ClientError) as failure:
            log.error("FAILED: %s", failure)  # noqa: TRY400 - the message is for people, the trace is not
            self.report["failure"] = str(failure)
            self.waiter.check()
            self._roll_back(plan.image, _last(known, plan.image))
            return Status.FAILED
        log.info("done: %s serves everywhere", plan.image)
        return Status.DONE

    def _release(self, plan: Plan) -> None:
        """Roll a new image out to every instance, verify it, and record it as a release."""
        limits, alarms = self.limits, not self.limits.ignore_alarms
        environment = self._roll_out(plan, limits.turn, alarms=alarms)
        release = self._verify(environment, plan.image, limits.turn)
        if alarms:
            log.info("watching the alarms for %g minutes", limits.watch_minutes)
            end = time.monotonic() + 60 * limits.watch_minutes
            self.waiter.until(limits.turn, lambda: environment.quiet_until(end))
        self.releases.add(release)

    def _roll_back(self, failed: str, image: str) -> None:
        """Restore the last release; raise Stuck if that cannot be done."""
        log.info("rolling back to %s", image)
        self.report["previous"] = image
        try:
            environment = self._roll_out(self.terraform.plan(image), self.limits.end, alarms=False, bad=failed)
            self._verify(environment, image, self.limits.end)
            self.waiter.until(self.limits.end, environment.quiet_again)
        except (Failed, Refused, BotoCoreError, ClientError) as failure:
            raise Stuck(f"Rolling back to {image} failed, too: {failure} See docs/runbooks/roll-back.md.") from failure
        log.info("%s was not deployed, %s serves everywhere again. See docs/runbooks/refresh-failed.md", failed, image)

    def _roll_out(self, plan: Plan, deadline: float, *, alarms: bool, bad: str | None = None) -> Environment:
        """Apply a plan and replace every instance, deregistering a `bad` image's first; `alarms` lets one stop it."""
        self.waiter.check()
        before = self._last_refresh()
        log.info("applying for %s: %s", plan.image, plan.summary)
        try:
            self.terraform.apply(plan, deadline)
        except Failed:
            # The last thing an apply does is to start the refresh, which AWS refuses while an alarm is firing.
            if alarms or self.terraform.plan(plan.image).changes:
                raise
        environment = self._environment()
        if environment is None:
            raise Failed("terraform apply produced no outputs.")
        if bad:
            deregister(environment, bad)
        self._replace_instances(environment.group, before, deadline, alarms=alarms)
        return environment

    def _replace_instances(self, group: Group, before: Refresh | None, deadline: float, *, alarms: bool) -> None:
        """Wait for the refresh that the apply started; start one if there is none, or if an alarm stopped it."""
        deadline = min(deadline, time.monotonic() + 60 * self.limits.refresh_minutes)
        latest = group.wait(deadline)
        if alarms and latest is not None and latest != before and not latest.successful:
            raise Failed(f"{latest}.")
        if outdated(group.describe()):
            while not group.start(alarms=alarms):
                group.wait(deadline)
            latest = group.wait(deadline)
            if latest is None or not latest.successful:
                raise Failed(f"{latest}.")

    def _verify(self, environment: Environment, image: str, deadline: float) -> Release:
        """Check every instance, send requests through the load balancer, and return the release that serves there."""
        log.info("checking that all instances, and %s, serve %s", environment.url, image)
        deadline = min(deadline, time.monotonic() + 60 * self.limits.settle_minutes)
        told = self.waiter.until(deadline, lambda: environment.serves(image))
        log.info("version %s serves everywhere; running the smoke tests", told["version"])
        environment.smoke()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        release = Release(image, told["version"], told["commit"], now)
        self.report["serves"] = asdict(release)
        return release

    def _environment(self) -> Environment | None:
        """Return the environment that the last apply left, or None before the first."""
        outputs = self.terraform.outputs()
        if not outputs.get("group_name"):
            return None
        client = self.session.client("autoscaling")
        group = Group(client, outputs["group_name"], outputs["refresh_preferences"], self.waiter)
        return Environment(outputs, group, (self.limits.base_url or outputs["url"]).rstrip("/"), self.session)

    def _last_refresh(self) -> Refresh | None:
        """Return the latest refresh if it has ended: any later one is ours, and so is one in progress."""
        environment = self._environment()
        latest = environment.group.refresh() if environment else None
        return latest if latest and not latest.active else None


def _last(known: list[Release], failed: str) -> str:
    """Return the image to roll back to, given the releases `known` before; raise Stuck if there is none."""
    if not known:
        raise Stuck("Nothing was released here before, so there is no release to roll back to.")
    if known[-1].image == failed:
        raise Stuck(
            f"{failed} is the last release itself: only Terraform's code or values have changed. "
            "Check out the previous commit and deploy that."
        )
    return known[-1].image
