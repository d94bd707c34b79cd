"""The state of bootstrap: written in this folder, and kept in the very bucket that bootstrap makes."""

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from terraform.deploy.aws import WRITE_CONFLICTS
from terraform.deploy.exit_status import Refused, Stuck

log = logging.getLogger(__name__)
KEY = "bootstrap/state.json"
"""No pipeline's role may write it, since its name does not end with .tfstate."""
ABSENT = ("NoSuchBucket", "NoSuchKey")
"""S3's errors when there is nothing to read."""


@dataclass
class Kept:
    """The state in `file`, and its copy in `bucket`, with which every run of bootstrap begins."""

    s3: Any
    bucket: str
    file: Path
    _condition: dict[str, str] = field(default_factory=lambda: {"IfNoneMatch": "*"})
    _copy: bytes = b""

    def fetch(self) -> None:
        """Download the copy, unless the file is newer; raise Refused if the two are of different origins."""
        try:
            found = self.s3.get_object(Bucket=self.bucket, Key=KEY)
        except ClientError as error:
            if error.response["Error"]["Code"] in ABSENT:
                return
            raise
        self._condition = {"IfMatch": found["ETag"]}
        self._copy = found["Body"].read()
        if self._is_here_already(json.loads(self._copy)):
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_bytes(self._copy)
        log.info("bootstrap's state was brought from s3://%s/%s", self.bucket, KEY)

    def _is_here_already(self, kept: dict[str, Any]) -> bool:
        if not self.file.exists() or not (text := self.file.read_text(encoding="utf-8")):
            return False
        here = json.loads(text)
        if here["lineage"] != kept["lineage"] and here["resources"]:
            raise Refused(
                f"{self.file} and s3://{self.bucket}/{KEY} are states of different origins. Find out which one "
                f"describes the account, and move the other away."
            )
        return bool(here["lineage"] == kept["lineage"] and here["serial"] >= kept["serial"])

    def keep(self) -> None:
        """Copy the file to the bucket, if there is one; raise Stuck if somebody else has done so meanwhile."""
        if not self.file.exists() or (body := self.file.read_bytes()) == self._copy:
            return
        try:
            self.s3.put_object(Bucket=self.bucket, Key=KEY, Body=body, **self._condition)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in WRITE_CONFLICTS:
                raise Stuck(f"Somebody else ran bootstrap meanwhile; {self.file} has what this run did.") from error
            if code not in ABSENT:
                raise
            log.info("there is no state bucket, so the state of bootstrap stays in %s", self.file)
            return
        log.info("bootstrap's state is kept in s3://%s/%s", self.bucket, KEY)
