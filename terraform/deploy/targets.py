"""The target group: while going back, bad instances get no more requests, long before they are replaced."""

import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from terraform.deploy.group import members, version
from terraform.deploy.verify import Environment

log = logging.getLogger(__name__)


def deregister(environment: Environment, image: str) -> list[str]:
    """Deregister the instances of `image`, if the others can carry the load; return those.

    The group must know a good image by then: it may replace what the load balancer does not know. The fleet is sized
    to do without one zone of three, so two thirds of it are enough. If AWS refuses, the way back goes on without it.
    """
    try:
        return _deregister(environment, image)
    except (BotoCoreError, ClientError) as error:
        log.warning("bad instances stay at the load balancer until they are replaced: %s", error)
        return []


def _deregister(environment: Environment, image: str) -> list[str]:
    group = environment.group.describe()
    versions = _versions(environment, group)
    bad = [member["InstanceId"] for member in members(group) if version(member) in versions.get(image, set())]
    others = environment.healthy() - set(bad)
    if not bad or 3 * len(others) < 2 * group["DesiredCapacity"]:
        return []
    log.info("deregistering %s from the load balancer; %d others serve", ", ".join(bad), len(others))
    environment.session.client("elbv2").deregister_targets(
        TargetGroupArn=environment.outputs["target_group_arn"], Targets=[{"Id": name} for name in bad]
    )
    return bad


def _versions(environment: Environment, group: dict[str, Any]) -> dict[str, set[str]]:
    """Return the versions of the launch template that instances run, by image."""
    numbers = sorted({number for member in members(group) if (number := version(member))})
    found = environment.session.client("ec2").describe_launch_template_versions(
        LaunchTemplateId=group["LaunchTemplate"]["LaunchTemplateId"], Versions=numbers
    )
    images: dict[str, set[str]] = {}
    for told in found["LaunchTemplateVersions"]:
        images.setdefault(told["LaunchTemplateData"]["ImageId"], set()).add(str(told["VersionNumber"]))
    return images
