"""Access control by OAuth 2 access tokens of Cognito or other OpenID Connect providers (RFC 6750, RFC 9068).

Owns which token is valid for which request. joserfc verifies signatures, and `signing_keys.py` keeps the issuer's keys.
Knows nothing of users and dates; the claims of a token are never logged.
"""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from joserfc import jws, jwt
from joserfc.errors import ClaimError, JoseError
from joserfc.jwk import RSAKey

from service.auth.jwks import ALGORITHM
from service.auth.own_key import OwnKey
from service.auth.signing_keys import fetched_keys
from service.config import Config
from service.errors import InsufficientScope, InvalidToken, Unauthorized
from service.keys import LIFECYCLE, OWN_TOKEN

READ_SCOPE = "hello/read"
WRITE_SCOPE = "hello/write"

# The greatest difference between the issuer's clock and ours.
LEEWAY_SECONDS = 10

_SCOPES = {hdrs.METH_GET: READ_SCOPE, hdrs.METH_HEAD: READ_SCOPE, hdrs.METH_PUT: WRITE_SCOPE}
_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)
_COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)

_DETAILS = {
    "exp": "The token has expired, or does not say when it does; get a new one.",
    "iat": "The token was issued in the future.",
    "iss": "The token is from another issuer.",
    "nbf": "The token is not valid yet.",
}
# Unknown header parameters are ignored (RFC 7515, section 4), except those that `crit` names.
_HEADERS = jws.JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)


class _Keys(Protocol):
    """A source of keys."""

    async def find(self, key_id: object) -> RSAKey | None:
        """Return the key with this id, or None if there is none."""


class TokenVerifier:
    """Verifies tokens of one issuer for any of our audiences."""

    def __init__(self, issuer: str, audiences: Sequence[str], keys: _Keys) -> None:
        """Accept tokens of `issuer` for one of `audiences`, signed by a key in `keys`."""
        self._rules = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS, iss={"essential": True, "value": issuer}, exp={"essential": True}
        )
        self._issuer = issuer
        self._audiences = audiences
        self._keys = keys

    @contextmanager
    def own_token(self) -> Iterator[str]:
        """Provide a token with both scopes for the self-test; inside the block no other token is valid.

        It is signed by a key of our own, which replaces the issuer's keys until the block ends.
        """
        key, issuers = OwnKey(), self._keys
        scopes = f"{READ_SCOPE} {WRITE_SCOPE}"
        self._keys = key
        try:
            yield key.token({"iss": self._issuer, "aud": self._audiences[0], "scope": scopes})
        finally:
            self._keys = issuers

    async def scopes(self, token: str) -> list[str]:
        """Return the scopes of the token; raise `InvalidToken` if the token is not valid."""
        claims = await self._claims(token)
        # Cognito's access tokens have client_id; those of other providers, and Cognito's id tokens, have aud.
        audience = claims.get("aud", claims.get("client_id"))
        if not any(name in self._audiences for name in (audience if isinstance(audience, list) else [audience])):
            raise InvalidToken("The token is for another audience.")
        if claims.get("token_use", "access") != "access":
            raise InvalidToken("The token is not an access token.")
        scope = claims.get("scope")
        return scope.split() if isinstance(scope, str) else []

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            if not _COMPACT.fullmatch(token):
                raise InvalidToken
            key = await self._keys.find(jws.extract_compact(token.encode()).headers().get("kid"))
            if key is None:
                raise InvalidToken("The token's kid names no key of the issuer; if the key is new, try again in 10 s.")
            claims = jwt.decode(token, key, registry=_HEADERS).claims
            self._rules.validate(claims)
        except ClaimError as error:
            raise InvalidToken(_DETAILS.get(error.claim)) from None
        except (JoseError, ValueError, RecursionError):
            raise InvalidToken from None
        return claims


_VERIFIER = web.AppKey("_VERIFIER", TokenVerifier)


def protect(app: web.Application, config: Config) -> None:
    """Require a valid token for /hello; `app` fetches the issuer's keys when it starts."""
    app.middlewares.append(_admit)

    async def verifier_context(app: web.Application) -> AsyncIterator[None]:
        async with fetched_keys(config, app[LIFECYCLE]) as keys:
            app[_VERIFIER] = TokenVerifier(config.auth_issuer, config.auth_audience, keys)
            app[OWN_TOKEN] = app[_VERIFIER].own_token
            yield

    app.cleanup_ctx.append(verifier_context)


@web.middleware
async def _admit(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path == "/hello" or request.path.startswith("/hello/"):
        granted = await request.app[_VERIFIER].scopes(_token(request))
        needed = _SCOPES.get(request.method)
        if needed is not None and needed not in granted:
            raise InsufficientScope(needed)
    return await handler(request)


def _token(request: web.Request) -> str:
    given = request.headers.getall(hdrs.AUTHORIZATION, [])
    if not given:
        raise Unauthorized
    bearer = _BEARER.fullmatch(given[0])
    if bearer is None or len(given) > 1:
        raise InvalidToken("Send one header field, Authorization: Bearer <token>.")
    return bearer[1]
