"""BatchingStore against a DynamoDB-compatible server: fewer calls, and otherwise the same behaviour."""

import asyncio
import itertools
import json
import random
import string
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from botocore.exceptions import ClientError
from types_boto3_dynamodb.service_resource import Table

from service.config import Config
from service.errors import CorruptRecord, StorageUnavailable
from service.storage.batching import BatchingStore, batching_store
from service.storage.dynamodb import UserStore
from tests.support.linearizability import Operation, is_linearizable
from tests.support.proxy import Fault, FaultyProxy, aws_error, cut, operation

BORN = date(1990, 6, 15)


@dataclass
class Setup:
    """A store behind a faulty network."""

    proxy: FaultyProxy
    store: BatchingStore


@pytest_asyncio.fixture
async def setup(config: Config, dynamodb: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Setup]:
    """Give a store whose calls are seen, and can be spoilt, by a proxy."""
    proxy = FaultyProxy(dynamodb)
    async with proxy.running() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        async with batching_store(config) as store:
            proxy.calls.clear()
            yield Setup(proxy, store)


def names(prefix: str, count: int) -> list[str]:
    """Return `count` different names that begin with `prefix`."""
    suffixes = itertools.product(string.ascii_lowercase, repeat=2)
    return [prefix + "".join(suffix) for suffix in itertools.islice(suffixes, count)]


async def test_concurrent_writes_and_reads_share_calls(setup: Setup, table: Table, username: str) -> None:
    """250 writes and then 250 reads, some of unknown users, take a handful of calls, and all are right."""
    users = {name: BORN + timedelta(days=n) for n, name in enumerate(names(username, 250))}
    await asyncio.gather(*[setup.store.put(name, born) for name, born in users.items()])
    assert setup.proxy.calls.count("PutItem") == 1
    assert 10 <= setup.proxy.calls.count("BatchWriteItem") <= 20
    for name, born in users.items():
        assert table.get_item(Key={"username": name})["Item"]["dateOfBirth"] == born.isoformat()
    setup.proxy.calls.clear()
    wanted = [*users, *names(f"{username}Unknown", 10)]
    found = await asyncio.gather(*[setup.store.get(name) for name in wanted])
    assert dict(zip(wanted, found, strict=True)) == dict.fromkeys(wanted) | users
    assert setup.proxy.calls.count("GetItem") == 1
    assert 3 <= setup.proxy.calls.count("BatchGetItem") <= 10


async def test_lone_requests_are_plain_calls(setup: Setup, username: str) -> None:
    """One request after the other is one GetItem or PutItem each."""
    await setup.store.put(username, BORN)
    assert await setup.store.get(username) == BORN
    assert setup.proxy.calls == ["PutItem", "GetItem"]


async def test_same_user_many_times(setup: Setup, username: str) -> None:
    """Concurrent requests for one user never break DynamoDB's rule against duplicate keys; the last write wins."""
    borns = [BORN + timedelta(days=n) for n in range(30)]
    await asyncio.gather(*[setup.store.put(username, born) for born in borns], setup.store.put(f"{username}x", BORN))
    assert await asyncio.gather(*[setup.store.get(username) for _ in range(150)]) == [borns[-1]] * 150


async def test_many_writers_of_one_user_cost_two_writes(setup: Setup, table: Table, username: str) -> None:
    """64 concurrent writes of one user are all acknowledged once the last is stored, and DynamoDB bills two of them."""
    borns = [BORN + timedelta(days=n) for n in range(64)]
    await asyncio.gather(*[setup.store.put(username, born) for born in borns])
    assert table.get_item(Key={"username": username})["Item"]["dateOfBirth"] == borns[-1].isoformat()
    assert setup.proxy.calls == ["PutItem", "PutItem"]


async def test_damaged_item_fails_alone(setup: Setup, table: Table, username: str) -> None:
    """One damaged item in a batch is one failure."""
    table.put_item(Item={"username": username, "dateOfBirth": "?"})
    outcomes = await asyncio.gather(
        *[setup.store.get(name) for name in [f"{username}a", username, f"{username}b"]], return_exceptions=True
    )
    assert outcomes[0] is outcomes[2] is None
    assert isinstance(outcomes[1], CorruptRecord)


async def test_unprocessed_keys_are_asked_for_again(setup: Setup, username: str) -> None:
    """Keys that DynamoDB leaves unprocessed with status 200 are retried until they are done."""
    setup.proxy.fault = leave_out_half(setup.proxy, random.Random(1))
    users = names(username, 60)
    await asyncio.gather(*[setup.store.put(name, BORN) for name in users])
    assert await asyncio.gather(*[setup.store.get(name) for name in users]) == [BORN] * 60
    assert "BatchGetItem" in setup.proxy.calls
    assert "BatchWriteItem" in setup.proxy.calls


