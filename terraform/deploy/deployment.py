"""The order of things: apply, wait, verify; and where that fails, the same with the release before."""

import logging
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from terraform.deploy.exit_status import Failed, Refused, Status, Stuck
from terraform.deploy.group import Group
from terraform.deploy.limits import Limits
from terraform.deploy.lock import Lease
from terraform.deploy.releases import Release, Releases
from terraform.deploy.state import Plan, Terraform
from terraform.deploy.targets import deregister
from terraform.deploy.verify import Environment

log = logging.getLogger(__name__)


class Deployment:
    """One run of the command."""

    def __init__(self, terraform: Terraform, session: boto3.Session, releases: Releases, limits: Limits) -> None:
        """Work with the state and the releases of one environment."""
        self._terraform, self._session, self._releases, self._limits = terraform, session, releases, limits
        self.report: dict[str, Any] = {}

    def refuse_if_in_vain(self) -> None:
        """Raise Refused while an alarm rings, which would stop the refresh, or where nothing could be verified."""
        environment = self._environment()
        if environment is None:
            return
        environment.refuse_if_blocked()
        if not self._limits.ignore_alarms and (names := environment.ringing()):
            raise Refused(
                f"{', '.join(names)} rings already; see its page in docs/runbooks. "
                "If this deployment is the cure, run it again with --ignore-alarms."
            )

    def run(self, plan: Plan, lease: Lease) -> Status:
        """Apply `plan` and see it through; if that fails, go back to the last release, or raise Stuck."""
        self.report |= {"image": plan.image, "changes": plan.summary}
        try:
            self._release(plan, lease)
        except (Failed, BotoCoreError, ClientError) as failure:
            log.error("FAILED: %s", failure)  # noqa: TRY400 - the message is for people, the trace is not
            self.report["failure"] = str(failure)
            lease.check()
            self._roll_back(plan.image, lease)
            return Status.FAILED
        log.info("done: %s serves everywhere", plan.image)
        return Status.DONE

    def _release(self, plan: Plan, lease: Lease) -> None:
        """Bring a new image to every instance, verify it, and note it as a release."""
        alarms = not self._limits.ignore_alarms
        environment = self._roll_out(plan, lease, self._limits.turn, alarms=alarms)
        release = self._verify(environment, plan.image, lease, self._limits.turn)
        if alarms:
            log.info("watching the alarms for %g minutes", self._limits.watch_minutes)
            environment.stay_quiet(self._limits.watch_minutes, lease.check, self._limits.turn)
        self._releases.add(release)

    def _roll_back(self, failed: str, lease: Lease) -> None:
        """Bring the last release back; raise Stuck if that cannot be done."""
        image, end = self._last_release(failed), self._limits.end
        log.info("going back to %s", image)
        self.report["previous"] = image
        try:
            environment = self._roll_out(self._terraform.plan(image), lease, end, alarms=False, bad=failed)
            self._verify(environment, image, lease, end)
            environment.become_quiet(end, lease.check)
        except (Failed, Refused, BotoCoreError, ClientError) as failure:
            raise Stuck(f"Going back to {image} failed, too: {failure} See docs/runbooks/roll-back.md.") from failure
        log.info("%s was not deployed, %s serves everywhere again. See docs/runbooks/refresh-failed.md", failed, image)

    def _roll_out(
        self, plan: Plan, lease: Lease, deadline: float, *, alarms: bool, bad: str | None = None
    ) -> Environment:
        """Apply a plan and replace every instance, those of a `bad` image first; without `alarms` none stops that."""
        lease.check()
        before = self._last_refresh()
        log.info("applying for %s: %s", plan.image, plan.summary)
        try:
            self._terraform.apply(plan, deadline)
        except Failed:
            # The last thing an apply does is to start the refresh, which is refused while alarms ring.
            if alarms or self._terraform.plan(plan.image).changes:
                raise
        environment = self._environment()
        if environment is None:
            raise Failed("terraform apply left no outputs.")
        if bad:
            deregister(environment, bad)
        self._replace_instances(environment.group, before, deadline, lease, alarms=alarms)
        return environment

    def _replace_instances(
        self, group: Group, before: str | None, deadline: float, lease: Lease, *, alarms: bool
    ) -> None:
        """Wait for the refresh that the apply started; start one where there is none, or where an alarm stopped it."""
        deadline = min(deadline, time.monotonic() + 60 * self._limits.refresh_minutes)
        latest = group.wait(deadline, lease.check)
        if alarms and latest is not None and latest.refresh_id != before and not latest.successful:
            raise Failed(f"{latest}.")
        if not group.outdated():
            return
        while not group.start(alarms=alarms):
            group.wait(deadline, lease.check)
        latest = group.wait(deadline, lease.check)
        if latest is None or not latest.successful:
            raise Failed(f"{latest}.")

    def _verify(self, environment: Environment, image: str, lease: Lease, deadline: float) -> Release:
        """Look at every instance, ask through the load balancer, and return what serves there."""
        log.info("asking every instance, and %s, for %s", environment.url, image)
        told = environment.serves(image, lease.check, deadline)
        log.info("version %s answers everywhere; smoke tests", told["version"])
        environment.smoke()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        release = Release(image, told["version"], told["commit"], now)
        self.report["serves"] = asdict(release)
        return release

    def _last_release(self, failed: str) -> str:
        known = self._releases.all()
        if not known:
            raise Stuck("Nothing was released here before, so there is nothing to go back to.")
        if known[-1].image == failed:
            raise Stuck(
                f"{failed} is the last release itself: what is new is Terraform's code or values. "
                "Check out the commit before, and deploy that."
            )
        return known[-1].image

    def _environment(self) -> Environment | None:
        """Return what the last apply left, if there was any."""
        outputs, limits = self._terraform.outputs(), self._limits
        if not outputs.get("group_name"):
            return None
        client, preferences = self._session.client("autoscaling"), outputs["refresh_preferences"]
        group = Group(client, outputs["group_name"], preferences, limits.poll_seconds)
        url = (limits.base_url or outputs["url"]).rstrip("/")
        return Environment(outputs, group, url, self._session, limits.settle_minutes)

    def _last_refresh(self) -> str | None:
        """Return the latest refresh that has ended: the next one is ours, and so is one under way."""
        environment = self._environment()
        latest = environment.group.refresh() if environment else None
        return latest.refresh_id if latest and not latest.active else None
