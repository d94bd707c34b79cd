"""The storage: dates of birth in one DynamoDB table, behind `UserStore`.

Owns the table's schema, the AWS client's settings and the translation of AWS's errors into ours.
The only module that may import aiobotocore or botocore. Knows nothing of HTTP requests.
"""

import asyncio
import math
import os
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import structlog
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from service.config import Config
from service.errors import CorruptRecord, SetupError, StorageUnavailable
from service.storage.client import SETTINGS
from service.storage.wire import NotDynamoDB, shorten
from service.telemetry import metrics

if TYPE_CHECKING:
    from botocore.awsrequest import AWSRequest
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_dynamodb.type_defs import AttributeValueTypeDef, WriteRequestTypeDef

log = structlog.get_logger()

# DynamoDB's own limits for one BatchGetItem and one BatchWriteItem.
MAX_READS = 100
MAX_WRITES = 25
# Of the time budget: the SDK's retries of a batch that fails must leave time to try each key alone.
_SHARE_OF_BATCHES = 0.5

# What DynamoDB says when it is asked for too much: all of the table, a partition, the account.
_THROTTLES = {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"}

_KEY = "username"
_BORN = "dateOfBirth"
# A username has letters only, so no user can have this key.
_PING_KEY = "0"


class UserStore:
    """Reads and writes dates of birth; each method raises `StorageUnavailable` within the time budget.

    A caller who has less time says until when, in seconds of the event loop's clock; after that nothing is sent.
    """

    def __init__(self, client: "DynamoDBClient", table_name: str, budget_seconds: float) -> None:
        """Use `client` for all calls; each may take `budget_seconds`, retries included."""
        self._client = client
        self._table_name = table_name
        self._budget_seconds = budget_seconds

    async def get(self, username: str, until: float = math.inf) -> date | None:
        """Return the stored date of birth, None if there is none; raise `CorruptRecord` if it is damaged."""
        item = await self._read(username, until)
        return None if item is None else _read_born(item)

    async def put(self, username: str, born: date, until: float = math.inf) -> None:
        """Store the date of birth; on return DynamoDB has acknowledged the write."""
        async with self._observed("PutItem", until):
            await self._client.put_item(TableName=self._table_name, Item=_item(username, born))

    async def get_many(self, usernames: Collection[str], until: float) -> dict[str, date | Exception | None]:
        """Return what `get` returns or raises for each of up to `MAX_READS` usernames.

        Usernames that DynamoDB did not process this time are left out.
        """
        keys = [{_KEY: {"S": username}} for username in usernames]
        async with self._observed("BatchGetItem", until, _SHARE_OF_BATCHES):
            response = await self._client.batch_get_item(
                RequestItems={self._table_name: {"Keys": keys, "ConsistentRead": True}}
            )
        outcomes: dict[str, date | Exception | None] = dict.fromkeys(usernames)
        if unprocessed := response.get("UnprocessedKeys", {}).get(self._table_name):
            for key in unprocessed["Keys"]:
                del outcomes[key[_KEY]["S"]]
        for item in response["Responses"].get(self._table_name, ()):
            try:
                outcomes[item[_KEY]["S"]] = _read_born(item)
            except CorruptRecord as error:
                outcomes[item[_KEY]["S"]] = error
        return outcomes

    async def put_many(self, users: Mapping[str, date], until: float) -> dict[str, Exception | None]:
        """Store up to `MAX_WRITES` users; return those whose item DynamoDB acknowledged."""
        puts: list[WriteRequestTypeDef] = [
            {"PutRequest": {"Item": _item(username, born)}} for username, born in users.items()
        ]
        async with self._observed("BatchWriteItem", until, _SHARE_OF_BATCHES):
            response = await self._client.batch_write_item(RequestItems={self._table_name: puts})
        outcomes: dict[str, Exception | None] = dict.fromkeys(users)
        for unprocessed in response.get("UnprocessedItems", {}).get(self._table_name, ()):
            del outcomes[unprocessed["PutRequest"]["Item"][_KEY]["S"]]
        return outcomes

    async def ping(self) -> None:
        """Return if the table answers a read: permissions, encryption key and schema included."""
        await self._read(_PING_KEY)

    async def _read(self, key: str, until: float = math.inf) -> "dict[str, AttributeValueTypeDef] | None":
        async with self._observed("GetItem", until):
            response = await self._client.get_item(
                TableName=self._table_name, Key={_KEY: {"S": key}}, ConsistentRead=True
            )
        return response.get("Item")

    @asynccontextmanager
    async def _observed(self, operation: str, until: float, share: float = 1) -> AsyncIterator[None]:
        started = time.perf_counter()
        latest = asyncio.get_running_loop().time() + self._budget_seconds * share
        try:
            # The SDK's own time-outs do not cover the wait for a free connection of the pool.
            async with asyncio.timeout_at(min(until, latest)):
                yield
            metrics.CALLS.labels(operation, "").observe(time.perf_counter() - started)
        except (TimeoutError, BotoCoreError, ClientError, NotDynamoDB) as error:
            reason = _reason(error)
            metrics.CALLS.labels(operation, reason).observe(time.perf_counter() - started)
            log.warning("storage.failed", operation=operation, reason=reason)
            raise StorageUnavailable(reason, throttled=reason in _THROTTLES) from error


def _item(username: str, born: date) -> "dict[str, AttributeValueTypeDef]":
    return {_KEY: {"S": username}, _BORN: {"S": born.isoformat()}}


def _read_born(item: "dict[str, AttributeValueTypeDef]") -> date:
    try:
        text = item[_BORN]["S"]
        born = date.fromisoformat(text)
    except (KeyError, ValueError):
        raise CorruptRecord from None
    if born.isoformat() != text:
        raise CorruptRecord
    return born


def _reason(error: Exception) -> str:
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"]
    return type(error).__name__


@asynccontextmanager
async def open_store(config: Config) -> AsyncIterator[UserStore]:
    """Give a store with a client of its own; raise `StorageUnavailable` or `SetupError` if none can be made."""
    async with _new_client() as client:
        yield UserStore(client, config.table_name, config.storage_seconds)


@asynccontextmanager
async def _new_client(config: AioConfig = SETTINGS) -> "AsyncIterator[DynamoDBClient]":
    try:
        # Of the variables all AWS SDKs share, botocore alone does not read this one.
        region = os.environ.get("AWS_REGION") or None
        context = get_session().create_client("dynamodb", region_name=region, config=config)
        client = await context.__aenter__()
    except BotoCoreError as error:
        raise StorageUnavailable(_reason(error)) from error
    except ValueError as error:
        raise SetupError(f"the AWS settings are wrong: {error}") from error
    shorten(client)
    events: Any = client.meta.events  # Its stubs do not know this event.
    events.register("request-created.dynamodb", _count_retry)
    try:
        yield client
    finally:
        await context.__aexit__(None, None, None)


def _count_retry(request: "AWSRequest", **_rest: object) -> None:
    if request.context["retries"]["attempt"] > 1:
        metrics.RETRIES.inc()


async def create_table(table_name: str) -> None:
    """Create the table on demand, as the Terraform does; for emulators and tests."""
    # Creating is not idempotent, and an emulator may need long for its first answer: one patient attempt.
    patient = AioConfig(
        connect_timeout=60, read_timeout=60, retries={"total_max_attempts": 1}, parameter_validation=False
    )
    async with _new_client(patient) as client:
        await client.create_table(
            TableName=table_name,
            KeySchema=[{"AttributeName": _KEY, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": _KEY, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
