"""Bearer tokens: which are accepted, which are refused and why, and how the issuer's keys are handled."""

import asyncio
import base64
import dataclasses
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import boto3
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.typedefs import Handler
from moto.cognitoidp.models import cognitoidp_backends

from service.auth.tokens import READ_SCOPE, WRITE_SCOPE
from service.config import Config
from service.errors import SetupError
from tests.api import problem
from tests.support import raw
from tests.support.dynamodb import moto
from tests.support.inprocess import listening
from tests.support.issuer import AUDIENCE, Issuer, private_key, public_jwk, running_issuer
from tests.support.listening import listening_on

BODY = {"dateOfBirth": "1990-12-10"}


def with_issuer(config: Config, issuer: str, **more: Any) -> Config:  # noqa: ANN401 - any setting
    """Return `config` with authentication on."""
    return dataclasses.replace(config, auth_issuer=issuer, auth_audience=(AUDIENCE, "another"), **more)


@pytest_asyncio.fixture(scope="module")
async def issuer() -> AsyncIterator[Issuer]:
    """Run an issuer."""
    async with running_issuer() as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def guarded(config: Config, issuer: Issuer) -> AsyncIterator[str]:
    """Run a service that trusts the issuer, and give its URL."""
    async with listening(with_issuer(config, issuer.url)) as (url, _):
        yield url


