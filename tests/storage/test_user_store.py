"""UserStore against a DynamoDB-compatible server: what it writes, reads, and how it starts."""

import asyncio
import dataclasses
import os
from datetime import date

import pytest
import structlog
from aiobotocore.config import AioConfig
from aiohttp import web
from types_boto3_dynamodb.service_resource import Table

from service.config import Config
from service.errors import CorruptRecord, Ending, SetupError, StorageUnavailable
from service.storage.client import SETTINGS, open_client
from service.storage.dynamodb import UserStore, create_table, open_store
from service.storage.startup import connected_store
from tests.support.dynamodb import free_port
from tests.support.proxy import Fault, FaultyProxy, aws_error, cut, garbage, spoilt
from tests.support.tls import Authority

BORN = date(1990, 6, 15)


async def test_put_then_get(config: Config, table: Table, username: str) -> None:
    """A stored date is read back, by ourselves and by others, as the documented item."""
    async with connected_store(config) as store:
        assert await store.get(username) is None
        await store.put(username, BORN)
        assert await store.get(username) == BORN
    assert table.get_item(Key={"username": username})["Item"] == {"username": username, "dateOfBirth": "1990-06-15"}


async def test_last_write_wins_across_instances(config: Config, username: str) -> None:
    """What one instance stored, another reads at once and may replace."""
    async with connected_store(config) as one, connected_store(config) as other:
        await one.put(username, BORN)
        assert await other.get(username) == BORN
        await other.put(username, date(1, 1, 1))
        assert await one.get(username) == date(1, 1, 1)


async def test_oldest_and_longest(config: Config) -> None:
    """The first year of the calendar and the longest name fit the table."""
    async with connected_store(config) as store:
        await store.put("z" * 256, date(1, 1, 1))
        assert await store.get("z" * 256) == date(1, 1, 1)


async def test_damaged_item(config: Config, table: Table, username: str) -> None:
    """An item that this service did not write is reported, not guessed at."""
    table.put_item(Item={"username": username, "dateOfBirth": "15 June 1990"})
    async with connected_store(config) as store:
        with pytest.raises(CorruptRecord):
            await store.get(username)


async def test_many_at_once(config: Config, username: str) -> None:
    """More concurrent calls than connections all succeed: they wait for one another."""
    names = [username + "x" * n for n in range(8)]
    async with open_client(5, SETTINGS.merge(AioConfig(max_pool_connections=2))) as client:
        store = UserStore(client, config.table_name, 30)  # seconds: the machine may be busy
        await asyncio.gather(*[store.put(name, BORN) for name in names])
        assert await asyncio.gather(*[store.get(name) for name in names]) == [BORN] * 8


async def expect_setup_error(config: Config) -> str:
    """Return the message with which the store refuses to open."""
    with pytest.raises(SetupError) as failure:
        async with connected_store(config):
            pass
    return str(failure.value)


@pytest.fixture
def hasty(config: Config) -> Config:
    """Give settings that do not wait at start."""
    return dataclasses.replace(config, startup_seconds=0)


async def test_missing_table(hasty: Config) -> None:
    """A table that does not exist is named."""
    message = await expect_setup_error(dataclasses.replace(hasty, table_name="no-such-table"))
    assert "'no-such-table' does not exist" in message


