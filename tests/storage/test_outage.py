"""The store is cut off and comes back: writes that were given up never take effect, over TLS as in production."""

import asyncio
from collections.abc import Callable
from datetime import date

import pytest
import uvloop

from service.config import Config
from service.errors import StorageUnavailable
from service.storage.dynamodb import MAX_WRITES, open_store
from tests.support.proxy import FaultyProxy
from tests.support.relay import Relay

OLD, NEW = date(1990, 6, 15), date(2000, 2, 29)


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_write_given_up_in_an_outage_never_shows(
    config: Config,
    dynamodb: str,
    username: str,
    monkeypatch: pytest.MonkeyPatch,
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """What the kernel held of a write that was given up is not delivered after a later one was acknowledged."""

    async def play() -> date | None:
        proxy = FaultyProxy(dynamodb)
        async with proxy.running() as behind:
            relay = Relay(behind)
            async with relay.running() as url:
                monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
                async with open_store(config) as store:
                    await store.ping()
                    relay.stall()
                    # Long names in a batch, so that it is more than the network takes before it stalls.
                    old = {username + "x" * (230 + n): OLD for n in range(MAX_WRITES)}
                    with pytest.raises(StorageUnavailable):
                        await store.put_many(old, asyncio.get_running_loop().time() + 0.2)
                    await store.put(user := next(iter(old)), NEW)
                    await relay.resume()
                    assert "BatchWriteItem" not in proxy.calls
                    return await store.get(user)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(play()) == NEW
