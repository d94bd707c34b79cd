"""How AWS is asked: how long one answer may take, and how a wait asks again and outlives errors that pass."""

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
"""Seconds and attempts, so that a call ends long before the lease runs out, which has to be looked at after it."""
_SERVER_ERROR = 500
_THROTTLED = ("RequestLimitExceeded", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException")


class NotYet(Failed):
    """What is waited for has not come, and still may; the message says what is missing."""


def session(region: str) -> boto3.Session:
    """Return a session whose clients all ask as CONFIG says."""
    core = botocore.session.get_session()
    core.set_default_client_config(CONFIG)
    return boto3.Session(botocore_session=core, region_name=region)


@dataclass(frozen=True)
class Waiter:
    """Asks again every `poll_seconds`, as long as `check`, which is called before, raises nothing."""

    check: Callable[[], None]
    poll_seconds: float = 3.0

    def until(self, deadline: float, ask: Callable[[], T]) -> T:
        """Return what `ask` returns, as soon as it does not raise NotYet; errors of AWS that pass are waited out.

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
    """Say whether the same call may succeed later: AWS or the network is in trouble, not what was asked."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= _SERVER_ERROR or error.response["Error"]["Code"] in _THROTTLED
    return isinstance(error, (ConnectionError, HTTPClientError))
