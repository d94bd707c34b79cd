"""An emulated S3 for the lease and the releases; the rest of AWS is faked."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest


@dataclass
class Bucket:
    """A state bucket, empty at first."""

    s3: Any
    name: str


@pytest.fixture(autouse=True)
def _measure_no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start commands without measuring coverage, which is that of the service: they take a third less time."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


@pytest.fixture
def bucket(dynamodb: str) -> Iterator[Bucket]:
    """Create a versioned bucket for each test, in the emulator that all tests share."""
    make: Any = boto3.client
    s3 = make("s3", region_name="eu-central-1", endpoint_url=dynamodb)
    name = f"state-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    yield Bucket(s3, name)
    s3.close()
