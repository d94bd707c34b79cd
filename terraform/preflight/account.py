"""Checks the account that an environment is to be created in."""

import re
from collections.abc import Iterator
from typing import Any

import boto3
from dns.resolver import Resolver

from terraform.preflight import delegation
from terraform.preflight.finding import Finding, missing, note, ok
from terraform.preflight.values import Values

# Running On-Demand Standard instances, counted in vCPUs; the pattern matches their types.
_QUOTA = "L-1216C47A"
_STANDARD = re.compile(r"(a|c|d|h|i|im|is|m|r|t|z)\d")
_GITHUB = "oidc-provider/token.actions.githubusercontent.com"
_PREFERENCES = "SSM-SessionManagerRunShell"


def quota(session: boto3.Session, values: Values) -> Iterator[Finding]:
    """Check that the quota allows the largest fleet, even while it is being replaced."""
    kind, most = values.text("instance_type"), values.most_instances
    if not _STANDARD.match(kind):
        yield note("vCPUs", f"{most} x {kind} have a quota of their own; check it under Service Quotas, Amazon EC2")
        return
    (told,) = session.client("ec2").describe_instance_types(InstanceTypes=[kind])["InstanceTypes"]
    needed = most * told["VCpuInfo"]["DefaultVCpus"]
    quotas = session.client("service-quotas")
    allowed = quotas.get_service_quota(ServiceCode="ec2", QuotaCode=_QUOTA)["Quota"]["Value"]
    says = f"{values.environment} needs {needed} at its largest ({most} x {kind}, a refresh included)"
    if allowed >= needed:
        yield ok("vCPUs", f"{says}, the quota is {allowed:g}")
        return
    ask = f"request-service-quota-increase --service-code ec2 --quota-code {_QUOTA} --desired-value {needed}"
    yield missing("vCPUs", f"{says}, the quota is {allowed:g}; ask for more: aws service-quotas {ask}")


def zone(session: boto3.Session, values: Values, dns: Resolver | None) -> Iterator[Finding]:
    """Check that the public hosted zone exists, and that DNS delegates to it."""
    name, route53 = values.text("hosted_zone_name"), session.client("route53")
    found = route53.list_hosted_zones_by_name(DNSName=name)["HostedZones"]
    zones = [one for one in found if one["Name"] == f"{name}." and not one["Config"]["PrivateZone"]]
    if not zones:
        make = f"aws route53 create-hosted-zone --name {name} --caller-reference {values.environment}"
        yield missing("hosted zone", f"there is no public zone {name} in this account; make it: {make}")
        return
    if len(zones) > 1:
        yield missing("hosted zone", f"there are {len(zones)} public zones {name}; delete all but the one in use")
        return
    yield ok("hosted zone", f"{name} is here")
    servers = route53.get_hosted_zone(Id=zones[0]["Id"])["DelegationSet"]["NameServers"]
    yield delegation.check(name, servers, dns)


def provider(session: boto3.Session, values: Values) -> Iterator[Finding]:
    """Check for a GitHub OpenID Connect provider that bootstrap did not make: there can be only one."""
    iam, what = session.client("iam"), "OIDC provider"
    arns = [entry["Arn"] for entry in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    arn = next((arn for arn in arns if arn.endswith(_GITHUB)), None)
    if arn is None:
        yield ok(what, "none of GitHub's yet; bootstrap makes it")
    elif values.shares_provider:
        yield ok(what, "not made by terraform/bootstrap, as its values say")
    else:
        tags = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn).get("Tags", [])
        told = f"say github_provider_exists = true in terraform/bootstrap/{values.environment}.tfvars"
        yield _existing(what, _maker(tags), "terraform/bootstrap", told)


def preferences(session: boto3.Session, values: Values) -> Iterator[Finding]:
    """Check for session preferences that Terraform did not make: there can be only one document of that name."""
    ssm, what = session.client("ssm"), "session preferences"
    try:
        ssm.describe_document(Name=_PREFERENCES)
    except ssm.exceptions.InvalidDocument:
        yield ok(what, "none yet; Terraform makes them")
        return
    tags = ssm.list_tags_for_resource(ResourceType="Document", ResourceId=_PREFERENCES)["TagList"]
    name = values.environment
    command = (
        f"export TF_DATA_DIR=.terraform/{name} && "
        f"terraform -chdir=terraform init -reconfigure -backend-config=environments/{name}.s3.tfbackend && "
        f"terraform -chdir=terraform workspace select -or-create {name} && terraform -chdir=terraform import "
        f"-var-file=environments/{name}.tfvars -var ami_id=ami-..."
    )
    target = f"module.service.aws_ssm_document.session_preferences {_PREFERENCES}"
    told = f"let Terraform adopt it, after make bootstrap: {command} {target}"
    yield _existing(what, _maker(tags), "terraform", told)


def disks(session: boto3.Session, values: Values) -> Iterator[Finding]:
    """Check whether the account encrypts every new volume by default, and so the images that are baked in it."""
    on = session.client("ec2").get_ebs_encryption_by_default()["EbsEncryptionByDefault"]
    if on and values.bakes:
        yield note(
            "EBS encryption",
            "on by default, so images baked here cannot be shared with other accounts "
            "unless they are baked with a key that those may use: PKR_VAR_kms_key_id=alias/... make bake ...",
        )
        return
    yield ok("EBS encryption", f"{'on' if on else 'off'} by default; instances are encrypted with a key of their own")


def _maker(tags: Any) -> str:  # noqa: ANN401 - as each of the two services has them
    """Return which part of Terraform made something, according to its tags."""
    return next((str(tag["Value"]) for tag in tags if tag["Key"] == "ManagedBy"), "")


def _existing(what: str, maker: str, wanted: str, cure: str) -> Finding:
    """Report something that exists already, which is fine if `wanted` made it."""
    if maker == wanted:
        return ok(what, f"made by {wanted}")
    return missing(what, f"exists already, so Terraform would fail to create it; {cure}")
