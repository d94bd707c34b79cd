"""The policies, boundaries and endpoints of roles, as an account returns them. It makes no judgement."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.infra.permissions.needs import Account
from tests.infra.permissions.simulation import Policies
from tests.support.emulator import REGION
from tests.support.emulator import Account as Emulated


def keep(emulated: Emulated, file: Path) -> None:
    """Save the policies of an account's roles and resources, and the names by which requests refer to them."""
    iam = emulated.client("iam")
    groups = emulated.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    pages = list(iam.get_paginator("get_account_authorization_details").paginate())
    told = {
        "number": emulated.account_id,
        "roles": [role for page in pages for role in page["RoleDetailList"]],
        "policies": [policy for page in pages for policy in page["Policies"]],
        "endpoints": emulated.client("ec2").describe_vpc_endpoints()["VpcEndpoints"],
        "buckets": _keys_of_buckets(emulated),
        "sessions_key": _key_of_sessions(emulated),
        "resources": dict(_policies_of_resources(emulated)),
        "group": groups[0]["AutoScalingGroupARN"],
    }
    file.write_text(json.dumps(told, default=str), encoding="utf-8")


def _keys_of_buckets(emulated: Emulated) -> dict[str, str]:
    s3, found = emulated.client("s3"), {}
    for bucket in s3.list_buckets()["Buckets"]:
        rules = s3.get_bucket_encryption(Bucket=bucket["Name"])["ServerSideEncryptionConfiguration"]["Rules"]
        if key := rules[0]["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID"):
            found[bucket["Name"]] = key
    return found


def _policies_of_resources(emulated: Emulated) -> Iterator[tuple[str, Any]]:
    kms, s3 = emulated.client("kms"), emulated.client("s3")
    for key in kms.list_keys()["Keys"]:
        yield key["KeyArn"], json.loads(kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])
    for bucket in s3.list_buckets()["Buckets"]:
        yield f"arn:aws:s3:::{bucket['Name']}", json.loads(s3.get_bucket_policy(Bucket=bucket["Name"])["Policy"])


def _key_of_sessions(emulated: Emulated) -> str:
    content = emulated.client("ssm").get_document(Name="SSM-SessionManagerRunShell")["Content"]
    return str(json.loads(content)["inputs"]["kmsKeyId"])


def read(environment: str, file: Path) -> tuple[Account, Policies, str]:
    """Return the account, its policies with its principals by short names, and the ARN of its Auto Scaling group."""
    told = json.loads(file.read_text(encoding="utf-8"))
    policies = {policy["Arn"]: _document(policy) for policy in told["policies"]}
    roles = {role["RoleName"].removeprefix(f"hello-birthday-{environment}-"): role for role in told["roles"]}
    principals = {name: _principal(role, policies) for name, role in roles.items()}
    operators = f"arn:aws:iam::{told['number']}:policy/hello-birthday/hello-birthday-{environment}-operators"
    anybody = f"arn:aws:iam::{told['number']}:role/operator"
    principals["operators"] = {"arn": anybody, "policies": [policies[operators]]}
    for endpoint in told["endpoints"]:
        service = endpoint["ServiceName"].rpartition(".")[2]
        policy = json.loads(endpoint["PolicyDocument"])
        for who in ("instance", "operators"):
            principals[f"{who} through {service}"] = principals[who] | {"endpoint": policy}
    principals["autoscaling"] = _autoscaling(told["number"], policies)
    held = Policies(told["number"], principals, told["resources"])
    return _account(environment, told, roles["instance"]["Arn"]), held, told["group"]


def _autoscaling(number: str, policies: dict[str, Any]) -> dict[str, Any]:
    """Return AWS's role that launches instances, which exists as soon as an account has its first group."""
    role = "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    policy = policies["arn:aws:iam::aws:policy/aws-service-role/AutoScalingServiceRolePolicy"]
    return {"arn": f"arn:aws:iam::{number}:role/{role}", "policies": [policy]}


def _document(policy: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    (version,) = [each for each in policy["PolicyVersionList"] if each["VersionId"] == policy["DefaultVersionId"]]
    return version["Document"]


def _principal(role: dict[str, Any], policies: dict[str, Any]) -> dict[str, Any]:
    attached = [policies[each["PolicyArn"]] for each in role["AttachedManagedPolicies"]]
    inline = [each["PolicyDocument"] for each in role["RolePolicyList"]]
    boundary = _boundary(role)
    held = {"arn": role["Arn"], "policies": [*inline, *attached]}
    return held | ({"boundary": policies[boundary]} if boundary else {})


def _boundary(role: dict[str, Any]) -> str | None:
    arn: str | None = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return arn


def _account(environment: str, told: dict[str, Any], launched_role: str) -> Account:
    profiles = [profile for role in told["roles"] for profile in role["InstanceProfileList"]]
    paths = {
        **{f"role/{role['RoleName']}": role["Arn"] for role in told["roles"]},
        **{f"instance-profile/{profile['InstanceProfileName']}": profile["Arn"] for profile in profiles},
        **{f"policy/{policy['Arn'].rpartition('/')[2]}": policy["Arn"] for policy in told["policies"]},
    }
    boundaries = {role["Arn"]: arn for role in told["roles"] if (arn := _boundary(role))}
    return Account(
        environment, told["number"], REGION, paths, launched_role, told["buckets"], told["sessions_key"], boundaries
    )
