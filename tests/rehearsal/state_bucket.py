"""The state bucket, with what another process may have left in it: a lease, or the lock of a killed Terraform."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from terraform.deploy.lock import KEY
from tests.rehearsal.checkout import ENVIRONMENT
from tests.support.emulator import Account


@dataclass(frozen=True)
class StateBucket:
    """The one bucket of an account that holds a state."""

    s3: Any
    name: str

    @classmethod
    def find(cls, account: Account) -> "StateBucket":
        """Find the bucket by its name."""
        s3 = account.client("s3")
        (name,) = (bucket["Name"] for bucket in s3.list_buckets()["Buckets"] if "-state-" in bucket["Name"])
        return cls(s3, name)

    @contextmanager
    def lease_of_another(self) -> Iterator[None]:
        """Let another deployment hold the lease until the block ends."""
        told = {"by": "somebody else", "since": "just now", "id": "another"}
        self.s3.put_object(Bucket=self.name, Key=KEY, Body=json.dumps(told))
        yield
        self.s3.delete_object(Bucket=self.name, Key=KEY)

    @contextmanager
    def lock_left_behind(self) -> Iterator[None]:
        """Keep a lock of the state, as a killed Terraform leaves it, until the block ends."""
        (state,) = (
            found["Key"]
            for found in self.s3.list_objects_v2(Bucket=self.name, Prefix=f"env:/{ENVIRONMENT}/")["Contents"]
            if found["Key"].endswith(".tfstate")
        )
        told = {"ID": "00000000-0000-0000-0000-000000000000", "Operation": "OperationTypeApply", "Who": "the dead"}
        lock = {"Bucket": self.name, "Key": f"{state}.tflock"}
        self.s3.put_object(**lock, Body=json.dumps(told))
        yield
        self.s3.delete_object(**lock)
