"""The target group: in a rollback, bad instances stop getting requests long before they are replaced."""

import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from terraform.deploy.group import versions
from terraform.deploy.verify import Environment

log = logging.getLogger(__name__)


def deregister(environment: Environment, image: str) -> list[str]:
    """Deregister the instances of `image` if the others can carry the load; return those deregistered.

    The group must have a good image by then, since it may replace instances that are not registered. The fleet is sized
    to do without one zone of three, so two thirds of it are enough. If AWS refuses, the rollback goes on without it.
    """
    try:
        group = environment.group.describe()
        bad = _running(environment, group, image)
        others = environment.healthy() - set(bad)
        if not bad or 3 * len(others) < 2 * group["DesiredCapacity"]:
            return []
        log.info("deregistering %s from the load balancer; %d other instances serve", ", ".join(bad), len(others))
        environment.session.client("elbv2").deregister_targets(
            TargetGroupArn=environment.outputs["target_group_arn"], Targets=[{"Id": name} for name in bad]
        )
    except (BotoCoreError, ClientError) as error:
        log.warning("faulty instances stay registered at the load balancer until they are replaced: %s", error)
        return []
    return bad


def _running(environment: Environment, group: dict[str, Any], image: str) -> list[str]:
    """Return the instances whose version of the launch template has `image`."""
    members = versions(group)
    found = environment.session.client("ec2").describe_launch_template_versions(
        LaunchTemplateId=group["LaunchTemplate"]["LaunchTemplateId"],
        Versions=sorted({version for version in members.values() if version}),
    )
    having = [told for told in found["LaunchTemplateVersions"] if told["LaunchTemplateData"]["ImageId"] == image]
    return [name for name, version in members.items() if version in {str(told["VersionNumber"]) for told in having}]