@pytest_asyncio.fixture
async def session(guarded: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Give a client without a token."""
    async with aiohttp.ClientSession(guarded) as client:
        yield client


@asynccontextmanager
async def publishing(answer: Handler, path: str = "/keys") -> AsyncIterator[str]:
    """Let `answer` give the keys at a URL of its own until the block ends."""
    app = web.Application()
    app.router.add_get(path, answer)
    async with listening_on(web.AppRunner(app, access_log=None)) as url:
        yield f"{url}{path}"


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", ["/hello/Ada", "/hello/R2D2", "/hello/", "/hello", "/hello/a/b", "/hello/%41da?x=y"])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
async def test_without_a_token_all_of_hello_is_closed(session: aiohttp.ClientSession, method: str, path: str) -> None:
    """Whatever the method and the username, 401 says which credentials are needed and nothing else."""
    async with session.request(method, path) as response:
        await problem(response, 401, "missing_token")
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="hello-birthday"'


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/version", 200),
        ("/", 200),
        ("/docs", 200),
        ("/docs/", 200),
        ("/openapi.yaml", 200),
        ("/helloAda", 404),
    ],
)
async def test_the_rest_is_open(session: aiohttp.ClientSession, path: str, status: int) -> None:
    """Load balancers, deployment gates and readers of the documentation need no token."""
    for headers in ({}, bearer("nonsense")):
        async with session.get(path, headers=headers) as response:
            assert response.status == status


async def test_scopes(session: aiohttp.ClientSession, issuer: Issuer, username: str) -> None:
    """PUT needs the scope `hello/write` and GET needs `hello/read`; otherwise 403 names the missing scope."""
    reader, writer = (bearer(issuer.token(scope=f"other {scope}")) for scope in (READ_SCOPE, WRITE_SCOPE))
    async with session.put(f"/hello/{username}", json=BODY, headers=writer) as response:
        assert response.status == 204
    for method in ("GET", "HEAD"):
        async with session.request(method, f"/hello/{username}", headers=reader) as response:
            assert response.status == 200
    for method, headers, scope in (("PUT", reader, WRITE_SCOPE), ("GET", writer, READ_SCOPE)):
        async with session.request(method, f"/hello/{username}", json=BODY, headers=headers) as response:
            await problem(response, 403, "insufficient_scope")
            challenge = f'Bearer realm="hello-birthday", error="insufficient_scope", scope="{scope}"'
            assert response.headers["WWW-Authenticate"] == challenge


@pytest.mark.parametrize("scope", [None, "", "hello", "hello/readwrite", ["hello/read"], 1])
async def test_no_scope_no_entry(session: aiohttp.ClientSession, issuer: Issuer, scope: object) -> None:
    """A scope that is absent, has the wrong type or is only similar allows nothing."""
    async with session.get("/hello/Ada", headers=bearer(issuer.token(scope=scope))) as response:
        await problem(response, 403, "insufficient_scope")


@pytest.mark.parametrize(
    "claims",
    [
        {"client_id": "another"},
        {"client_id": None, "aud": AUDIENCE},
        {"client_id": "unknown", "aud": ["x", AUDIENCE]},
        {"token_use": None},
        {"exp": -5},
        {"iat": 5, "nbf": 5},
    ],
    ids=["second client", "aud", "aud list", "no token_use", "clock behind", "clock ahead"],
)
async def test_good_tokens(session: aiohttp.ClientSession, issuer: Issuer, claims: dict[str, Any]) -> None:
    """Tokens of Cognito and of other issuers are accepted, and clocks may differ by some seconds."""
    claims = {name: value + int(time.time()) if isinstance(value, int) else value for name, value in claims.items()}
    async with session.get("/hello/nobody", headers=bearer(issuer.token(**claims))) as response:
        await problem(response, 404, "user_not_found")


def encode(part: object) -> str:
    """Write a part of a token."""
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    """Return what a token claims."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def unsigned(issuer: Issuer, algorithm: str) -> str:
    """Return a token that claims to need no signature."""
    return f"{encode({'alg': algorithm, 'kid': 'first'})}.{encode(claims_of(issuer.token()))}."


def confused(issuer: Issuer) -> str:
    """Return a token that takes the public key for a shared secret."""
    secret = private_key("first").as_pem(private=False)
    signed = f"{encode({'alg': 'HS256', 'kid': 'first'})}.{encode(claims_of(issuer.token()))}"
    return f"{signed}.{encode(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def brings_its_key(issuer: Issuer) -> str:
    """Return a token that is signed by a key of its own, which it carries along."""
    return issuer.token(key_id="mine", headers={"kid": "first", "jwk": public_jwk("mine"), "jku": "http://127.0.0.1/"})


def tampered(issuer: Issuer) -> str:
    """Return a token with another scope than the one that was signed."""
    head, _, signature = issuer.token(scope=READ_SCOPE).split(".")
    return ".".join((head, encode(claims_of(issuer.token())), signature))


BAD: dict[str, Callable[[Issuer], str]] = {
    "expired": lambda issuer: issuer.token(exp=int(time.time()) - 60),
    "never expires": lambda issuer: issuer.token(exp=None),
    "expiry is no time": lambda issuer: issuer.token(exp="soon"),
    "not yet valid": lambda issuer: issuer.token(nbf=int(time.time()) + 60),
    "issued in the future": lambda issuer: issuer.token(iat=int(time.time()) + 60),
    "other issuer": lambda issuer: issuer.token(iss="https://issuer.example"),
    "issuer with a slash": lambda issuer: issuer.token(iss=f"{issuer.url}/"),
    "no issuer": lambda issuer: issuer.token(iss=None),
    "other client": lambda issuer: issuer.token(client_id="somebody else"),
    "other audience": lambda issuer: issuer.token(aud="https://other.example"),
    "audience of strange kinds": lambda issuer: issuer.token(aud=[{"a": 1}, None], client_id=None),
    "no audience": lambda issuer: issuer.token(client_id=None),
    "id token": lambda issuer: issuer.token(token_use="id", aud=AUDIENCE),  # noqa: S106 - a kind of token
    "none": lambda issuer: unsigned(issuer, "none"),
    "None": lambda issuer: unsigned(issuer, "None"),
    "algorithm confusion": confused,
    "other algorithm": lambda issuer: issuer.token(headers={"alg": "RS512"}),
    "key of its own": brings_its_key,
    "tampered": tampered,
    "no signature": lambda issuer: issuer.token().rpartition(".")[0] + ".",
    "unknown key": lambda issuer: issuer.token(key_id="unknown"),
    "no key id": lambda issuer: issuer.token(headers={"kid": None}),
    "key id of another kind": lambda _: f"{encode({'alg': 'RS256', 'kid': ['first']})}.e30.AAAA",
    "critical extension": lambda issuer: issuer.token(headers={"crit": ["x"], "x": "1"}),
    "garbage": lambda _: "garbage",
    "three empty parts": lambda _: "..",
    "no base64": lambda _: "a.b.c",
    "no JSON": lambda _: f"{encode(b'{')}.e30.AAAA",
    "no object": lambda _: f"{encode([1])}.e30.AAAA",
    "no UTF-8": lambda _: f"{encode(bytes(range(128, 256)))}.e30.AAAA",
    "deeply nested": lambda _: f"{encode(b'[' * 5000)}.e30.AAAA",
    "huge number": lambda _: f"{encode(b'1' * 5000)}.e30.AAAA",
    "encrypted": lambda _: f"{encode({'alg': 'RSA-OAEP', 'enc': 'A256GCM'})}.a.b.c.d",
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD.keys())
async def test_bad_tokens(session: aiohttp.ClientSession, issuer: Issuer, make: Callable[[Issuer], str]) -> None:
    """Whatever is wrong with a token, the answer is 401 invalid_token and says what is wrong."""
    async with session.get("/hello/Ada", headers=bearer(make(issuer))) as response:
        await problem(response, 401, "invalid_token")
        assert response.headers["WWW-Authenticate"].startswith(
            'Bearer realm="hello-birthday", error="invalid_token", error_description="The'
        )


@pytest.mark.parametrize(
    "fields",
    [
        [b"Authorization: Basic QWRhOng="],
        [b"Authorization: Bearer"],
        [b"Authorization:"],
        [b"Authorization: Bearer a.b.c d"],
        [b"Authorization: Bearer \xff\xfe.\xc3\xa4.\x80"],
        [b"Authorization: Bearer @", b"Authorization: Bearer @"],
    ],
    ids=["other scheme", "no token", "empty", "two words", "no ASCII", "two fields"],
)
async def test_bad_headers(guarded: str, issuer: Issuer, fields: list[bytes]) -> None:
    """A header that is not exactly one bearer token is 401, even if it contains a valid token."""
    lines = [field.replace(b"@", issuer.token().encode()) for field in fields]
    request = b"\r\n".join([b"GET /hello/Ada HTTP/1.1", b"Host: x", *lines, b"", b""])
    response = await raw.exchange(guarded, request)
    assert (response.status, response.json()["code"]) == (401, "invalid_token")


async def test_scheme_is_case_insensitive(session: aiohttp.ClientSession, issuer: Issuer) -> None:
    """`bearer` is as good as `Bearer` (RFC 9110, section 11.1)."""
    async with session.get("/hello/nobody", headers={"Authorization": f"bEARER  {issuer.token()}"}) as response:
        assert response.status == 404


async def test_oversized_token(session: aiohttp.ClientSession, issuer: Issuer) -> None:
    """A token with characters that are illegal in a header is refused before it is parsed."""
    async with session.get("/hello/Ada", headers=bearer(issuer.token(padding="x" * 9000))) as response:
        await problem(response, 431, "headers_too_large")


async def test_token_counts_in_the_header_only(session: aiohttp.ClientSession, issuer: Issuer) -> None:
    """A token in the URL is ignored, because URLs are written to logs."""
    async with session.get("/hello/Ada", params={"access_token": issuer.token()}) as response:
        await problem(response, 401, "missing_token")


async def test_good_token_of_wrong_method(session: aiohttp.ClientSession, issuer: Issuer) -> None:
    """With a valid token, a method that the resource does not have is answered with 405."""
    async with session.post("/hello/Ada", headers=bearer(issuer.token())) as response:
        await problem(response, 405, "method_not_allowed")


async def test_new_key_is_fetched_and_floods_are_not_passed_on(config: Config) -> None:
    """A token with a new key works at once; after that, made-up key ids cause no further requests to the issuer."""
    async with (
        running_issuer() as issuer,
        listening(with_issuer(config, issuer.url)) as (url, _),
        aiohttp.ClientSession(url) as client,
    ):
        issuer.keys = ["second"]
        for key_id, status in (("second", 404), ("first", 401)):
            async with client.get("/hello/nobody", headers=bearer(issuer.token(key_id=key_id))) as response:
                assert response.status == status
        for number in range(20):
            token = issuer.token(headers={"kid": f"made-up-{number}"})
            async with client.get("/hello/nobody", headers=bearer(token)) as response:
                assert response.status == 401
        assert issuer.asked == 2


async def test_waiting_for_keys_keeps_nobody_out(config: Config, issuer: Issuer) -> None:
    """While a slow issuer is asked for made-up keys, good requests are served, and a limited number waits."""
    held, answer = asyncio.Event(), asyncio.Event()
    answer.set()

    async def slow(request: web.Request) -> web.StreamResponse:
        held.set()
        await answer.wait()
        return await issuer.jwks(request)

    async with (
        publishing(slow) as jwks_url,
        listening(with_issuer(config, issuer.url, auth_jwks_url=jwks_url, max_in_flight=2)) as (url, _),
        aiohttp.ClientSession(url) as client,
    ):

        async def status(**token: Any) -> int:  # noqa: ANN401 - as `Issuer.token`
            async with client.get("/hello/nobody", headers=bearer(issuer.token(**token))) as response:
                return response.status

        answer.clear()
        held.clear()
        made_up = [asyncio.create_task(status(headers={"kid": f"made-up-{number}"})) for number in range(10)]
        await held.wait()
        while sum(task.done() for task in made_up) < 8:
            await asyncio.wait([task for task in made_up if not task.done()], return_when=asyncio.FIRST_COMPLETED)
        good = [await status() for _ in range(5)]
        waiting = sum(not task.done() for task in made_up)
        answer.set()
        assert (good, waiting) == ([404] * 5, 2)
        assert await asyncio.gather(*made_up) == [401] * 10


async def test_outage_of_the_issuer_is_not_ours(config: Config) -> None:
    """Known keys go on working while the issuer is down; unknown ones are 401, not 5xx."""
    async with (
        running_issuer() as issuer,
        listening(with_issuer(config, issuer.url)) as (url, _),
        aiohttp.ClientSession(url) as client,
    ):
        issuer.down = True
        for key_id, status in (("first", 404), ("second", 401), ("first", 404)):
            async with client.get("/hello/nobody", headers=bearer(issuer.token(key_id=key_id))) as response:
                assert response.status == status


async def test_one_strange_key_costs_only_itself(config: Config, issuer: Issuer) -> None:
    """Unreadable keys do not prevent the use of the others."""
    strange = [{"kty": "EC", "crv": "P-512", "x": "AA", "y": "AA", "kid": "first"}, {"kid": "first"}, None]

    async def jwks(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"keys": [*strange, public_jwk("first")]})

    async with (
        publishing(jwks) as jwks_url,
        listening(with_issuer(config, issuer.url, auth_jwks_url=jwks_url, startup_seconds=0)) as (url, _),
        aiohttp.ClientSession(url) as client,
        client.get("/hello/nobody", headers=bearer(issuer.token())) as response,
    ):
        assert response.status == 404


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (web.Response(text="[]"), "answers with no JSON object"),
        (web.Response(text="<html>"), "answers with no JSON object"),
        (web.Response(text='{"a":' * 9000), "answers with no JSON object"),
        (web.Response(text=" " * 100_000 + "{}"), "answers with more than 65536 bytes"),
        (web.Response(status=302, headers={"Location": "/other"}), "answers with status 302"),
        (web.Response(text="{}"), 'its key set has no list of "keys"'),
        (web.Response(text='{"keys": {}}'), 'its key set has no list of "keys"'),
        (web.Response(text='{"keys": []}'), "its key set has no key for RS256: it is empty"),
        (web.Response(text='{"keys": [1, {"kty": "oct"}, {}]}'), "for RS256: 1 no object, 2 no RSA key"),
    ],
    ids=["list", "no JSON", "nested", "huge", "redirect", "no keys", "keys of another kind", "empty", "other keys"],
)
async def test_key_set_that_is_none(config: Config, issuer: Issuer, answer: web.Response, reason: str) -> None:
    """A document that is no key set, or has no usable key, is refused with a message that says so."""

    async def jwks(_request: web.Request) -> web.StreamResponse:
        return answer

    async with publishing(jwks) as jwks_url:
        settings = with_issuer(config, issuer.url, auth_jwks_url=jwks_url, startup_seconds=0)
        with pytest.raises(SetupError, match=reason):
            await listening(settings).__aenter__()


