"""DynamoDB-compatible servers to test against: moto's, and Amazon's own DynamoDB Local."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.storage.local import serve
from tests.support.machine import OUTSIDE
from tests.support.tls import authority

DYNAMODB_LOCAL = Path(os.environ.get("DYNAMODB_LOCAL_HOME", "build/dynamodb-local/package/emulator"))
_START_SECONDS = 60


@contextmanager
def moto(address: str = "127.0.0.1", port: int = 0, *, tls: bool = False) -> Iterator[str]:
    """Run moto's server in this process, on a free port unless one is given, and yield its URL."""
    server = serve(address, port, authority().server_context(address, OUTSIDE) if tls else None)
    yield f"{'https' if tls else 'http'}://{server.host}:{server.port}"
    server.shutdown()
    server.server_close()


@contextmanager
def dynamodb_local() -> Iterator[str]:
    """Run DynamoDB Local in a Java process of its own and yield its URL."""
    url = f"http://127.0.0.1:{free_port()}"
    port = url.rpartition(":")[2]
    command = ["java", "-Djava.library.path=DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar"]
    # shared: the same tables for all credentials, as in an account
    options = ["-inMemory", "-sharedDb", "-disableTelemetry", "-port", port]
    process = subprocess.Popen([*command, *options], cwd=DYNAMODB_LOCAL)
    try:
        _wait_until_it_answers(url, process)
        yield url
    finally:
        process.terminate()
        process.wait()


def use(url: str) -> None:
    """Point this process and all it starts to the DynamoDB at `url`; remove other settings of AWS and the service."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "HELLO_"))]:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL_DYNAMODB": url,
        "AWS_CA_BUNDLE": authority().bundle,
    }


def free_port() -> int:
    """Return a free TCP port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_until_it_answers(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=1)
        except urllib.error.HTTPError:
            return  # It answers: a GET without a signature is refused.
        except OSError:
            time.sleep(0.05)  # A Java process has no other way to say that it is ready.
    raise RuntimeError(f"DynamoDB Local did not start (exit status {process.poll()}).")
