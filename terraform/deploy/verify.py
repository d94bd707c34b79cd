"""Verifies a deployment: asks AWS, and sends requests through the load balancer, as clients do."""

import base64
import json
import logging
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

import boto3

from terraform.deploy.aws import NotYet
from terraform.deploy.exit_status import Failed
from terraform.deploy.group import Group, members, outdated
from terraform.deploy.state import ROOT

log = logging.getLogger(__name__)

_QUESTIONS = 10  # requests for each instance, each on its own connection
_ANSWER_SECONDS = 5.0


class Blocked(NotYet):
    """Something in front of the service refuses this machine, which says nothing about the service."""


@dataclass(frozen=True)
class Environment:
    """What is verified: Terraform's outputs, the group, and where to reach the load balancer."""

    outputs: dict[str, Any]
    group: Group
    url: str
    session: boto3.Session

    def serves(self, image: str) -> dict[str, str]:
        """Return what /version says; raise NotYet unless all instances are healthy and run `image`."""
        answers = [self._ask() for _ in range(_QUESTIONS * max(self._instances(), 1))]
        if wrong := {answer["image"] for answer in answers} - {image}:
            raise NotYet(f"{self.url}/version is answered by {', '.join(sorted(wrong))}, not only by {image}.")
        return answers[0]

    def smoke(self) -> None:
        """Run tests/smoke through the load balancer; raise Failed if one fails."""
        command = [sys.executable, "-m", "pytest", "-q", "tests/smoke", f"--base-url={self.url}"]
        token = fetch_token(self.session, self.outputs.get("authentication"))
        environ = os.environ | ({"HELLO_SMOKE_TOKEN": token} if token else {})
        done = subprocess.run(command, cwd=ROOT.parent, env=environ, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"the smoke tests failed:\n{done.stdout}{done.stderr}".rstrip())
        for line in done.stdout.splitlines()[-2:]:
            log.info("  %s", line)

    def lets_through(self) -> None:
        """Raise Blocked if this machine could not verify anything; the deployment may repair an unhealthy service."""
        try:
            self._ask()
        except Blocked:
            raise
        except NotYet:
            return

    def ringing(self) -> list[str]:
        """Return which of the alarms that stop a refresh are firing."""
        names = self.outputs["refresh_preferences"]["AlarmSpecification"]["Alarms"]
        found = self.session.client("cloudwatch").describe_alarms(AlarmNames=names)
        return [alarm["AlarmName"] for alarm in found["MetricAlarms"] if alarm["StateValue"] == "ALARM"]

    def quiet_until(self, end: float) -> None:
        """Raise Failed if one of those alarms is firing, and NotYet before `end`, in seconds of the monotonic clock."""
        if names := self.ringing():
            raise Failed(f"{', '.join(names)} is firing.")
        if time.monotonic() < end:
            raise NotYet("the alarms have not been watched for long enough.")

    def quiet_again(self) -> None:
        """Raise NotYet while one of those alarms is firing."""
        if names := self.ringing():
            raise NotYet(f"{', '.join(names)} is still firing.")

    def _instances(self) -> int:
        """Return the number of instances; raise NotYet unless all are up to date, healthy and registered."""
        group = self.group.describe()
        found = members(group)
        well = ("InService", "Healthy")
        unwell = [each["InstanceId"] for each in found if (each["LifecycleState"], each["HealthStatus"]) != well]
        old = outdated(group)
        here, healthy = {member["InstanceId"] for member in found}, self.healthy()
        if old or unwell or healthy != here or len(found) < group["DesiredCapacity"]:
            raise NotYet(
                f"there are {len(found)} of {group['DesiredCapacity']} instances; "
                f"of an old version: {old}, unhealthy: {unwell}, "
                f"not healthy at the load balancer: {sorted(here - healthy)}, still there: {sorted(healthy - here)}."
            )
        return len(found)

    def healthy(self) -> set[str]:
        """Return the instances that get requests."""
        asked = self.session.client("elbv2").describe_target_health(TargetGroupArn=self.outputs["target_group_arn"])
        targets = asked["TargetHealthDescriptions"]
        return {target["Target"]["Id"] for target in targets if target["TargetHealth"]["State"] == "healthy"}

    def _ask(self) -> dict[str, str]:
        try:
            with urllib.request.urlopen(f"{self.url}/version", timeout=_ANSWER_SECONDS) as answer:
                told: Any = json.load(answer)
        except urllib.error.HTTPError as error:
            answered = f"{self.url}/version is answered {error.code}"
            if error.code == HTTPStatus.FORBIDDEN and "X-Request-Id" not in error.headers:
                who = error.headers.get("Server", "somebody")
                answered += f" by {who} in front of the service. Deploy from a machine that its firewall lets through"
                raise Blocked(f"{answered}.") from error
            raise NotYet(f"{answered}.") from error
        except (HTTPException, OSError, ValueError) as error:
            raise NotYet(f"{self.url}/version does not answer: {error}") from error
        if not isinstance(told, dict) or "image" not in told:
            raise NotYet(f"{self.url}/version answers {told}, without an image.")
        return told


def fetch_token(session: boto3.Session, authentication: dict[str, str] | None) -> str | None:
    """Return a token of the machine client, or None where authentication is off; raise Failed if none is returned."""
    if authentication is None:
        return None
    pool, client_id = authentication["issuer"].rpartition("/")[2], authentication["client_id"]
    told = session.client("cognito-idp").describe_user_pool_client(UserPoolId=pool, ClientId=client_id)
    secret = told["UserPoolClient"]["ClientSecret"]
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    body = urllib.parse.urlencode({"grant_type": "client_credentials"}).encode()
    request = urllib.request.Request(authentication["token_endpoint"], body, {"Authorization": f"Basic {basic}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(json.load(answer)["access_token"])
    except (HTTPException, OSError, ValueError, KeyError) as error:
        raise Failed(f"{authentication['token_endpoint']} returned no token: {error!r}") from error
