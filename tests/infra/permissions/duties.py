"""What people and pipelines call besides recorded requests and runbooks: for deployments, bakes and Ansible."""

from collections.abc import Iterator

from terraform.deploy import lock, releases
from tests.infra.permissions.calls import Call
from tests.infra.permissions.pages import command
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
"""What terraform/deploy calls only to deploy, in addition to its calls that change nothing; {bucket} is the state's.

tests/infra/permissions/test_duties.py compares this, and the next two, with the source.
"""

_LOOKS = """
aws ec2 describe-images
aws s3api get-object --bucket {bucket} --key {releases} X
"""
"""What terraform/deploy calls where it changes nothing: a dry run, the age of an image."""

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

In github.com/hashicorp/packer-plugin-amazon, docs/README.md lists what EC2 requires, and what `deprecate_at` adds;
what it adds for spot instances, network filters and Windows is not used here. The rest is from the source:
common/step_iam_instance_profile.go, and common/ssm/session.go with AWS's document AWS-StartPortForwardingSession.
For KMS, in a bake with a key of its own: Amazon EBS User Guide, "Requirements for Amazon EBS encryption".
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
"""What Ansible calls for an operator; {bucket} is the one for transfers of files.

In the collection amazon.aws: plugins/inventory/aws_ec2.py, plugins/connection/aws_ssm.py, plugins/plugin_utils/ssm.
"""

_SIGNED = """
aws s3api get-object --bucket {bucket} --key X X
aws s3api put-object --bucket {bucket} --key X
"""
"""What an instance requests for an operator, by presigned URLs."""


def deploys(name: str, bucket: str) -> Iterator[Call]:
    """Yield the deployment's own calls."""
    yield from _lines(_DEPLOYS, name=name, bucket=bucket)
    yield from looks(bucket)


def looks(bucket: str) -> Iterator[Call]:
    """Yield the calls of the deployment that change nothing."""
    return _lines(_LOOKS, bucket=bucket)


def asks() -> Iterator[Call]:
    """Yield the calls of the preflight checks before the first deployment."""
    return _lines(_ASKS)


def hands_over(name: str, bucket: str) -> Iterator[Call]:
    """Yield what Ansible calls for an operator."""
    return _lines(_ANSIBLE, name=name, bucket=bucket)


def signed(bucket: str) -> Iterator[Call]:
    """Yield what instances request by URLs that an operator signed."""
    return _lines(_SIGNED, bucket=bucket)


def bakes(role: str) -> Iterator[Call]:
    """Yield what Packer calls, for a builder with this role, by its ARN."""
    values = (("InstanceProfileName", "hello-birthday-builder"), ("DocumentName", "AWS-StartPortForwardingSession"))
    for service, names in BAKES.items():
        for name in names.split():
            passed = (("Role", role),) if name == "RunInstances" else ()  # by the instance profile in the request
            yield Call(service, name, REGION, values + passed)


def _lines(text: str, **named: str) -> Iterator[Call]:
    for line in text.format(lock=lock.KEY, releases=releases.KEY, **named).split("\n"):
        if line:
            yield command(line.split())
