"""The storage: dates of birth in one DynamoDB table, behind `UserStore`.

Owns the table's schema and the calls to it. Knows nothing of HTTP requests, and of the AWS library only its calls.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, TypeVar

import structlog

from service.config import Config
from service.errors import CorruptRecord, StorageUnavailable
from service.storage.client import PATIENT, open_client
from service.storage.failures import unavailable
from service.telemetry import metrics

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_dynamodb.type_defs import AttributeValueTypeDef, WriteRequestTypeDef

log = structlog.get_logger()

T = TypeVar("T")

# DynamoDB's own limits for one BatchGetItem and one BatchWriteItem.
MAX_READS = 100
MAX_WRITES = 25

_KEY = "username"
_BORN = "dateOfBirth"
# A username has letters only, so no user can have this key.
PING_KEY = "0"
# A read that takes longer is better retried; a write cannot be, so it waits for the whole time budget.
_READ_SECONDS = 1


class UserStore:
    """Reads and writes dates of birth; each method raises `StorageUnavailable` within the time budget.

    `until` is an earlier deadline of the caller, in seconds of the event loop's clock; nothing is sent after it.
    """

    def __init__(self, client: "DynamoDBClient", table_name: str, budget_seconds: float) -> None:
        """Use `client` for all calls; each may take `budget_seconds`, retries included."""
        self._client = client
        self._table_name = table_name
        self._budget_seconds = budget_seconds
        self._has_answered = False

    async def get(self, username: str, until: float = math.inf) -> date | None:
        """Return the stored date of birth, or None if there is none; raise `CorruptRecord` if the item is damaged."""
        item = await self._read(username, until)
        return None if item is None else _read_born(item)

    async def put(self, username: str, born: date, until: float = math.inf) -> None:
        """Store the date of birth; on return DynamoDB has acknowledged the write."""
        call = self._client.put_item(TableName=self._table_name, Item=_item(username, born))
        await self._answer("PutItem", call, until)

    async def get_many(self, usernames: Collection[str], until: float) -> dict[str, date | Exception | None]:
        """Return what `get` returns or raises for each of up to `MAX_READS` usernames.

        Usernames that DynamoDB did not process this time are left out.
        """
        keys = [{_KEY: {"S": username}} for username in usernames]
        call = self._client.batch_get_item(RequestItems={self._table_name: {"Keys": keys, "ConsistentRead": True}})
        response = await self._answer("BatchGetItem", call, until, _READ_SECONDS)
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
        """Store up to `MAX_WRITES` users; return a key, with the value None, for each that DynamoDB acknowledged."""
        puts: list[WriteRequestTypeDef] = [
            {"PutRequest": {"Item": _item(username, born)}} for username, born in users.items()
        ]
        call = self._client.batch_write_item(RequestItems={self._table_name: puts})
        response = await self._answer("BatchWriteItem", call, until)
        outcomes: dict[str, Exception | None] = dict.fromkeys(users)
        for unprocessed in response.get("UnprocessedItems", {}).get(self._table_name, ()):
            del outcomes[unprocessed["PutRequest"]["Item"][_KEY]["S"]]
        return outcomes

    async def delete(self, username: str) -> None:
        """Delete the user, known or not; with a batch, because the service's role has no other permission to delete.

        If DynamoDB does not process the request because it throttles, the item stays.
        """
        deletes: list[WriteRequestTypeDef] = [{"DeleteRequest": {"Key": {_KEY: {"S": username}}}}]
        call = self._client.batch_write_item(RequestItems={self._table_name: deletes})
        await self._answer("BatchWriteItem", call, math.inf)

    async def ping(self) -> None:
        """Return if the table answers a read, which proves permissions, encryption key and schema; raise otherwise."""
        await self._read(PING_KEY)

    async def _read(self, key: str, until: float = math.inf) -> "dict[str, AttributeValueTypeDef] | None":
        call = self._client.get_item(TableName=self._table_name, Key={_KEY: {"S": key}}, ConsistentRead=True)
        return (await self._answer("GetItem", call, until, _READ_SECONDS)).get("Item")

    async def _answer(self, operation: str, call: Awaitable[T], until: float, seconds: float = math.inf) -> T:
        """Wait for one call, at most `seconds` and until `until`, and measure it.

        Any error becomes `StorageUnavailable`: its cause may be anything from the network to files with credentials.
        """
        started = time.perf_counter()
        latest = asyncio.get_running_loop().time() + min(seconds, self._budget_seconds)
        try:
            # The SDK's own timeouts do not cover the wait for a free connection of the pool.
            async with asyncio.timeout_at(min(until, latest)):
                answer = await call
        except Exception as error:
            failure = unavailable(error)
            metrics.CALLS.labels(operation, failure.reason).observe(time.perf_counter() - started)
            self._log_failure(operation, failure)
            raise failure from error
        metrics.CALLS.labels(operation, "").observe(time.perf_counter() - started)
        self._has_answered = True
        return answer

    def _log_failure(self, operation: str, failure: StorageUnavailable) -> None:
        # Until the first answer, `startup.py` reports failures.
        if self._has_answered:
            log.warning("storage.failed", operation=operation, reason=failure.reason)


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


@asynccontextmanager
async def open_store(config: Config) -> AsyncIterator[UserStore]:
    """Provide a store with its own client; raise `StorageUnavailable` or `SetupError` if none can be created."""
    async with open_client(max(config.startup_seconds, config.storage_seconds)) as client:
        yield UserStore(client, config.table_name, config.storage_seconds)


async def create_table(table_name: str) -> None:
    """Create the table, billed on demand as in the Terraform code; for emulators and tests."""
    async with open_client(60, PATIENT) as client:
        await client.create_table(
            TableName=table_name,
            KeySchema=[{"AttributeName": _KEY, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": _KEY, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
