"""The start of the storage: waits until the table has answered once, or says what is wrong.

Owns which failures are temporary, and the advice for those that are not. Of the AWS library it knows only the names of
its errors.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from service.config import Config
from service.errors import SetupError, StorageUnavailable
from service.storage.dynamodb import UserStore, open_store

log = structlog.get_logger()

_RETRY_PAUSE_SECONDS = 0.5

# Waiting does not fix these; all other errors may be temporary and are retried during the start.
_ADVICE = {
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


@asynccontextmanager
async def connected_store(config: Config) -> AsyncIterator[UserStore]:
    """Provide a store whose table has answered once; wait up to `startup_seconds` for it.

    Raises `SetupError` with advice if it does not answer. Every attempt makes a new client, because one
    made while the instance metadata service is down never finds credentials later.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + config.startup_seconds
    while True:
        async with AsyncExitStack() as stack:
            try:
                store = await stack.enter_async_context(open_store(config))
                await store.ping()
            except StorageUnavailable as error:
                if error.reason in _ADVICE or loop.time() >= deadline:
                    raise SetupError(_advice(error, config)) from error
                log.debug("storage.awaited", reason=error.reason)
            else:
                yield store
                return
        await asyncio.sleep(_RETRY_PAUSE_SECONDS)


def _advice(error: StorageUnavailable, config: Config) -> str:
    if error.reason in _ADVICE:
        return _ADVICE[error.reason].format(table=config.table_name)
    if error.reason == "NoCredentialsError":
        return _NO_CREDENTIALS
    if error.reason == "CredentialRetrievalError":
        cause = " ".join(str(error.__cause__).split()) or type(error.__cause__).__name__
        return f"could not get AWS credentials within {config.startup_seconds:g} s ({cause}); check their source"
    return (
        f"DynamoDB did not answer within {config.startup_seconds:g} s ({error.reason});"
        " check the network and AWS_ENDPOINT_URL_DYNAMODB"
    )