@pytest.mark.parametrize("code", ["ValidationException", "InternalServerError"])
async def test_failed_batch_is_not_a_failed_hundred(setup: Setup, config: Config, username: str, code: str) -> None:
    """If only batch calls fail, every request is answered by a call of its own."""

    async def refuse_batches(request: web.Request) -> web.StreamResponse:
        if operation(request).startswith("Batch"):
            return await aws_error(code, 500 if code == "InternalServerError" else 400)(request)
        return await setup.proxy.forward(request)

    setup.proxy.fault = refuse_batches
    users = names(username, 20)
    # The emulator answers forty single calls one after the other, for which a busy machine needs longer than usual.
    async with batching_store(Config(table_name=config.table_name, storage_seconds=30)) as store:
        await asyncio.gather(*[store.put(name, BORN) for name in users])
        assert await asyncio.gather(*[store.get(name) for name in users]) == [BORN] * 20


async def test_throttled_key_fails_alone_and_in_time(setup: Setup, username: str) -> None:
    """A key that is never processed is unavailable after the time budget; the others never notice."""
    hot = f"{username}hot"

    async def throttle(request: web.Request) -> web.StreamResponse:
        if hot.encode() not in await request.read():
            return await setup.proxy.forward(request)
        if operation(request).startswith("Batch"):
            return await split(setup.proxy, request, lambda key: key == hot)
        return await aws_error("ProvisionedThroughputExceededException")(request)

    setup.proxy.fault = throttle
    cold = [asyncio.create_task(setup.store.get(name)) for name in names(username, 10)]
    hot_read = asyncio.create_task(setup.store.get(hot))
    await asyncio.gather(*cold)
    assert not hot_read.done()
    with pytest.raises(StorageUnavailable):
        await asyncio.wait_for(hot_read, 10)  # it would be tried for ever


async def test_throttled_lone_key_goes_again(setup: Setup, username: str) -> None:
    """A lone read that DynamoDB throttles, more often than the SDK tries, is answered once DynamoDB has room."""
    await setup.store.put(username, BORN)
    refused = 0

    async def throttle(request: web.Request) -> web.StreamResponse:
        nonlocal refused
        refused += 1
        if refused > 3:
            return await setup.proxy.forward(request)
        return await aws_error("ThrottlingException")(request)

    setup.proxy.fault = throttle
    assert await setup.store.get(username) == BORN
    assert refused == 4


class Throttling:
    """An AWS client that is throttled a few times and then keeps one write waiting until it is released."""

    def __init__(self) -> None:
        """Store nothing yet."""
        self.refusals = 3
        self.released = asyncio.Event()
        self.stored: list[str] = []

    async def put_item(self, **call: Any) -> None:  # noqa: ANN401 - as boto's own
        """Refuse, or store once released."""
        if self.refusals:
            self.refusals -= 1
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "PutItem")
        await self.released.wait()
        self.stored.append(call["Item"]["dateOfBirth"]["S"])


async def test_write_that_was_answered_with_503_is_not_applied_later() -> None:
    """A later attempt of a throttled write ends with its caller's time, though each attempt alone might take longer."""
    client = Throttling()
    store = BatchingStore(UserStore(client, "birthdays", 0.5), 0.5)  # type: ignore[arg-type]
    with pytest.raises(StorageUnavailable):
        await store.put("Ada", BORN)
    client.released.set()
    await store.put("Ada", date(2000, 2, 29))
    assert client.stored == ["2000-02-29"]
    await store.close()


async def test_write_that_may_still_be_on_its_way_is_not_sent_again(setup: Setup, username: str) -> None:
    """Of two acknowledged writes the older never wins, even if DynamoDB commits an attempt late."""
    late: list[Callable[[], Awaitable[web.StreamResponse]]] = []

    async def commit_first_late(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if late or operation(request) != "PutItem":
            return await setup.proxy.forward(request)
        late.append(lambda: setup.proxy.forward(request, body))
        return await setup.proxy.silence(request)

    setup.proxy.fault = commit_first_late
    with pytest.raises(StorageUnavailable):
        await setup.store.put(username, BORN)
    await setup.store.put(username, date(2000, 2, 29))
    await late[0]()
    assert setup.proxy.calls.count("PutItem") == 2


async def test_batch_of_writes_without_an_answer_is_not_sent_again(setup: Setup, username: str) -> None:
    """If the connection breaks after a batch was sent, reads are retried key by key, but writes are refused."""

    async def cut_batches(request: web.Request) -> web.StreamResponse:
        return await (cut if operation(request).startswith("Batch") else setup.proxy.forward)(request)

    setup.proxy.fault = cut_batches
    users = names(username, 20)
    outcomes = await asyncio.gather(*[setup.store.put(name, BORN) for name in users], return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None)] + 19 * [StorageUnavailable]
    assert (setup.proxy.calls.count("PutItem"), setup.proxy.calls.count("BatchWriteItem")) == (1, 1)
    assert await asyncio.gather(*[setup.store.get(name) for name in users]) == [BORN] + 19 * [None]


