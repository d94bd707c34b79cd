"""What all parts of the benchmark share: folders, cores, and the environment of every process."""

import os
import resource
from pathlib import Path

BENCH = Path(__file__).parent
ROOT = BENCH.parents[1]
BUILD = ROOT / "build" / "bench"

# The first core is the server's, the second the load's, all others the fleets'; empty where the OS cannot pin cores.
CORES = tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()

# One for a server, one for the load; and with four cores or more, haproxy and up to four processes behind it.
USED = CORES[:6] if len(CORES) >= 4 else CORES[:2]

_OPEN_FILES = 8192


def settle() -> None:
    """Pin this process to the load's core, and raise the limit of open files for it and what it starts."""
    os.sched_setaffinity(0, {CORES[1]})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_OPEN_FILES, most), most))


def environment(endpoint: str = "") -> dict[str, str]:
    """Return the whole environment of a process, whose DynamoDB is the stand-in at `endpoint`."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(BUILD),
        "PYTHONPATH": str(ROOT),
        "NODE_ENV": "production",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
        "HELLO_TABLE_NAME": "birthdays",
        "HELLO_DRAIN_SECONDS": "0",
    }
