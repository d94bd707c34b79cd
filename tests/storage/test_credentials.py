"""Credentials that expire, hang or are revoked: requests never wait for them, and new ones are found automatically."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from aiohttp import web

from service.config import Config
from service.errors import SetupError, StorageUnavailable
from service.storage.dynamodb import UserStore
from service.storage.startup import connected_store
from tests.support.listening import listening_on
from tests.support.proxy import FaultyProxy, aws_error


class Agent:
    """Gives credentials as containers get them; what it gives can expire, change or not come at all."""

    def __init__(self) -> None:
        """Begin with a key that lasts."""
        self.key = "first"
        self.lifetime = timedelta(hours=6)
        self.asked = 0
        self.working = asyncio.Event()
        self.working.set()

    async def answer(self, _request: web.BaseRequest) -> web.StreamResponse:
        """Give credentials, or hang."""
        self.asked += 1
        await self.working.wait()
        expiry = (datetime.now(UTC) + self.lifetime).strftime("%Y-%m-%dT%H:%M:%SZ")
        names = {"AccessKeyId": self.key, "SecretAccessKey": "?", "Token": "?", "Expiration": expiry}
        return web.Response(text=json.dumps(names))


@pytest_asyncio.fixture
async def agent(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Agent]:
    """Give the only source of credentials."""
    agent = Agent()
    async with listening_on(web.ServerRunner(web.Server(agent.answer))) as url:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{url}/")
        yield agent
        agent.working.set()


async def answers(store: UserStore) -> bool:
    """Say whether a read is answered."""
    try:
        await store.get("Ada")
    except StorageUnavailable:
        return False
    return True


async def test_no_request_waits_for_credentials(config: Config, agent: Agent, username: str) -> None:
    """A request is answered while the source of credentials hangs, as long as those at hand are valid."""
    agent.lifetime = timedelta(minutes=5)  # so that the AWS library wants to renew them before its next call
    async with connected_store(config) as store:
        agent.working.clear()
        assert await store.get(username) is None


async def test_credentials_that_are_refused_are_replaced(
    config: Config, dynamodb: str, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once AWS rejects the credentials, new ones are fetched, once for all requests, until they are valid."""
    proxy = FaultyProxy(dynamodb)

    async def know_second_only(request: web.Request) -> web.StreamResponse:
        known = "Credential=second/" in request.headers["Authorization"]
        return await (proxy.forward if known else aws_error("UnrecognizedClientException"))(request)

    async with proxy.running() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        async with connected_store(config) as store:
            proxy.fault = know_second_only
            agent.key, agent.lifetime, agent.asked = "second", timedelta(minutes=-1), 0
            outcomes = await asyncio.gather(*[store.get("Ada") for _ in range(20)], return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {StorageUnavailable}
            async with asyncio.timeout(20):
                while agent.asked < 2:  # expired when they came, and when they were renewed at once
                    await asyncio.sleep(0)
                agent.lifetime = timedelta(hours=6)
                while not await answers(store):
                    pass
            assert agent.asked == 3


async def test_credentials_that_came_expired(config: Config, agent: Agent) -> None:
    """Credentials that are already expired are refused at the start, with a message that says so."""
    agent.lifetime = timedelta(minutes=-1)
    with pytest.raises(SetupError, match=r"could not get AWS credentials .* still expired"):
        async with connected_store(dataclasses.replace(config, startup_seconds=0)):
            pass
