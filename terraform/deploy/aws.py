"""Calls to AWS: their timeouts and attempts, and waits that poll and outlast transient errors."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's

from terraform.deploy.exit_status import Failed

log = logging.getLogger(__name__)
T = TypeVar("T")

CONFIG = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3, "mode": "standard"})
"""In seconds and attempts: a call ends long before the lease expires, since the lease is checked after it."""
WRITE_CONFLICTS = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
"""S3's errors when the condition of a write does not hold, since another object is there by now."""
_SERVER_ERROR = 500
_THROTTLED = ("RequestLimitExceeded", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException")


class NotYet(Failed):
    """What is waited for has not happened yet, but still may; the message says what is missing."""


def session(region: str) -> boto3.Session:
    """Return a session whose clients all use CONFIG."""
    core = botocore.session.get_session()
    core.set_default_client_config(CONFIG)
    return boto3.Session(botocore_session=core, region_name=region)


@dataclass(frozen=True)
class Waiter:
    """Polls every `poll_seconds`; before each further attempt it calls `check`, whose exceptions end the wait."""

    check: Callable[[], None]
    poll_seconds: float = 3.0

    def until(self, deadline: float, ask: Callable[[], T]) -> T:
        """Return the result of `ask` as soon as it does not raise NotYet; retry on transient errors of AWS.

        Raise Failed at `deadline`, in seconds of the monotonic clock, and whatever else `ask` raises.
        """
        told = ""
        while True:
            try:
                return ask()
            except NotYet as failure:
                missing = str(failure)
            except (BotoCoreError, ClientError) as error:
                if not _passes(error):
                    raise
                missing = f"a call to AWS failed: {error}"
                if missing != told:
                    log.warning("%s; asking again", missing)
                told = missing
            if time.monotonic() > deadline:
                raise Failed(f"time is up: {missing}")
            self.check()
            time.sleep(self.poll_seconds)


def _passes(error: BotoCoreError | ClientError) -> bool:
    """Return whether the same call may succeed later: AWS or the network is at fault, not the request."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= _SERVER_ERROR or error.response["Error"]["Code"] in _THROTTLED
    return isinstance(error, (ConnectionError, HTTPClientError))
