"""An emulated S3 for the lease and the releases, and folders to run the commands in; the rest of AWS is faked."""

import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

ROOT = Path(__file__).parents[2]


@dataclass
class Bucket:
    """A state bucket, empty at first."""

    s3: Any
    name: str


def provide_commands(folder: Path, bucket: Bucket, parts: tuple[str, ...], terraform: str) -> None:
    """Copy `parts` of terraform/ to `folder`, with its states in `bucket`, and play Terraform by a script there."""
    for part in parts:
        shutil.copytree(ROOT / "terraform" / part, folder / "terraform" / part)
    for file in (folder / "terraform" / "environments").glob("*.s3.tfbackend"):
        file.write_text(f'bucket = "{bucket.name}"\nregion = "eu-central-1"\n')
    program = folder / "bin" / "terraform"
    program.parent.mkdir()
    program.write_text(terraform)
    program.chmod(0o755)


def environ_of(folder: Path, endpoint: str) -> dict[str, str]:
    """Return the environment of commands in `folder`: its Terraform comes first, and AWS is at `endpoint`."""
    return os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "AWS_ENDPOINT_URL": endpoint}


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
