"""The target of the fuzzing: the service in a process of its own, its log, and a DynamoDB-compatible server."""

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import psutil

from service.storage.dynamodb import create_table
from tests.fuzz.answers import is_ours
from tests.support import dynamodb
from tests.support.issuer import AUDIENCE, running_issuer
from tests.support.process import ServiceProcess, running_service

# Ids that clients choose are logged unchanged, and times contain dates.
_NOT_OURS = ("request_id", "amzn_trace_id", "timestamp", "duration_ms")


@asynccontextmanager
async def target() -> AsyncIterator[ServiceProcess]:
    """Run the service at its most verbose log level until the block ends; then its log is complete."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with dynamodb.moto() as url:
        dynamodb.use(url)
        await create_table("birthdays")
        async with running_service(HELLO_LOG_LEVEL="debug", HELLO_DRAIN_SECONDS="0") as service:
            following = asyncio.create_task(service.follow())
            yield service
            if service.process.returncode is None:
                service.process.terminate()
            await following
            await service.process.wait()


@asynccontextmanager
async def guarded_target() -> AsyncIterator[tuple[ServiceProcess, str]]:
    """Run a second service that needs tokens, with the same DynamoDB-compatible server; yield it and a valid token."""
    async with running_issuer() as issuer:
        guard = {"HELLO_AUTH_ISSUER": issuer.url, "HELLO_AUTH_AUDIENCE": AUDIENCE}
        async with running_service(HELLO_DRAIN_SECONDS="0", **guard) as service:
            following = asyncio.create_task(service.follow())
            yield service, issuer.token(exp=int(time.time()) + 3600)
            service.process.terminate()
            await following


def memory_mb(service: ServiceProcess) -> float:
    """Return the resident memory of the service's process; 0 if it has ended."""
    if service.process.returncode is not None:
        return 0.0
    return round(psutil.Process(service.process.pid).memory_info().rss / 1e6, 1)


def statuses(events: list[dict[str, Any]]) -> Counter[int]:
    """Return how many requests were answered with each status, according to the service's log."""
    return Counter(event["status"] for event in events if event["event"].startswith("request."))


def log_faults(service: ServiceProcess, personal: Collection[str]) -> list[str]:
    """Return what must not be in the log: errors of the service, failed tasks, anything `personal`, a failed exit."""
    faults = [f"logged {event}" for event in service.events if _is_ours(event)]
    lines = {str({key: event[key] for key in event if key not in _NOT_OURS}) for event in service.events}
    words = {word for line in lines for word in re.findall("[A-Za-z]+|[0-9-]+", line)}
    faults += [f"logged {word}, which is personal" for word in sorted(words.intersection(personal))]
    if service.process.returncode != 0:
        faults.append(f"the process ended with status {service.process.returncode}")
    return faults


def _is_ours(event: dict[str, Any]) -> bool:
    return event["level"] == "error" or "exception" in event or is_ours(event.get("status", 0))
