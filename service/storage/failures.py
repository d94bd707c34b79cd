"""What a failed call to AWS means: its name for logs, and whether it may be made again.

Owns the knowledge of the AWS library's errors. Knows nothing of who called, and why.
"""

from http import HTTPStatus

from aiohttp import ClientConnectorError
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ProxyConnectionError,
    SSLError,
)

from service.errors import Ending, StorageUnavailable

# What DynamoDB says when it is asked for too much: all of the table, a partition, the account.
_THROTTLES = {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"}
# Before these there is no connection over which anything could be sent.
_NEVER_SENT = (ConnectTimeoutError, ProxyConnectionError, SSLError)


def unavailable(error: Exception) -> StorageUnavailable:
    """Return what the service raises for whatever came out of a call of the AWS library."""
    if isinstance(error, ClientError):
        return StorageUnavailable(error.response["Error"]["Code"], _answer(error))
    return StorageUnavailable(type(error).__name__, Ending.FAILED if _never_sent(error) else Ending.UNANSWERED)


def _answer(error: ClientError) -> Ending:
    if error.response["Error"]["Code"] in _THROTTLES:
        return Ending.THROTTLED
    told = error.response["ResponseMetadata"]
    if told["HTTPStatusCode"] < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Ending.REFUSED
    # A gateway that got no answer says 504, for example, and does not know either.
    return Ending.FAILED if told.get("RequestId") else Ending.UNANSWERED


def _never_sent(error: Exception) -> bool:
    # The AWS library gives a connection that could not be made and one that broke later the same name.
    return isinstance(error, _NEVER_SENT) or (
        isinstance(error, EndpointConnectionError) and isinstance(error.__context__, ClientConnectorError)
    )
