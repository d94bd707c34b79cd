"""One deployment at a time: a lease, kept as an object beside Terraform's state.

Terraform's own lock covers an apply, not the waiting after it. A lease expires unless it is renewed, so a deployment
whose machine died does not block others for long.
"""

import getpass
import json
import logging
import math
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from terraform.deploy.aws import WRITE_CONFLICTS
from terraform.deploy.exit_status import Refused, Stuck
from terraform.deploy.signals import uninterrupted

log = logging.getLogger(__name__)

KEY = "deploy/lock.json"
LEASE_SECONDS = 120.0
_CONFLICTS = (*WRITE_CONFLICTS, "NoSuchKey")  # another object is there by now, or none


@dataclass
class Lease:
    """The right to deploy, as long as it is renewed; a second deployment is refused, and told who holds it."""

    s3: Any
    bucket: str
    holder: dict[str, str]
    seconds: float = LEASE_SECONDS
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        """Start without holding it."""
        self._told = self.holder | {"id": uuid.uuid4().hex}
        self._writes, self._tag, self._renewed, self._failure = 0, "", self.clock(), ""

    def acquire(self) -> None:
        """Acquire it if nobody holds it, or if it has expired; raise Refused if another deployment is in progress."""
        other = self._write(IfNoneMatch="*")
        if other is None:
            return
        if other and (left := self.seconds - _age(other)) > 0:
            holder = ", ".join(f"{name} {value}" for name, value in other["Body"].items())
            raise Refused(
                f"Another deployment is under way: {holder}. Wait until it ends. "
                f"If it has crashed, its lease expires in {left:.0f} seconds; then run this again."
            )
        if not other or self._write(IfMatch=other["ETag"]) is not None:
            raise Refused("Another deployment began or ended at the same moment. Run this again.")

    def renew(self) -> bool:
        """Renew it; return False if it was lost because somebody else took or deleted it."""
        if self._write(IfMatch=self._tag) is None:
            return True
        self._renewed, self._failure = -math.inf, "somebody else took it."
        return False

    def check(self) -> None:
        """Raise Stuck if it was lost or has expired, since two deployments must not run at once."""
        if self.clock() - self._renewed > self.seconds:
            raise Stuck(
                f"The lease s3://{self.bucket}/{KEY} was lost, so this deployment went no further: "
                f"{self._failure or 'it could not be renewed in time.'} "
                "Its new holder is deploying; wait until that ends, then check which version serves."
            )

    def keep(self, stop: threading.Event) -> None:
        """Renew it until `stop` is set, or until it is lost."""
        kept = True
        while kept and not stop.wait(self.seconds / 6):
            try:
                kept = self.renew()
            except (BotoCoreError, ClientError) as error:
                self._failure = str(error)

    def release(self) -> None:
        """Give it up, so that the next deployment can begin, unless somebody else holds it already."""
        try:
            self.s3.delete_object(Bucket=self.bucket, Key=KEY, IfMatch=self._tag)
        except (BotoCoreError, ClientError) as error:
            log.warning("the lease could not be released; it expires, or somebody else holds it already: %s", error)

    def _write(self, **condition: str) -> dict[str, Any] | None:
        """Write it and return None, or return the object that is there instead, empty if that has just gone.

        A request whose answer was lost is retried, and then refused: if the object there is ours, it was written.
        """
        self._writes += 1  # written, too, so that the ETag changes and nobody takes over a lease renewed meanwhile
        told, asked = self._told | {"writes": str(self._writes)}, self.clock()
        try:
            written = self.s3.put_object(Bucket=self.bucket, Key=KEY, Body=json.dumps(told).encode(), **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _CONFLICTS:
                raise
            written = self._read()
            if not written or written["Body"].get("id") != self._told["id"]:
                return written
            asked = asked if written["Body"] == told else self._renewed  # it may be an earlier write of ours
        self._tag, self._renewed, self._failure = written["ETag"], asked, ""  # it may be as old as the request
        return None

    def _read(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self.s3.get_object(Bucket=self.bucket, Key=KEY)
        except self.s3.exceptions.NoSuchKey:
            return {}
        return found | {"Body": json.load(found["Body"])}


def _age(found: dict[str, Any]) -> float:
    """Return how many seconds ago an object was written, by S3's own clock."""
    now = parsedate_to_datetime(found["ResponseMetadata"]["HTTPHeaders"]["date"])
    return float((now - found["LastModified"]).total_seconds())


def holder() -> dict[str, str]:
    """Return who asks for the lease, and the time."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"by": f"{getpass.getuser()} on {socket.gethostname()}", "since": now}


@contextmanager
def held(lease: Lease) -> Iterator[Lease]:
    """Hold `lease` until the block ends."""
    lease.acquire()
    stop = threading.Event()
    keeper = threading.Thread(target=lease.keep, args=[stop], name="lease", daemon=True)
    with uninterrupted():  # a thread inherits its creator's mask, and only the main one may get signals
        keeper.start()
    try:
        yield lease
    finally:
        stop.set()
        keeper.join()
        lease.release()
