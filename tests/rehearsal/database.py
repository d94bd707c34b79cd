"""The table: DynamoDB Local behind an address of its own and a proxy that speaks TLS and can inject faults."""

import asyncio
import json
import os
import random
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from aiohttp import web

from service.storage.dynamodb import create_table
from tests.support.dynamodb import dynamodb_local
from tests.support.machine import STORE, Bridge
from tests.support.proxy import Fault, FaultyProxy, aws_error, operation

_THROTTLED = aws_error("ProvisionedThroughputExceededException")


class Database:
    """The table that the fleet uses, and its faults."""

    def __init__(self, proxy: FaultyProxy, address: str, network: Bridge) -> None:
        """Start without a fault."""
        self._proxy, self._address, self._network = proxy, address, network
        self.url = ""

    @property
    def calls(self) -> int:
        """How many calls have been received so far."""
        return len(self._proxy.calls)

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        """Take the address away, so that packets to it get no answer."""
        change_address("delete", self._address, self._network)
        try:
            yield
        finally:
            change_address("add", self._address, self._network)

    @contextmanager
    def throttling(self, share: float) -> Iterator[None]:
        """Throttle a share of the keys, as an overloaded partition does: some of a batch, or a whole single call."""
        chance = random.Random(30)

        async def throttle(request: web.Request) -> web.StreamResponse:
            if not operation(request).startswith("Batch"):
                return await (_THROTTLED(request) if chance.random() < share else self._proxy.forward(request))
            body = json.loads(await request.read())
            (table, asked), *_ = body["RequestItems"].items()
            keys = asked["Keys"] if isinstance(asked, dict) else asked
            refused = [key for key in keys if chance.random() < share]
            passed = [key for key in keys if key not in refused]
            if not passed:
                return await _THROTTLED(request)
            kind = "UnprocessedKeys" if isinstance(asked, dict) else "UnprocessedItems"
            body["RequestItems"][table] = asked | {"Keys": passed} if isinstance(asked, dict) else passed
            answer = await self._proxy.forward(request, json.dumps(body).encode())
            told = json.loads(answer.text or "")
            if refused:
                told[kind] = {table: asked | {"Keys": refused} if isinstance(asked, dict) else refused}
            headers = {name: value for name, value in answer.headers.items() if name.lower() == "x-amzn-requestid"}
            return web.json_response(told, headers=headers, content_type="application/x-amz-json-1.0")

        with self._fault(throttle):
            yield

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Delay the answer to every call by `seconds`."""

        async def wait(request: web.Request) -> web.StreamResponse:
            await asyncio.sleep(seconds)
            return await self._proxy.forward(request)

        with self._fault(wait):
            yield

    @contextmanager
    def _fault(self, fault: Fault) -> Iterator[None]:
        self._proxy.fault = fault
        try:
            yield
        finally:
            self._proxy.fault = None


@asynccontextmanager
async def database(network: Bridge, table: str) -> AsyncIterator[Database]:
    """Run the table at an address of its own until the block ends."""
    address = f"{network.address.rpartition('.')[0]}.2"
    change_address("add", address, network)
    with dynamodb_local() as upstream:
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-central-1"}
        os.environ |= keys | {"AWS_ENDPOINT_URL_DYNAMODB": upstream}
        await create_table(table)
        proxy = FaultyProxy(upstream)
        made = Database(proxy, address, network)
        async with proxy.running(address, STORE) as made.url:
            yield made


def change_address(change: str, address: str, network: Bridge) -> None:
    """Add an address of the host to the bridge, or delete it."""
    subprocess.run(["ip", "address", change, f"{address}/32", "dev", network.name], check=True)
