"""The smoke tests send requests as clients do; they run in a process of their own, as the command runs them."""

import asyncio
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.app import utc_today
from terraform.deploy.aws import Waiter
from terraform.deploy.exit_status import Failed
from terraform.deploy.group import Group
from terraform.deploy.verify import Environment
from tests.conftest import Clock
from tests.deploy.cloud import Cloud, served
from tests.smoke.conftest import through_the_firewall
from tests.support.dynamodb import free_port
from tests.support.issuer import Issuer


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """Give an environment that was applied once."""
    with served(Cloud()) as cloud:
        cloud.apply(cloud.plan("a"))
        yield cloud


def environment(cloud: Cloud, url: str) -> Environment:
    """Return an environment whose clients are at `url`, verified without any pause."""
    scripted = cast(Any, cloud)
    group = Group(scripted, "group", {}, Waiter(lambda: None, 0.0))
    return Environment(cloud.outputs(), group, url, scripted)


@pytest.mark.timeout(180)  # pytest within pytest
async def test_with_and_without_a_token(
    cloud: Cloud, guarded: tuple[str, Issuer], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a service that requires tokens, the smoke tests pass with one and fail without."""
    url, issuer = guarded
    clock.today = utc_today()
    asked = environment(cloud, url)
    monkeypatch.setenv("HELLO_SMOKE_TOKEN", issuer.token())
    await asyncio.to_thread(asked.smoke)
    monkeypatch.delenv("HELLO_SMOKE_TOKEN")
    with pytest.raises(Failed, match=r"\b401\b"):
        await asyncio.to_thread(asked.smoke)


@pytest.mark.timeout(180)  # pytest within pytest
def test_a_service_that_says_yes_to_all(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smoke tests fail for a service that answers wrongly, or does not require the token that it should."""
    monkeypatch.setenv("HELLO_SMOKE_TOKEN", "a.good.token")
    with pytest.raises(Failed, match=r"FAILED \S+test_birthday(?s:.*)FAILED \S+test_no_token"):
        environment(cloud, cloud.url).smoke()


@pytest.mark.parametrize("refused", [2, 3])
async def test_firewall_in_front_is_no_fault_of_the_service(refused: int) -> None:
    """A firewall's 403 is retried; if it stays, the tests end and say that a firewall blocks them."""
    asked = 0

    async def answer(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        of_service = asked > refused
        return web.Response(status=403, headers={"X-Request-Id": "1"} if of_service else {"Server": "awselb/2.0"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    patience = through_the_firewall((0, 0))
    told = r"the 403 is not from the service but from awselb/2\.0 in front of it"
    async with TestServer(app) as front, aiohttp.ClientSession(middlewares=[patience]) as client:
        gives_up = pytest.raises(pytest.exit.Exception, match=told) if refused == 3 else nullcontext()
        with gives_up:
            async with client.get(front.make_url("/version")) as response:
                assert response.headers["X-Request-Id"] == "1"
    assert asked == 3


@pytest.mark.parametrize("instances", [3, 0])
def test_nobody_answers(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, instances: int) -> None:
    """An unreachable load balancer is reported, even if no instances are expected."""
    del cloud.instances[instances:]
    group = {"DesiredCapacity": instances, "LaunchTemplate": {"Version": "1"}, "Instances": cloud.instances}
    monkeypatch.setattr(cloud, "describe_auto_scaling_groups", lambda **_: {"AutoScalingGroups": [group]})
    with pytest.raises(Failed, match="does not answer"):
        environment(cloud, f"http://127.0.0.1:{free_port()}").serves("a")
