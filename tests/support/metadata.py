"""The instance metadata service, version 2, which machines reach at 169.254.169.254."""

import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

ADDRESS = "169.254.169.254"
INSTANCE = "i-0123456789abcdef0"
_REGION = "eu-central-1"
_ROLE = "hello-birthday-test-instance"
_VERSIONS = {"latest", "2021-03-23", "2009-04-04"}
_FIELD = "X-aws-ec2-metadata-token"


def application(
    user_data: str | Callable[[], str], image_id: str, images: Mapping[str, str], public_key: str = ""
) -> web.Application:
    """Serve each instance's metadata and the user data, which may change; version 1, which needs no token, is refused.

    An instance whose address is in `images` runs that image, others run `image_id`.
    """
    token = secrets.token_hex(16)

    async def give_token(request: web.Request) -> web.Response:
        if f"{_FIELD}-ttl-seconds" not in request.headers:
            raise web.HTTPBadRequest
        return web.Response(text=token)

    async def answer(request: web.Request) -> web.Response:
        if request.headers.get(_FIELD) != token:
            raise web.HTTPUnauthorized
        if request.match_info["version"] not in _VERSIONS:
            raise web.HTTPNotFound
        asking = request.remote or ""
        given = user_data if isinstance(user_data, str) else user_data()
        tree = _tree(asking, images.get(asking, image_id), given, public_key)
        return web.Response(text=_look_up(tree, request.match_info["path"]))

    app = web.Application()
    app.add_routes([web.put("/latest/api/token", give_token), web.get("/{version}/{path:.*}", answer)])
    return app


def _tree(address: str, image_id: str, user_data: str, public_key: str) -> dict[str, Any]:
    """Return an instance's metadata, as folders and files."""
    name = f"ip-{address.replace('.', '-')}.{_REGION}.compute.internal"
    zone = f"{_REGION}a"
    card = _card(address)
    interface = {
        "device-number": "0",
        "interface-id": "eni-0123456789abcdef0",
        "local-hostname": name,
        "local-ipv4s": address,
        "mac": card,
        "subnet-ipv4-cidr-block": f"{address.rpartition('.')[0]}.0/24",
        "vpc-id": "vpc-0123456789abcdef0",
    }
    about = {
        "ami-id": image_id,
        "ami-launch-index": "0",
        "block-device-mapping": {"ami": "/dev/xvda", "root": "/dev/xvda"},
        "hostname": name,
        "iam": {"security-credentials": {_ROLE: _credentials()}},
        "instance-id": INSTANCE,
        "instance-type": "t4g.small",
        "local-hostname": name,
        "local-ipv4": address,
        "mac": card,
        "network": {"interfaces": {"macs": {card: interface}}},
        "placement": {"availability-zone": zone, "region": _REGION},
        "services": {"domain": "amazonaws.com", "partition": "aws"},
    }
    if public_key:
        about["public-keys"] = {"0=builder": "", "0": {"openssh-key": public_key}}
    identity = {"availabilityZone": zone, "imageId": image_id, "instanceId": INSTANCE, "region": _REGION}
    document = json.dumps(identity | {"accountId": "111111111111", "privateIp": address})
    tree = {"meta-data": about, "dynamic": {"instance-identity": {"document": document}}}
    return tree | {"user-data": user_data} if user_data else tree


def _look_up(tree: dict[str, Any], path: str) -> str:
    """Return a file's text or the list of a folder; raise `HTTPNotFound` if it does not exist."""
    found: Any = tree
    for part in path.strip("/").split("/"):
        if not isinstance(found, dict) or part not in found:
            raise web.HTTPNotFound
        found = found[part]
    if isinstance(found, str):
        return found
    # Keys are listed as number and name, and requested by number.
    listed = [name for name in found if "=" in name] or found
    return "\n".join(f"{name}/" if isinstance(found[name], dict) else name for name in listed)


def _card(address: str) -> str:
    """Return the hardware address at which this host last saw `address`."""
    for line in Path("/proc/net/arp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if fields[0] == address:
            return fields[3]
    return "02:00:00:00:00:00"


@asynccontextmanager
async def metadata_service(
    user_data: str | Callable[[], str],
    image_id: str = "ami-0000000000000000a",
    images: Mapping[str, str] = MappingProxyType({}),
    public_key: str = "",
) -> AsyncIterator[None]:
    """Serve metadata until the block ends; the bridge must be up."""
    async with TestServer(application(user_data, image_id, images, public_key), host=ADDRESS, port=80):
        yield


def _credentials() -> str:
    return json.dumps(
        {
            "Code": "Success",
            "Type": "AWS-HMAC",
            "AccessKeyId": "test",
            "SecretAccessKey": "test",
            "Token": "test",
            "LastUpdated": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Expiration": (datetime.now(UTC) + timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )
