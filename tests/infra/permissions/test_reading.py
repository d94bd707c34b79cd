"""Requests of each of AWS's protocols are parsed correctly, and so is the role that a command is meant for."""

from pathlib import Path

import pytest

from tests.infra.permissions.calls import read
from tests.infra.permissions.pages import operates

LINE = dict.fromkeys(("stage", "command", "query", "target", "body"), "") | {"region": "eu-central-1", "path": "/"}


@pytest.mark.parametrize(
    ("line", "operation", "parameter", "value"),
    [
        ({"service": "kms", "target": "TrentService.Decrypt", "body": '{"KeyId": "k"}'}, "Decrypt", "KeyId", "k"),
        ({"service": "ec2", "body": "Action=DescribeVpcs&VpcId.1=vpc-1&Version=1"}, "DescribeVpcs", "VpcId", "vpc-1"),
        ({"service": "s3", "method": "GET", "path": "/b", "query": "tagging="}, "GetBucketTagging", "Bucket", "b"),
        ({"service": "s3", "method": "DELETE", "path": "/b/a/k"}, "DeleteObject", "Key", "a/k"),
        ({"service": "s3", "method": "PUT", "path": "/b/k", "query": "x-id=PutObject"}, "PutObject", "Key", "k"),
        ({"service": "route53", "method": "GET", "path": "/2013-04-01/hostedzone/Z1"}, "GetHostedZone", "Id", "Z1"),
    ],
)
def test_requests_are_read(line: dict[str, str], operation: str, parameter: str, value: str) -> None:
    """A target, a form field, or method, path and query name an operation; its parameters keep their last name."""
    call = read(LINE | line)
    assert (call.operation, call.named(parameter)) == (operation, [value])


def test_operators_commands_are_those_not_marked(tmp_path: Path) -> None:
    """A mark applies to its paragraph, item or row with its code; at a paragraph's start, to all that follows."""
    page = tmp_path / "page.md"
    page.write_text("""Look: `aws ec2 describe-vpcs`

1. One: `aws ec2 describe-instances`
2. Two, **admin**:
   ```sh
   aws ec2 describe-images
   ```

| what | action |
|---|---|
| this | `aws acm list-certificates` |
| that | **admin**: `aws kms list-keys` |

A shell:

```sh
aws ssm start-session --target i-1

aws logs tail /g --since 5m
```

**admin** from here on: `aws sns list-topics`

`aws sqs list-queues`
""")
    calls = [(call.service, call.operation) for call in operates(page, "prod")]
    assert calls == [
        ("ec2", "DescribeVpcs"), ("ec2", "DescribeInstances"), ("acm", "ListCertificates"), ("ssm", "StartSession"),
        ("logs", "FilterLogEvents"),
    ]  # fmt: skip
