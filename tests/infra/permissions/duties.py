"""Who does what, beyond what was recorded: the deployment's own calls, a bake, the agents, people on call."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.infra.aws_commands import operation as operation_of
from tests.infra.permissions.calls import Call
from tests.infra.snippets import commands, scripts
from tests.support.emulator import REGION

# terraform/deploy calls these itself; {bucket} is the state's.
_DEPLOYS = """
aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names {name}
aws autoscaling describe-instance-refreshes --auto-scaling-group-name {name}
aws autoscaling start-instance-refresh --auto-scaling-group-name {name}
aws autoscaling cancel-instance-refresh --auto-scaling-group-name {name}
aws cloudwatch describe-alarms
aws cognito-idp describe-user-pool-client --user-pool-id X --client-id X
aws ec2 describe-images
aws ec2 describe-launch-template-versions
aws elbv2 describe-target-health --target-group-arn X
aws elbv2 deregister-targets --target-group-arn X --targets X
aws s3api get-object --bucket {bucket} --key deploy/lock.json X
aws s3api put-object --bucket {bucket} --key deploy/lock.json
aws s3api delete-object --bucket {bucket} --key deploy/lock.json
aws s3api get-object --bucket {bucket} --key deploy/releases.json X
aws s3api put-object --bucket {bucket} --key deploy/releases.json
"""
_PLANS = """
aws ec2 describe-images
aws s3api get-object --bucket {bucket} --key deploy/releases.json X
"""

# What Packer's documentation lists for its amazon-ebs builder with Session Manager, without what ours never does.
BAKES = {
    "ec2": "CopyImage CreateImage CreateKeyPair CreateSecurityGroup CreateSnapshot CreateTags CreateVolume "
    "AttachVolume AuthorizeSecurityGroupIngress DeleteKeyPair DeleteSecurityGroup DeleteSnapshot DeleteVolume "
    "DeregisterImage DescribeImageAttribute DescribeImages DescribeInstances DescribeInstanceStatus DescribeRegions "
    "DescribeSecurityGroups DescribeSnapshots DescribeSubnets DescribeTags DescribeVolumes DetachVolume "
    "EnableImageDeprecation GetPasswordData ModifyImageAttribute ModifyInstanceAttribute ModifySnapshotAttribute "
    "RegisterImage RunInstances StopInstances TerminateInstances",
    "iam": "GetInstanceProfile",
    "ssm": "StartSession TerminateSession",
}

# What the agents document, and the service, by the endpoint that a call goes through.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-instance-permissions.html
_THROUGH = {
    "dynamodb": "dynamodb BatchGetItem BatchWriteItem DescribeTable GetItem PutItem",
    "ssm": "ssm UpdateInstanceInformation ListAssociations ListInstanceAssociations DescribeDocument GetDocument",
    "logs": "logs CreateLogStream DescribeLogStreams PutLogEvents DescribeLogGroups",
    "monitoring": "monitoring PutMetricData",
    "kms": "kms Decrypt",
}
CHANNELS = ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel")
MESSAGES = ("AcknowledgeMessage", "DeleteMessage", "FailMessage", "GetEndpoint", "GetMessages", "SendReply")

_ITEM = re.compile(r"(?:\d+\.|[*-]) |\|")


def deploys(name: str, bucket: str) -> Iterator[Call]:
    """Yield what the deployment calls by itself."""
    return _lines(_DEPLOYS.format(name=name, bucket=bucket))


def plans(bucket: str) -> Iterator[Call]:
    """Yield what a dry run calls by itself."""
    return _lines(_PLANS.format(bucket=bucket))


def _lines(text: str) -> Iterator[Call]:
    for line in text.split("\n"):
        if line:
            yield command(line.split())


def bakes() -> Iterator[Call]:
    """Yield what Packer calls."""
    for service, names in BAKES.items():
        for name in names.split():
            yield Call(service, name, REGION, (("InstanceProfileName", "hello-birthday-builder"),))


def serves(table: str, groups: list[str], key: str) -> Iterator[tuple[str, Call]]:
    """Yield what an instance calls, with the endpoint that it goes through."""
    values = (("TableName", table), ("DocumentName", "SSM-SessionManagerRunShell"), ("KeyId", key),
              *(("logGroupName", group) for group in groups))  # fmt: skip
    for endpoint, text in _THROUGH.items():
        service, *names = text.split()
        for name in names:
            yield endpoint, Call(service, name, REGION, values)


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