async def test_discovery_that_is_none(config: Config) -> None:
    """An issuer that answers discovery with something else is refused with a message that says so."""

    async def discovery(_request: web.Request) -> web.StreamResponse:
        return web.json_response([])

    path = "/.well-known/openid-configuration"
    async with publishing(discovery, path) as url:
        with pytest.raises(SetupError, match=f"{path} answers with no JSON object"):
            await listening(with_issuer(config, url.removesuffix(path), startup_seconds=0)).__aenter__()


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        ({"issuer": "https://other.example"}, "it calls itself https://other.example"),
        ({"jwks_uri": "http://other.example/keys"}, "its keys are at http://other.example/keys, which is not https"),
        ({"jwks_uri": None}, "its keys are at None, which is not https"),
    ],
)
async def test_issuer_that_lies(config: Config, lie: dict[str, Any], reason: str) -> None:
    """An issuer with another name, or with keys that are not fetched over https, is not trusted at all."""
    async with running_issuer() as issuer:
        issuer.discovery = lie
        with pytest.raises(SetupError, match=reason):
            await listening(with_issuer(config, issuer.url, startup_seconds=0)).__aenter__()


async def test_issuer_that_is_down_at_start(config: Config) -> None:
    """A service that could check no token does not start, and says what to look at."""
    async with running_issuer() as issuer:
        issuer.down = True
        with pytest.raises(SetupError) as failure:
            await listening(with_issuer(config, issuer.url, startup_seconds=0)).__aenter__()
    assert str(failure.value).startswith(f"cannot fetch the keys of the token issuer {issuer.url} ")
    assert "check HELLO_AUTH_ISSUER" in str(failure.value)


