"""The instance metadata service, version 2, as machines find it at 169.254.169.254."""

import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from aiohttp import web
from aiohttp.test_utils import TestServer

ADDRESS = "169.254.169.254"
_ROLE = "hello-birthday-test-instance"


def application(user_data: str | Callable[[], str], image_id: str, images: Mapping[str, str]) -> web.Application:
    """Answer what every instance is told, which may change; version 1, which asks for no token, is refused.

    An instance whose address is in `images` runs that image, others run `image_id`.
    """
    token = secrets.token_hex(16)
    answers = {
        "meta-data/placement/region": "eu-central-1",
        "meta-data/ami-id": "",
        "meta-data/instance-id": "i-0123456789abcdef0",
        "user-data": "",
        "meta-data/iam/security-credentials/": _ROLE,
        f"meta-data/iam/security-credentials/{_ROLE}": _credentials(),
    }

    async def give_token(_request: web.Request) -> web.Response:
        return web.Response(text=token)

    async def answer(request: web.Request) -> web.Response:
        if request.headers.get("X-aws-ec2-metadata-token") != token:
            raise web.HTTPUnauthorized
        if request.match_info["path"] not in answers:
            raise web.HTTPNotFound
        if request.match_info["path"] == "meta-data/ami-id":
            return web.Response(text=images.get(request.remote or "", image_id))
        if request.match_info["path"] == "user-data":
            return web.Response(text=user_data if isinstance(user_data, str) else user_data())
        return web.Response(text=answers[request.match_info["path"]])

    app = web.Application()
    app.add_routes([web.put("/latest/api/token", give_token), web.get("/latest/{path:.*}", answer)])
    return app


@asynccontextmanager
async def metadata_service(
    user_data: str | Callable[[], str],
    image_id: str = "ami-0000000000000000a",
    images: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[None]:
    """Serve metadata until the block ends; the bridge must be up."""
    async with TestServer(application(user_data, image_id, images), host=ADDRESS, port=80):
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