async def test_read_never_joins_a_call_that_left_before_the_write(setup: Setup, username: str) -> None:
    """A read after an acknowledged write sees it, even while an older read of the user is still out."""
    await setup.store.put(username, BORN)
    held, release = asyncio.Event(), asyncio.Event()

    async def hold_reads(request: web.Request) -> web.StreamResponse:
        answer = await setup.proxy.forward(request)
        if operation(request) == "GetItem" and not held.is_set():
            held.set()
            await release.wait()
        return answer

    setup.proxy.fault = hold_reads
    older = asyncio.create_task(setup.store.get(username))
    await held.wait()
    await setup.store.put(username, date(2000, 2, 29))
    assert await setup.store.get(username) == date(2000, 2, 29)
    release.set()
    assert await older == BORN


async def split(proxy: FaultyProxy, request: web.Request, left_out: Callable[[str], bool]) -> web.StreamResponse:
    """Process a batch but for the keys that `left_out` names, as DynamoDB does when it is short of capacity."""
    body = json.loads(await request.read())
    ((table_name, content),) = body["RequestItems"].items()
    reading = operation(request) == "BatchGetItem"
    entries = content["Keys"] if reading else content
    rest = [
        entry for entry in entries if left_out((entry if reading else entry["PutRequest"]["Item"])["username"]["S"])
    ]
    done = [entry for entry in entries if entry not in rest]
    if not done:
        return await aws_error("ProvisionedThroughputExceededException")(request)
    body["RequestItems"] = {table_name: content | {"Keys": done} if reading else done}
    answer = await proxy.forward(request, json.dumps(body).encode())
    assert isinstance(answer.body, bytes)
    parsed = json.loads(answer.body)
    if rest:
        name = "UnprocessedKeys" if reading else "UnprocessedItems"
        parsed[name] = {table_name: content | {"Keys": rest} if reading else rest}
    return web.Response(text=json.dumps(parsed), headers=answer.headers)


def leave_out_half(proxy: FaultyProxy, dice: random.Random) -> Fault:
    """Return a fault that processes every key of a batch with a chance of one half."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if operation(request).startswith("Batch"):
            return await split(proxy, request, lambda _: dice.random() < 0.5)
        return await proxy.forward(request)

    return answer


class Client:
    """Reads and writes users at random and writes down when it did what."""

    def __init__(self, store: BatchingStore, dice: random.Random, events: "itertools.count[int]") -> None:
        """Take times from `events`, which all clients share."""
        self.store = store
        self.dice = dice
        self.events = events
        self.history: list[tuple[str, Operation]] = []
        self.failures = 0

    async def act(self, user: str, born: date | None) -> None:
        """Write `born`, or read if it is None."""
        called = next(self.events)
        try:
            if born is None:
                found = await self.store.get(user)
                self.history.append((user, Operation("read", found, called, next(self.events))))
            else:
                await self.store.put(user, born)
                self.history.append((user, Operation("write", born, called, next(self.events))))
        except StorageUnavailable:
            self.failures += 1
            if born is not None:
                self.history.append((user, Operation("write", born, called)))


def everything_goes_wrong(proxy: FaultyProxy, dice: random.Random) -> Fault:
    """Return a fault that throttles, refuses, leaves out, and cuts before and after the work is done."""

    async def answer(request: web.Request) -> web.StreamResponse:
        luck = dice.random()
        if luck < 0.05:
            return await cut(request)
        if luck < 0.10:
            await proxy.forward(request)
            return await cut(request)
        if luck < 0.20:
            return await aws_error("ProvisionedThroughputExceededException")(request)
        if luck < 0.25:
            return await aws_error("InternalServerError", 500)(request)
        if luck < 0.50 and operation(request).startswith("Batch"):
            return await split(proxy, request, lambda _: dice.random() < 0.5)
        return await proxy.forward(request)

    return answer


@pytest.mark.parametrize("hot", [False, True], ids=["many-users", "hot-user"])
@pytest.mark.parametrize("seed", range(2))
async def test_history_under_faults_is_linearizable(setup: Setup, username: str, seed: int, hot: bool) -> None:
    """Under faults every user behaves as a single register and no acknowledged write is lost, even for a hot user."""
    dice = random.Random(seed)
    setup.proxy.fault = everything_goes_wrong(setup.proxy, dice)
    users = names(username, 12)
    weights = [30 if hot and user == users[0] else 1 for user in users]
    values = (BORN + timedelta(days=n) for n in itertools.count())
    events = itertools.count()
    clients = [Client(setup.store, dice, events) for _ in range(12)]

    async def work(client: Client) -> None:
        for _ in range(25):
            (user,) = dice.choices(users, weights)
            await client.act(user, next(values) if dice.random() < (0.8 if hot else 0.4) else None)

    await asyncio.gather(*map(work, clients))
    setup.proxy.fault = None
    for user in users:
        await clients[0].act(user, None)
    history = [entry for client in clients for entry in client.history]
    assert len(history) > 250
    assert {"BatchGetItem", "BatchWriteItem", "GetItem", "PutItem"} <= set(setup.proxy.calls)
    for user in users:
        assert is_linearizable([operation for owner, operation in history if owner == user]), user
