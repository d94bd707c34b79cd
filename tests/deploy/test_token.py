"""The smoke tests get a token for the user pool's machine client, if there is a user pool."""

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Any

import boto3
import pytest
from aiohttp import web
from pytest_aiohttp import AiohttpRawServer

from terraform.deploy import verify
from terraform.deploy.exit_status import Failed

Fetch = Callable[..., Awaitable[str | None]]


@pytest.fixture
def session(dynamodb: str, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    """Give access to an emulated account."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", dynamodb)
    return boto3.Session(region_name="eu-central-1")


@pytest.fixture
def machine(session: boto3.Session) -> dict[str, str]:
    """Make a user pool with a machine client, and give what the endpoint must be told, by pool and client."""
    cognito: Any = session.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="machines")["UserPool"]["Id"]
    made = cognito.create_user_pool_client(UserPoolId=pool, ClientName="machine", GenerateSecret=True)["UserPoolClient"]
    cognito.close()
    return {"pool": pool, "client_id": made["ClientId"], "secret": made["ClientSecret"]}


def test_open_service_needs_none(session: boto3.Session) -> None:
    """If authentication is off, there is no token."""
    assert verify.fetch_token(session, None) is None


@pytest.fixture
def fetch_token(session: boto3.Session, machine: dict[str, str], aiohttp_raw_server: AiohttpRawServer) -> Fetch:
    """Give a function that fetches from an endpoint that knows the machine client by a secret, and gives something."""

    async def fetch_token(secret: str, gives: str = '{"access_token": "a.good.token"}') -> str | None:
        async def answer(request: web.BaseRequest) -> web.Response:
            told = b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
            asked = (await request.read()).decode()
            if (told, asked) != (f"{machine['client_id']}:{secret}", "grant_type=client_credentials"):
                return web.json_response({"error": "invalid_client"}, status=400)
            return web.Response(text=gives)

        endpoint = (await aiohttp_raw_server(answer)).make_url("/oauth2/token")
        authentication = {"issuer": f"https://issuer/{machine['pool']}", "client_id": machine["client_id"]}
        return await asyncio.to_thread(verify.fetch_token, session, authentication | {"token_endpoint": str(endpoint)})

    return fetch_token


async def test_token_of_the_machine_client(fetch_token: Fetch, machine: dict[str, str]) -> None:
    """The client's secret is read from AWS and exchanged for a token."""
    assert await fetch_token(machine["secret"]) == "a.good.token"


async def test_no_token_is_a_failure(fetch_token: Fetch) -> None:
    """An endpoint that issues no token fails the deployment, which is then rolled back."""
    with pytest.raises(Failed, match=r"/oauth2/token returned no token: .*400"):
        await fetch_token("another")


@pytest.mark.parametrize("gives", ["<html>", "{}"])
async def test_what_is_no_token_is_a_failure(fetch_token: Fetch, machine: dict[str, str], gives: str) -> None:
    """An endpoint that returns anything else fails the deployment, too."""
    with pytest.raises(Failed, match="returned no token"):
        await fetch_token(machine["secret"], gives)
