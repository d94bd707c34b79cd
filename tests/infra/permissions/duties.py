"""What people and pipelines call, beyond what was recorded: the deployment's own calls, a bake, people on call."""

import re
from collections.abc import Iterator
from pathlib import Path

from terraform.deploy import lock, releases
from tests.infra.aws_commands import operation as operation_of
from tests.infra.permissions.calls import Call
from tests.infra.snippets import commands, scripts
from tests.support.emulator import REGION

_DEPLOYS = """
aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names {name}
aws autoscaling describe-instance-refreshes --auto-scaling-group-name {name}
aws autoscaling start-instance-refresh --auto-scaling-group-name {name}
aws autoscaling cancel-instance-refresh --auto-scaling-group-name {name}
aws cloudwatch describe-alarms
aws cognito-idp describe-user-pool-client --user-pool-id X --client-id X
aws ec2 describe-launch-template-versions
aws elbv2 describe-target-health --target-group-arn X
aws elbv2 deregister-targets --target-group-arn X --targets X
aws s3api get-object --bucket {bucket} --key {lock} X
aws s3api put-object --bucket {bucket} --key {lock}
aws s3api delete-object --bucket {bucket} --key {lock}
aws s3api put-object --bucket {bucket} --key {releases}
"""
"""What terraform/deploy calls to deploy, besides what it calls to look; {bucket} is the state's, {key} that bucket's.

tests/infra/permissions/test_duties.py holds this, and the next two, against the source.
"""

_LOOKS = """
aws ec2 describe-images
aws kms generate-data-key --key-id {key}
aws kms decrypt --key-id {key} --ciphertext-blob X
aws s3api get-object --bucket {bucket} --key {releases} X
"""
"""What terraform/deploy calls where it changes nothing: a dry run, a plan sealed for its way, the age of an image."""

_ASKS = """
aws sts get-caller-identity
aws ec2 describe-instance-types
aws ec2 get-ebs-encryption-by-default
aws iam list-open-id-connect-providers
aws iam get-open-id-connect-provider --open-id-connect-provider-arn X
aws route53 list-hosted-zones-by-name
aws route53 get-hosted-zone --id X
aws service-quotas get-service-quota --service-code ec2 --quota-code X
aws ssm describe-document --name SSM-SessionManagerRunShell
aws ssm list-tags-for-resource --resource-type Document --resource-id SSM-SessionManagerRunShell
"""
"""What terraform/preflight calls."""

BAKES = {
    "ec2": "AttachVolume AuthorizeSecurityGroupIngress CopyImage CreateImage CreateKeyPair CreateSecurityGroup "
    "CreateSnapshot CreateTags CreateVolume DeleteKeyPair DeleteSecurityGroup DeleteSnapshot DeleteVolume "
    "DeregisterImage DescribeImageAttribute DescribeImages DescribeInstances DescribeInstanceStatus DescribeRegions "
    "DescribeSecurityGroups DescribeSnapshots DescribeSubnets DescribeTags DescribeVolumes DetachVolume "
    "EnableImageDeprecation GetPasswordData ModifyImageAttribute ModifyInstanceAttribute ModifySnapshotAttribute "
    "RegisterImage RunInstances StopInstances TerminateInstances",
    "iam": "GetInstanceProfile",
    "kms": "CreateGrant Decrypt DescribeKey GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo",
    "ssm": "StartSession TerminateSession",
}
"""What Packer calls, by service.

In github.com/hashicorp/packer-plugin-amazon, docs/README.md lists what is needed of EC2, and what `deprecate_at` adds;
what it adds for spot instances, for filters of networks and for Windows is not ours. The rest is in the source:
common/step_iam_instance_profile.go, and common/ssm/session.go with AWS's document AWS-StartPortForwardingSession.
Of KMS, for a bake with a key of its own: Amazon EBS User Guide, "Requirements for Amazon EBS encryption".
"""

