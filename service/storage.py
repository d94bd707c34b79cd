"""The storage: dates of birth in one DynamoDB table, behind `UserStore`.

Owns the table's schema, the AWS client's settings and the translation of AWS's errors into ours.
The only module that may import aiobotocore or botocore. Knows nothing of HTTP requests.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import structlog
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from service import __version__
from service.config import Config
from service.errors import CorruptRecord, SetupError, StorageUnavailable

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_dynamodb.type_defs import AttributeValueTypeDef

log = structlog.get_logger()

_KEY = "username"
_BORN = "dateOfBirth"
# No username is ever empty of letters, so this key is never written and reading it is harmless.
_PING_KEY = "0"
_RETRY_PAUSE_SECONDS = 0.5

_CLIENT_CONFIG = AioConfig(
    connect_timeout=1,
    read_timeout=1,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=128,
    # Building the default user agent again for each call costs about a fifth of its CPU time.
    user_agent=f"hello-birthday/{__version__}",
    account_id_endpoint_mode="disabled",
)

# Waiting does not mend these; everything else may pass, so start-up tries it again.
_ADVICE = {
    "NoRegionError": "no AWS region is set; set AWS_REGION",
    "ProfileNotFound": "the AWS profile named by AWS_PROFILE does not exist; correct or unset it",
    "PartialCredentialsError": "the AWS credentials are incomplete;"
    " set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "ResourceNotFoundException": "the DynamoDB table {table!r} does not exist in this account and region;"
    " create it or set HELLO_TABLE_NAME",
    "ValidationException": "the DynamoDB table {table!r} must have the partition key 'username' (S) and no sort key",
    "AccessDeniedException": "these AWS credentials may not read the DynamoDB table {table!r}; grant dynamodb:GetItem",
    "UnrecognizedClientException": "AWS does not know these credentials; renew them",
    "InvalidSignatureException": "AWS refused the signature; check the secret key and this machine's clock",
    "ExpiredTokenException": "the AWS credentials have expired; renew them",
}
_NO_CREDENTIALS = (
    "no AWS credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE,"
    " or try the service with --local"
)


class UserStore:
    """Reads and writes dates of birth; each method raises `StorageUnavailable` within the time budget."""

    def __init__(self, client: "DynamoDBClient", table_name: str, budget_seconds: float) -> None:
        """Use `client` for all calls; each may take `budget_seconds`, retries included."""
        self._client = client
        self._table_name = table_name
        self._budget_seconds = budget_seconds

    async def get(self, username: str) -> date | None:
        """Return the stored date of birth, None if there is none; raise `CorruptRecord` if it is damaged."""
        item = await self._read(username)
        return None if item is None else _read_born(item)

    async def put(self, username: str, born: date) -> None:
        """Store the date of birth; on return DynamoDB has acknowledged the write."""
        item = {_KEY: {"S": username}, _BORN: {"S": born.isoformat()}}
        async with self._translated_errors("PutItem"):
            _check_origin(await self._client.put_item(TableName=self._table_name, Item=item))

    async def ping(self) -> None:
        """Return if the table answers a read: permissions, encryption key and schema included."""
        await self._read(_PING_KEY)

    async def _read(self, key: str) -> "dict[str, AttributeValueTypeDef] | None":
        async with self._translated_errors("GetItem"):
            response = await self._client.get_item(
                TableName=self._table_name, Key={_KEY: {"S": key}}, ConsistentRead=True
            )
            _check_origin(response)
        return response.get("Item")

    @asynccontextmanager
    async def _translated_errors(self, operation: str) -> AsyncIterator[None]:
        try:
            # The SDK's own time-outs do not cover the wait for a free connection of the pool.
            async with asyncio.timeout(self._budget_seconds):
                yield
        except (TimeoutError, BotoCoreError, ClientError) as error:
            reason = _reason(error)
            log.warning("storage.failed", operation=operation, reason=reason)
            raise StorageUnavailable(reason) from error


class _NotDynamoDB(BotoCoreError):
    """Something else than DynamoDB answered."""

    fmt = "The answer carries no request id of DynamoDB."


def _check_origin(response: Mapping[str, Any]) -> None:
    # botocore takes any answer with status 200 for an empty one: of a captive portal, for example.
    if "RequestId" not in response["ResponseMetadata"]:
        raise _NotDynamoDB


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
    return type(error).__name__.lstrip("_")


@asynccontextmanager
async def connected_store(config: Config) -> AsyncIterator[UserStore]:
    """Give a store whose table has answered once; wait up to `startup_seconds` for it.

    Raises `SetupError` with advice when it does not. Every attempt makes a new client, because one
    made while the instance metadata service is down never finds credentials later.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + config.startup_seconds
    while True:
        async with AsyncExitStack() as stack:
            try:
                client = await stack.enter_async_context(_new_client())
                store = UserStore(client, config.table_name, config.storage_seconds)
                await store.ping()
            except StorageUnavailable as error:
                if error.reason in _ADVICE or loop.time() >= deadline:
                    raise SetupError(_advice(error.reason, config)) from error
            else:
                yield store
                return
        await asyncio.sleep(_RETRY_PAUSE_SECONDS)


@asynccontextmanager
async def _new_client(config: AioConfig = _CLIENT_CONFIG) -> "AsyncIterator[DynamoDBClient]":
    try:
        # Of the variables all AWS SDKs share, botocore alone does not read this one.
        region = os.environ.get("AWS_REGION") or None
        context = get_session().create_client("dynamodb", region_name=region, config=config)
        client = await context.__aenter__()
    except BotoCoreError as error:
        raise StorageUnavailable(_reason(error)) from error
    except ValueError as error:
        raise SetupError(f"the AWS settings are wrong: {error}") from error
    try:
        yield client
    finally:
        await context.__aexit__(None, None, None)


def _advice(reason: str, config: Config) -> str:
    if reason in _ADVICE:
        return _ADVICE[reason].format(table=config.table_name)
    if reason == "NoCredentialsError":
        return _NO_CREDENTIALS
    return (
        f"DynamoDB did not answer within {config.startup_seconds:g} s ({reason});"
        " check the network and AWS_ENDPOINT_URL_DYNAMODB"
    )


async def create_table(table_name: str) -> None:
    """Create the table on demand, as the Terraform does; for emulators and tests."""
    # Creating is not idempotent, and an emulator may need long for its first answer: one patient attempt.
    patient = AioConfig(connect_timeout=60, read_timeout=60, retries={"total_max_attempts": 1})
    async with _new_client(patient) as client:
        await client.create_table(
            TableName=table_name,
            KeySchema=[{"AttributeName": _KEY, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": _KEY, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
