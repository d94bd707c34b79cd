"""The checks and their order: nothing is asked of AWS before it is clear which account that would be."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from dns.resolver import Resolver

from terraform.preflight import account, identity, places, tools
from terraform.preflight.finding import Finding, State, missing, note
from terraform.preflight.values import Values

Check = Callable[[boto3.Session, Values], Iterator[Finding]]


def whole(session: boto3.Session, values: Values, dns: Resolver | None) -> Iterator[Finding]:
    """Check everything that a first deployment needs."""
    yield from tools.check((*tools.TO_DEPLOY, *tools.TO_OPERATE, *(tools.TO_BAKE if values.bakes else ())))
    yield from places.check(values)
    found = identity.check(session, {values.environment: values.account_id})
    yield from found
    if any(finding.state is State.MISSING for finding in found):
        yield note("the rest", "can be checked only with valid credentials of this account")
        return
    checks: dict[str, Check] = {
        "vCPUs": account.quota,
        "hosted zone": partial(account.zone, dns=dns),
        "OIDC provider": account.provider,
        "session preferences": account.preferences,
        "EBS encryption": account.disks,
    }
    for what, check in checks.items():
        try:
            yield from check(session, values)
        except (BotoCoreError, ClientError) as error:
            yield missing(what, f"could not be checked: {error}")


def before_bootstrap(session: boto3.Session, environment: str, known: Mapping[str, Values]) -> Iterator[Finding]:
    """Check what would stop bootstrap, or would make it trust a stranger's repository."""
    values = known[environment]
    yield from tools.check(tools.TO_DEPLOY)
    yield from places.check(values)
    found = identity.check(session, {environment: values.account_id})
    yield from found
    if found[-1].state is State.OK:
        yield from account.provider(session, values)


def before_deploy(session: boto3.Session, environment: str, known: Mapping[str, Values]) -> Iterator[Finding]:
    """Check what is most often wrong before a deployment."""
    values = known[environment]
    yield from tools.check(tools.TO_DEPLOY)
    yield from places.check_backend(values)
    yield from identity.check(session, {environment: values.account_id})


def before_bake(session: boto3.Session, _environment: str, known: Mapping[str, Values]) -> Iterator[Finding]:
    """Check what is most often wrong before a bake, which may be in any environment's account for any other."""
    yield from tools.check(tools.TO_BAKE)
    yield from identity.check(session, {name: values.account_id for name, values in known.items()})
