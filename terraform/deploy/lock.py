"""One deployment at a time: a lease, kept as an object beside Terraform's state.

Terraform's own lock covers an apply, not the waiting after it. A lease that nobody renews runs out, so that a
deployment whose machine died blocks nobody for long.
"""

import json
import logging
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from terraform.deploy.exit_status import Refused, Stuck

log = logging.getLogger(__name__)

KEY = "deploy/lock.json"
LEASE_SECONDS = 120.0
_CONFLICTS = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")


class Lease:
    """The right to deploy, as long as it is renewed."""

    def __init__(
        self,
        s3: Any,  # noqa: ANN401 - a client of boto3's
        bucket: str,
        holder: dict[str, str],
        seconds: float = LEASE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare to be held by `holder`, who is told to whoever comes meanwhile."""
        self._s3, self._bucket, self._seconds, self._clock = s3, bucket, seconds, clock
        self._told = holder | {"id": uuid.uuid4().hex}
        self._writes = 0
        self._tag = ""
        self._asked = self._renewed = clock()
        self._failure: Exception | None = None

    def acquire(self) -> None:
        """Acquire it if nobody has it, or if it has run out; raise Refused if another deployment is under way."""
        try:
            self._put(IfNoneMatch="*")
        except ClientError as error:
            if not _conflict(error):
                raise
            self._take_over()

    def renew(self) -> None:
        """Renew it; raise ClientError if it is somebody else's by now."""
        try:
            self._put(IfMatch=self._tag)
        except ClientError as error:
            if not _conflict(error) or not self._is_ours(self._get()):
                raise

    def check(self) -> None:
        """Raise Stuck if it was lost or has run out, since two deployments at once end nowhere."""
        if self._lost:
            raise Stuck(
                f"The lease s3://{self._bucket}/{KEY} was lost, so this deployment went no further: "
                f"{self._failure or 'it could not be renewed in time.'} "
                "Whoever has it now deploys; wait for that, then look at what serves."
            )

    def keep(self, stop: threading.Event) -> None:
        """Renew it until `stop` is set, or until it is lost."""
        while not stop.wait(self._seconds / 6):
            try:
                self.renew()
                self._failure = None
            except (BotoCoreError, ClientError) as error:
                self._failure = error
                if _conflict(error):
                    return

    def release(self) -> None:
        """Let the next deployment begin, unless that has happened already."""
        if self._lost:
            return
        try:
            self._s3.delete_object(Bucket=self._bucket, Key=KEY, IfMatch=self._tag)
        except (BotoCoreError, ClientError) as error:
            log.warning("the lease could not be released; it runs out by itself: %s", error)

    @property
    def _lost(self) -> bool:
        """Say whether it is somebody else's, or may be."""
        return _conflict(self._failure) or self._clock() - self._renewed > self._seconds

    def _take_over(self) -> None:
        try:
            found = self._get()
            if self._is_ours(found):
                return
            if (left := self._seconds - _age(found)) > 0:
                holder = ", ".join(f"{name} {value}" for name, value in json.loads(found["Body"]).items())
                raise Refused(
                    f"Another deployment is under way: {holder}. Wait for it. "
                    f"If it has died, its lease runs out in {left:.0f} seconds; then run this again."
                )
            self._put(IfMatch=found["ETag"])
        except ClientError as error:
            if not _conflict(error) and error.response["Error"]["Code"] != "NoSuchKey":
                raise
            raise Refused("Another deployment began or ended at this very moment. Run this again.") from error

    def _get(self) -> dict[str, Any]:
        found: dict[str, Any] = self._s3.get_object(Bucket=self._bucket, Key=KEY)
        return found | {"Body": found["Body"].read()}

    def _is_ours(self, found: dict[str, Any]) -> bool:
        """Say whether we wrote it: a request whose answer was lost is sent again, and then it finds itself there."""
        if json.loads(found["Body"]).get("id") != self._told["id"]:
            return False
        self._hold(found["ETag"])
        return True

    def _put(self, **condition: str) -> None:
        self._writes += 1  # told as well, so that the ETag changes, and nobody takes over what was renewed meanwhile
        body = json.dumps(self._told | {"writes": str(self._writes)}).encode()
        self._asked = self._clock()
        answer = self._s3.put_object(Bucket=self._bucket, Key=KEY, Body=body, **condition)
        self._hold(answer["ETag"])

    def _hold(self, tag: str) -> None:
        """Count from when it was asked for: it may have been written as early as that."""
        self._tag, self._renewed = tag, self._asked


def _conflict(error: Exception | None) -> bool:
    """Say whether S3 refused because of a condition."""
    return isinstance(error, ClientError) and error.response["Error"]["Code"] in _CONFLICTS


def _age(found: dict[str, Any]) -> float:
    """Return how many seconds ago an object was written, by S3's own clock."""
    now = parsedate_to_datetime(found["ResponseMetadata"]["HTTPHeaders"]["date"])
    return float((now - found["LastModified"]).total_seconds())


@contextmanager
def held(lease: Lease) -> Iterator[Lease]:
    """Hold `lease` until the block ends."""
    lease.acquire()
    stop = threading.Event()
    keeper = threading.Thread(target=lease.keep, args=[stop], name="lease", daemon=True)
    # A thread begins with its maker's mask. Only the main one may get signals: it alone can hold them back, and must.
    free = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    keeper.start()
    signal.pthread_sigmask(signal.SIG_SETMASK, free)
    try:
        yield lease
    finally:
        stop.set()
        keeper.join()
        lease.release()