async def test_issuer_without_usable_keys(config: Config) -> None:
    """An empty key set is refused like a missing one."""
    async with running_issuer() as issuer:
        issuer.keys = []
        with pytest.raises(SetupError, match="cannot fetch the keys"):
            await listening(with_issuer(config, issuer.url, startup_seconds=0)).__aenter__()


async def test_cognito(config: Config) -> None:
    """Tokens of an emulated Cognito pool: a person's own lacks our scopes, one with our scopes is accepted."""
    with moto() as endpoint:
        cognito = boto3.client("cognito-idp", region_name="eu-central-1", endpoint_url=endpoint)
        pool = cognito.create_user_pool(PoolName="hello")["UserPool"]["Id"]
        client_id = cognito.create_user_pool_client(UserPoolId=pool, ClientName="machine")["UserPoolClient"]["ClientId"]
        cognito.admin_create_user(UserPoolId=pool, Username="ada")
        cognito.admin_set_user_password(UserPoolId=pool, Username="ada", Password="Secret-0", Permanent=True)  # noqa: S106 - of an emulator
        login = {"USERNAME": "ada", "PASSWORD": "Secret-0"}
        personal = cognito.initiate_auth(ClientId=client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=login)[
            "AuthenticationResult"
        ]
        backend = cognitoidp_backends["123456789012"]["eu-central-1"].user_pools[pool]
        scopes = {"scope": f"{READ_SCOPE} {WRITE_SCOPE}"}
        scoped, _ = backend.create_jwt(client_id, "ada", "access", extra_data=scopes)
        settings = with_issuer(
            config,
            f"https://cognito-idp.eu-central-1.amazonaws.com/{pool}",
            auth_jwks_url=f"{endpoint}/{pool}/.well-known/jwks.json",
        )
        settings = dataclasses.replace(settings, auth_audience=(client_id,))
        async with listening(settings) as (url, _), aiohttp.ClientSession(url) as client:
            for token, status in ((scoped, 404), (personal["AccessToken"], 403), (personal["IdToken"], 401)):
                async with client.get("/hello/nobody", headers=bearer(token)) as response:
                    assert response.status == status, await response.text()