async def test_missing_region(hasty: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a region the variable to set is named."""
    monkeypatch.delenv("AWS_REGION")
    assert "set AWS_REGION" in await expect_setup_error(hasty)


async def test_missing_credentials(hasty: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials the variables to set are named."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert "no AWS credentials" in await expect_setup_error(hasty)


async def test_half_credentials(hasty: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a pair of credentials has another error than none."""
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "incomplete" in await expect_setup_error(hasty)


async def test_unknown_profile(hasty: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile that is not configured is reported."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "AWS_PROFILE" in await expect_setup_error(hasty)


async def test_malformed_endpoint(hasty: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that is no URL is quoted."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "nonsense")
    assert "nonsense" in await expect_setup_error(hasty)


async def test_nobody_listens(hasty: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint where nothing listens is reported as unreachable."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{free_port()}")
    assert "did not answer within 0 s (ClientConnectorError)" in await expect_setup_error(hasty)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("AccessDeniedException", "grant dynamodb:GetItem"),
        ("UnrecognizedClientException", "renew them"),
        ("ExpiredTokenException", "have expired"),
        ("InvalidSignatureException", "clock"),
        ("ValidationException", "partition key"),
    ],
)
async def test_refused_at_start(
    hasty: Config, dynamodb: str, monkeypatch: pytest.MonkeyPatch, code: str, advice: str
) -> None:
    """A permanent refusal by DynamoDB at the start is explained."""
    proxy = FaultyProxy(dynamodb)
    proxy.fault = aws_error(code)
    async with proxy.running() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        assert advice in await expect_setup_error(hasty)


async def test_table_with_another_key(hasty: Config, table: Table) -> None:
    """A table with another key is refused at the start, by the real server."""
    name = f"{table.name}-wrong"
    table.meta.client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert "partition key 'username'" in await expect_setup_error(dataclasses.replace(hasty, table_name=name))


async def test_waits_for_a_dynamodb_that_starts_later(
    config: Config, dynamodb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start retries while DynamoDB is away, and succeeds as soon as it answers."""
    proxy = FaultyProxy(dynamodb)
    first_failed = asyncio.Event()

    async def fail_first(request: web.Request) -> web.StreamResponse:
        proxy.fault = None
        first_failed.set()
        return await aws_error("ResourceInUseException")(request)

    proxy.fault = fail_first
    async with proxy.running() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        async with connected_store(config) as store:
            await store.ping()
    assert first_failed.is_set()


async def test_finds_credentials_that_come_later(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that were missing at the first attempt are found by a later one: it makes a new client."""
    key = os.environ["AWS_ACCESS_KEY_ID"]
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")

    async def open_and_ping() -> None:
        async with connected_store(config) as store:
            await store.ping()

    with structlog.testing.capture_logs() as events:
        opening = asyncio.create_task(open_and_ping())
        while not events:
            await asyncio.sleep(0)
    assert [event["reason"] for event in events] == ["NoCredentialsError"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    await opening


async def test_runtime_failure_names_its_reason(config: Config, table: Table) -> None:
    """A table that disappears at run time is unavailable, not empty."""
    name = f"{table.name}-doomed"
    await create_table(name)
    async with connected_store(dataclasses.replace(config, table_name=name)) as store:
        table.meta.client.delete_table(TableName=name)
        with pytest.raises(StorageUnavailable) as failure:
            await store.get("Ada")
    assert failure.value.reason == "ResourceNotFoundException"


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_answer_that_cannot_be_read(
    config: Config, dynamodb: str, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """Whatever DynamoDB answers instead of a JSON object, the storage is unavailable, and that is logged."""
    proxy = FaultyProxy(dynamodb)
    async with proxy.running() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        async with connected_store(config) as store:
            for body in (b"", b"[]", b"null", b"not UTF-8: \xff", b"<html>"):
                proxy.fault = spoilt(body, status)
                with structlog.testing.capture_logs() as events, pytest.raises(StorageUnavailable):
                    await store.get("Ada")
                assert [event["event"] for event in events] == ["storage.failed"]


async def gateway(_request: web.Request) -> web.StreamResponse:
    """Answer as something on the way that waited for DynamoDB in vain."""
    return web.Response(status=504)


@pytest.mark.parametrize(
    ("fault", "ending"),
    [
        (cut, Ending.UNANSWERED),
        (garbage, Ending.UNANSWERED),
        (gateway, Ending.UNANSWERED),
        (spoilt(b"[]"), Ending.UNANSWERED),
        (aws_error("InternalServerError", 500), Ending.FAILED),
        (aws_error("ThrottlingException"), Ending.THROTTLED),
        (aws_error("AccessDeniedException"), Ending.REFUSED),
    ],
)
async def test_failed_write_tells_whether_it_may_have_been_done(
    config: Config, dynamodb: str, monkeypatch: pytest.MonkeyPatch, fault: Fault, ending: Ending
) -> None:
    """Only calls that DynamoDB itself answered have a known outcome; others may still be on their way."""
    proxy = FaultyProxy(dynamodb)
    proxy.fault = fault
    async with proxy.running() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        assert await ending_of_a_write(config) is ending


async def elsewhere(_request: web.Request) -> web.StreamResponse:
    """Answer as something on the way that knows a better place."""
    return web.Response(status=308, headers={"Location": "/"})


async def test_redirect_is_not_followed(config: Config, dynamodb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls contain personal data, so they go only to DynamoDB's address, even if a redirect names another."""
    proxy = FaultyProxy(dynamodb)
    proxy.fault = elsewhere
    async with proxy.running() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        assert await ending_of_a_write(config) is Ending.REFUSED
    assert proxy.calls == ["PutItem"]


@pytest.mark.parametrize("trusted", [True, False], ids=["nobody listens", "certificate of a stranger"])
async def test_write_without_a_connection_was_surely_not_done(
    config: Config, dynamodb: str, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    """If no connection can be made, nothing was sent."""
    if not trusted:
        monkeypatch.setenv("AWS_CA_BUNDLE", Authority().bundle)
    async with FaultyProxy(dynamodb).running() as url:
        elsewhere = f"https://127.0.0.1:{free_port()}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", elsewhere if trusted else url)
        assert await ending_of_a_write(config) is Ending.FAILED


async def ending_of_a_write(config: Config) -> Ending:
    """Return how a write fails."""
    async with open_store(config) as store:
        with pytest.raises(StorageUnavailable) as failure:
            await store.put("Ada", BORN)
    return failure.value.ending