_ANSIBLE = """
aws ec2 describe-instances
aws s3api head-bucket --bucket {bucket}
aws s3api get-object --bucket {bucket} --key X X
aws s3api put-object --bucket {bucket} --key X
aws s3api delete-object --bucket {bucket} --key X
aws ssm start-session --target i-0123456789abcdef0 --document-name {name}-ansible
aws ssm terminate-session --session-id somebody-0123456789abcdef0
"""
"""What Ansible calls for an operator; {bucket} is the one that files are handed over in.

In the collection amazon.aws: plugins/inventory/aws_ec2.py, plugins/connection/aws_ssm.py, plugins/plugin_utils/ssm.
"""

_SIGNED = """
aws s3api get-object --bucket {bucket} --key X X
aws s3api put-object --bucket {bucket} --key X
"""
"""What an instance sends for an operator, by an address that the operator signed."""

_ITEM = re.compile(r"(?:\d+\.|[*-]) |\|")


def deploys(name: str, bucket: str, key: str) -> Iterator[Call]:
    """Yield what the deployment calls by itself."""
    yield from _lines(_DEPLOYS, name=name, bucket=bucket)
    yield from looks(bucket, key)


def looks(bucket: str, key: str) -> Iterator[Call]:
    """Yield what the deployment calls by itself where it changes nothing."""
    return _lines(_LOOKS, bucket=bucket, key=key)


def asks() -> Iterator[Call]:
    """Yield what is asked before the first deployment."""
    return _lines(_ASKS)


def hands_over(name: str, bucket: str) -> Iterator[Call]:
    """Yield what Ansible calls for an operator."""
    return _lines(_ANSIBLE, name=name, bucket=bucket)


def signed(bucket: str) -> Iterator[Call]:
    """Yield what instances send by addresses that an operator signed."""
    return _lines(_SIGNED, bucket=bucket)


def bakes(role: str) -> Iterator[Call]:
    """Yield what Packer calls, for a builder with this role, by its ARN."""
    values = (("InstanceProfileName", "hello-birthday-builder"), ("DocumentName", "AWS-StartPortForwardingSession"))
    for service, names in BAKES.items():
        for name in names.split():
            passed = (("Role", role),) if name == "RunInstances" else ()  # as the profile that the request names
            yield Call(service, name, REGION, values + passed)


def _lines(text: str, **named: str) -> Iterator[Call]:
    for line in text.format(lock=lock.KEY, releases=releases.KEY, **named).split("\n"):
        if line:
            yield command(line.split())


def operates(page: Path, environment: str) -> Iterator[Call]:
    """Yield the commands of a page that are not marked **admin**; where a paragraph begins so, the rest of it is."""
    text = page.read_text(encoding="utf-8").replace("hello-birthday-prod", f"hello-birthday-{environment}")
    text = text.replace("-$2", "-show-health")  # an argument of the helper `tell`
    for unit in _units(text):
        if unit.startswith("**admin**"):
            return
        if "**admin**" not in unit:
            yield from (command(words) for script in scripts(unit) for words in commands(script, "aws"))


def _units(text: str) -> Iterator[str]:
    """Cut a page into paragraphs, items and rows, each with the code that follows it."""
    unit, blank, code = "", True, False
    for line in text.splitlines(keepends=True):
        fence = line.lstrip().startswith("```")
        begins = _ITEM.match(line) or (blank and not line.startswith((" ", "```")))
        if begins and line.strip() and not code:
            yield unit
            unit = ""
        unit, blank, code = unit + line, not line.strip(), code != fence
    yield unit


def command(words: list[str]) -> Call:
    """Read a command of the AWS CLI; what the shell would put in is left out."""
    service, name = operation_of(words)
    values, option = [], "log-group-name"  # which `aws logs tail` takes without an option
    for word in words[3:]:
        if word.startswith("--"):
            option = word[2:]
        elif "$" not in word and word != "X":
            values += [(option.title().replace("-", ""), each) for each in word.split(",")]
    return Call(service, name, REGION, tuple(_s3(words, values)))


def _s3(words: list[str], values: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Read s3://bucket/key, which `aws s3` takes instead of options."""
    if words[1] != "s3":
        return values
    found = re.search(r"s3://([^/ ]+)/?(\S*)", " ".join(words))
    return [("Bucket", found[1]), ("Key", found[2])] if found else values
