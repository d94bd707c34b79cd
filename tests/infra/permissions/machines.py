"""Calls by machines: the service, the agents, Automation, and AWS's services under our roles.

It is based on their documentation and source, and does not know our policies.
"""

from collections.abc import Iterator
from typing import Any

import yaml

from tests.infra.permissions.calls import Call, walk
from tests.support.emulator import REGION

Duty = tuple[str, Call, dict[str, str]]
"""Who calls what, and the condition keys of the request in addition to those of every call."""

_CHANNELS = "CreateControlChannel CreateDataChannel OpenControlChannel OpenDataChannel"
_THROUGH = {
    "dynamodb": "dynamodb BatchGetItem BatchWriteItem DescribeTable GetItem PutItem",
    "ssm": "ssm DescribeDocument GetDocument ListAssociations ListInstanceAssociations UpdateInstanceAssociationStatus "
    "UpdateInstanceInformation",
    "ssmmessages": f"ssmmessages {_CHANNELS}",
    "ec2messages": "ec2messages AcknowledgeMessage DeleteMessage FailMessage GetEndpoint GetMessages SendReply",
    "logs": "logs CreateLogStream DescribeLogGroups DescribeLogStreams PutLogEvents",
    "monitoring": "monitoring PutMetricData",
    "kms": "kms Decrypt",
}
"""What an instance calls, by the endpoint that the calls go through.

The service: service/storage/dynamodb.py, which tests/infra/test_contracts.py compares with the role. The agents:
AWS's policies AmazonSSMManagedInstanceCore and CloudWatchAgentServerPolicy except for WITHOUT, which test_duties.py
compares with them; and the key of sessions: agent/session/crypto in github.com/aws/amazon-ssm-agent 3.3. That agent's
agentlogstocloudwatch describes groups and streams; github.com/aws/amazon-cloudwatch-agent of August 2026 describes
neither (plugins/outputs/cloudwatchlogs).
"""

WITHOUT = {
    "ec2:Describe*": "the CloudWatch agent adds the instance's id only, which the metadata service tells",
    "logs:CreateLogGroup": "Terraform makes the groups",
    "logs:PutRetentionPolicy": "Terraform sets it",
    "ssm:DescribeAssociation": "of the kind of associations that came before those with an id",
    "ssm:GetDeployablePatchSnapshotForInstance": "instances are replaced, not patched",
    "ssm:GetManifest": "instances are replaced; nothing is installed on them",
    "ssm:GetParameter*": "neither documents nor agents' settings name a parameter, and it reads all of the account",
    "ssm:PutComplianceItems": "nobody asks for compliance",
    "ssm:PutConfigurePackageResult": "as ssm:GetManifest",
    "ssm:PutInventory": "nobody asks for an inventory",
    "ssm:UpdateAssociationStatus": "as ssm:DescribeAssociation",
    "xray:*": "there are no traces",
}
"""What AWS's policies for the agents allow and our instances do not need, by a pattern of the actions."""

_BUILDER = f"ssmmessages {_CHANNELS}", "ssm UpdateInstanceInformation"
"""What reaching a builder takes: AWS Systems Manager User Guide, "Create a custom IAM role for Session Manager"."""

_FLOW_LOG = "logs CreateLogStream DescribeLogGroups DescribeLogStreams PutLogEvents"
"""Amazon VPC User Guide, "IAM role for publishing flow logs to CloudWatch Logs", without the group, which exists."""

_KEY_USE = "kms Decrypt DescribeKey Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo"
"""What an AWS service may do with a key on behalf of its caller, or by its own role.

AWS KMS Developer Guide, "How Amazon DynamoDB uses AWS KMS"; Amazon EC2 Auto Scaling User Guide, "Required AWS KMS
key policy for use with encrypted volumes", which adds CreateGrant, for AWS resources only.
"""


def agents() -> set[str]:
    """Return the agents' actions, as policies name them."""
    told = [text.split() for endpoint, text in _THROUGH.items() if endpoint not in ("dynamodb", "kms")]
    return {f"{service.replace('monitoring', 'cloudwatch')}:{name}" for service, *names in told for name in names}


def instance(table: str, groups: list[str], session_key: str) -> Iterator[Duty]:
    """Yield what an instance calls; `session_key` encrypts sessions."""
    values = (("TableName", table), ("DocumentName", "SSM-SessionManagerRunShell"), ("KeyId", session_key),
              *(("logGroupName", group) for group in groups))  # fmt: skip
    for endpoint, text in _THROUGH.items():
        yield from _duties(f"instance through {endpoint}", text, values)


def builder() -> Iterator[Duty]:
    """Yield what Packer's builder calls."""
    for text in _BUILDER:
        yield from _duties("hello-birthday-builder", text)


def flow_log(group: str) -> Iterator[Duty]:
    """Yield the calls that write the network's flow log."""
    yield from _duties("flow-log", _FLOW_LOG, (("logGroupName", group),))


def uses_key(who: str, key: str, service: str) -> Iterator[Duty]:
    """Yield what a service does with a key on behalf of its caller."""
    yield from _duties(who, _KEY_USE, (("KeyId", key),), {"kms:ViaService": f"{service}.{REGION}.amazonaws.com"})


def scales(key: str) -> Iterator[Duty]:
    """Yield what Auto Scaling does with the key of the disks."""
    yield from _duties("autoscaling", _KEY_USE, (("KeyId", key),))
    yield from _duties("autoscaling", "kms CreateGrant", (("KeyId", key),), {"kms:GrantIsForAWSResource": "true"})


def automates(who: str, content: str, *others: tuple[str, str]) -> Iterator[Duty]:
    """Yield what the steps of an Automation document call; `others` are parameters that its steps do not contain."""
    for step in yaml.safe_load(content)["mainSteps"]:
        inputs: dict[str, Any] = step["inputs"]
        if "Api" in inputs:
            yield who, Call(inputs["Service"], inputs["Api"], REGION, (*walk("", inputs), *others)), {}


def _duties(
    who: str, text: str, values: tuple[tuple[str, str], ...] = (), context: dict[str, str] | None = None
) -> Iterator[Duty]:
    """Yield a duty for each operation of a text, whose first word is the service."""
    service, *names = text.split()
    for name in names:
        yield who, Call(service, name, REGION, values), context or {}
