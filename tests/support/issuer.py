"""An OpenID Connect issuer on a socket of its own: it can rotate its keys, give false answers, and be down."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry
from joserfc.registry import HeaderParameter

_ANY_HEADER = JWSRegistry({"x": HeaderParameter("An extension", "str")}, ["RS256", "RS512"], strict_check_header=False)
AUDIENCE = "a-client"


@cache
def private_key(key_id: str) -> RSAKey:
    """Return the key of this id; making one takes a while."""
    return RSAKey.generate_key(2048, {"kid": key_id, "use": "sig"})


def public_jwk(key_id: str) -> dict[str, Any]:
    """Return the public half of a key as it is published."""
    return {**private_key(key_id).as_dict(private=False), "alg": "RS256"}


class Issuer:
    """The issuer's metadata, the keys it publishes, and how often it was asked for them."""

    def __init__(self) -> None:
        """Start with one key."""
        self.url = ""
        self.keys = ["first"]
        self.asked = 0
        self.down = False
        self.discovery: dict[str, Any] = {}

    def token(self, *, key_id: str = "first", headers: dict[str, Any] | None = None, **changes: Any) -> str:  # noqa: ANN401 - any claim
        """Return a token with both scopes, signed by a key; `changes` replace or add claims, and None removes one."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": "somebody",
            "client_id": AUDIENCE,
            "token_use": "access",
            "iat": now,
            "exp": now + 600,
            "scope": "hello/read hello/write",
        }
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        head = {"alg": "RS256", "kid": key_id} | (headers or {})
        head = {name: value for name, value in head.items() if value is not None}
        return jwt.encode(head, claims, private_key(key_id), registry=_ANY_HEADER)

    async def configuration(self, _request: web.Request) -> web.Response:
        """Answer the request for the issuer's metadata (discovery)."""
        self._refuse_if_down()
        return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/keys"} | self.discovery)

    async def jwks(self, _request: web.Request) -> web.Response:
        """Answer with the keys."""
        self.asked += 1
        self._refuse_if_down()
        return web.json_response({"keys": [public_jwk(key_id) for key_id in self.keys]})

    def _refuse_if_down(self) -> None:
        if self.down:
            raise web.HTTPBadGateway


@asynccontextmanager
async def running_issuer() -> AsyncIterator[Issuer]:
    """Run an issuer on a free port until the block ends."""
    issuer = Issuer()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", issuer.configuration)
    app.router.add_get("/keys", issuer.jwks)
    async with TestServer(app) as server:
        issuer.url = str(server.make_url("/").origin())
        yield issuer
