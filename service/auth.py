"""Who may ask: OAuth 2 access tokens as Cognito and other OpenID Connect providers issue them (RFC 6750, RFC 9068).

Owns which token is good for which request. The signature is PyJWT's business, the issuer's keys are
`signing_keys.py`'s. Knows nothing of users and dates; what a token says about a person is not logged.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import jwt
from aiohttp import hdrs, web

from service.config import Config
from service.errors import InsufficientScope, InvalidToken, Unauthorized
from service.signing_keys import SigningKeys, fetched_keys

READ_SCOPE = "hello/read"
WRITE_SCOPE = "hello/write"

# What Cognito signs with, and what every OpenID Connect provider must offer. One algorithm leaves nothing to confuse.
ALGORITHM = "RS256"
# How far the issuer's clock and ours may be apart.
LEEWAY_SECONDS = 10

_SCOPES = {hdrs.METH_GET: READ_SCOPE, hdrs.METH_HEAD: READ_SCOPE, hdrs.METH_PUT: WRITE_SCOPE}
_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)
_COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)

_DETAILS: tuple[tuple[type[Exception], str], ...] = (
    (jwt.ExpiredSignatureError, "The token has expired; get a new one."),
    (jwt.ImmatureSignatureError, "The token is not valid yet."),
    (jwt.InvalidIssuerError, "The token is of another issuer."),
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class TokenVerifier:
    """Checks the tokens of one issuer that are meant for one of `audiences`."""

    def __init__(self, issuer: str, audiences: Sequence[str], keys: SigningKeys) -> None:
        """Trust what is signed by a key of `keys`."""
        self._issuer = issuer
        self._audiences = audiences
        self._keys = keys

    async def scopes(self, token: str) -> list[str]:
        """Return what the token allows; raise `InvalidToken` if it is no good."""
        claims = await self._claims(token)
        # Cognito's access tokens name their client; those of others, and Cognito's own id tokens, an audience.
        audience = claims.get("aud", claims.get("client_id"))
        if not any(name in self._audiences for name in (audience if isinstance(audience, list) else [audience])):
            raise InvalidToken("The token is for another audience.")
        if claims.get("token_use", "access") != "access":
            raise InvalidToken("The token is no access token.")
        scope = claims.get("scope")
        return scope.split() if isinstance(scope, str) else []

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            if not _COMPACT.fullmatch(token):
                raise InvalidToken
            key = await self._keys.find(jwt.get_unverified_header(token).get("kid"))
            if key is None:
                raise InvalidToken("The issuer has no key of the token's kid.")
            options: Any = {"require": ["exp", "iss"], "verify_aud": False}
            return jwt.decode(
                token, key, algorithms=[ALGORITHM], issuer=self._issuer, leeway=LEEWAY_SECONDS, options=options
            )
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            details = (detail for kind, detail in _DETAILS if isinstance(error, kind))
            raise InvalidToken(next(details, None)) from None


_VERIFIER = web.AppKey("_VERIFIER", TokenVerifier)


def protect(app: web.Application, config: Config) -> None:
    """Let only requests with a good token pass to /hello; `app` fetches the issuer's keys when it starts."""
    app.middlewares.append(_admit)

    async def verifier_context(app: web.Application) -> AsyncIterator[None]:
        async with fetched_keys(config) as keys:
            app[_VERIFIER] = TokenVerifier(config.auth_issuer, config.auth_audience, keys)
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
