"""An AWS account to deploy to: moto's server in a process of its own, with what Terraform expects in an account.

    python -m tests.support.emulator

prints one line of JSON with the server's URL and serves until it is terminated.
"""

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from waitress import serve

from tests.support.recording import recorded

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REGION = "eu-central-1"
_RECORD = "EMULATOR_RECORD"  # names a file

# The account of dev, which bakes for prod, too.
BAKER = "111111111111"
# Its images, by id: several versions, and one for another architecture.
IMAGES = {
    "ami-0000000000000000a": "arm64",
    "ami-0000000000000000b": "arm64",
    "ami-0000000000000000c": "x86_64",
    "ami-0000000000000000d": "arm64",
    "ami-0000000000000000e": "arm64",
    "ami-0000000000000000f": "arm64",
    "ami-00000000000000010": "arm64",
}


@dataclass(frozen=True)
class Account:
    """An emulated AWS account."""

    account_id: str
    url: str
    environ: dict[str, str]
    """The variables that make AWS's tools use this account, and no other."""

    def client(self, service: str, region: str = REGION) -> Any:  # noqa: ANN401 - one of boto3's many generated classes
        """Return an administrator's client of `service`."""
        key_id, secret = self.environ["AWS_ACCESS_KEY_ID"], self.environ["AWS_SECRET_ACCESS_KEY"]
        return _client(service, self.url, key_id, secret, region)


@contextmanager
def account(account_id: str, folder: Path, baked: Mapping[str, str] | None = None) -> Iterator[Account]:
    """Run an emulator until the block ends, and yield one of its accounts with an administrator's credentials.

    `folder` holds what the emulator reads at its start. `baked` maps images of the account to when they were baked.
    """
    with (
        (folder / "emulator.log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.emulator"],
            env=os.environ | _settings(account_id, folder, baked or {}),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            yield Account(account_id, url, _administrator(url, account_id))
        finally:
            process.terminate()


def _client(service: str, url: str, key_id: str, secret: str, region: str = REGION) -> Any:  # noqa: ANN401 - as above
    make: Any = boto3.client
    return make(service, region_name=region, endpoint_url=url, aws_access_key_id=key_id, aws_secret_access_key=secret)


def _settings(account_id: str, folder: Path, baked: Mapping[str, str]) -> dict[str, str]:
    images = folder / "images.json"
    common = {"root_device_name": "/dev/xvda", "root_device_type": "ebs"}
    images.write_text(
        json.dumps(
            [
                common
                | {"ami_id": image_id, "name": f"hello-birthday-{image_id}", "architecture": architecture}
                | (
                    {"owner_id": account_id, "creation_date": baked[image_id]}
                    if image_id in baked
                    else {"owner_id": BAKER}
                )
                for image_id, architecture in (IMAGES | dict.fromkeys(baked, "arm64")).items()
            ]
        )
    )
    return {
        "MOTO_AMIS_PATH": str(images),
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        "MOTO_ACM_VALIDATION_WAIT": "1",  # second
        _RECORD: str(folder / "requests.jsonl"),
    }


def _administrator(url: str, account_id: str) -> dict[str, str]:
    """Assume a role of the account, whose keys tell the emulator which account is meant."""
    anybody = _client("sts", url, "anybody", "anything")
    role = f"arn:aws:iam::{account_id}:role/administrator"
    keys = anybody.assume_role(RoleArn=role, RoleSessionName="administrator")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def _with_raw_path(application: "WSGIApplication") -> "WSGIApplication":
    """Tell moto the path as it was sent, under the name that it looks for: keys in S3 may have escaped characters."""

    def handle(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ["RAW_URI"] = environ["REQUEST_URI"]
        return application(environ, start_response)

    return handle


def _serve() -> None:
    """Serve with kept connections, and one request at a time: Terraform sends ten at once, moto is made for one."""
    # Imported only here: they take seconds, and the process that starts the emulator needs none of them.
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 - as said above
        DomainDispatcherApplication,
        create_backend_app,
    )

    from tests.support import emulator_extensions  # noqa: PLC0415 - as said above

    emulator_extensions.install()
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that requests wait for their turn is intended
    application = recorded(DomainDispatcherApplication(create_backend_app), Path(os.environ[_RECORD]))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(json.dumps({"url": f"http://127.0.0.1:{listening.getsockname()[1]}"}), flush=True)  # noqa: T201 - the parent reads it
        serve(_with_raw_path(application), sockets=[listening], threads=1)


if __name__ == "__main__":
    _serve()
