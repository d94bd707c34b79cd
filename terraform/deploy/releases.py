"""The releases that passed verification: a list kept beside Terraform's state, to roll back to."""

import json
from dataclasses import asdict, dataclass
from itertools import takewhile
from typing import Any

KEY = "deploy/releases.json"
_KEPT = 50


@dataclass(frozen=True)
class Release:
    """An image that served everywhere, and what it reported about itself."""

    image: str
    version: str
    commit: str
    verified_at: str


@dataclass(frozen=True)
class Releases:
    """The verified releases of an environment, newest last; the bucket keeps earlier versions of the list."""

    s3: Any
    bucket: str

    def all(self) -> list[Release]:
        """Return the whole list."""
        try:
            found = self.s3.get_object(Bucket=self.bucket, Key=KEY)
        except self.s3.exceptions.NoSuchKey:
            return []
        return [Release(**entry) for entry in json.load(found["Body"])]

    def add(self, release: Release) -> None:
        """Record that `release` serves now. Rolling back to an older one removes those that came after it."""
        known = takewhile(lambda entry: entry.image != release.image, self.all())
        told = [asdict(entry) for entry in [*known, release][-_KEPT:]]
        self.s3.put_object(Bucket=self.bucket, Key=KEY, Body=json.dumps(told, indent=1))
