"""What a failed call to AWS means: its name for logs, and whether it may be made again.

Owns the knowledge of the errors of the AWS library, and of aiohttp below it. Knows nothing of who called, and why.
"""

from http import HTTPStatus

from aiohttp import ClientConnectorError, ClientHttpProxyError, ConnectionTimeoutError
from botocore.exceptions import ClientError

from service.errors import Ending, StorageUnavailable

# What DynamoDB says when it is asked for too much: all of the table, a partition, the account.
_THROTTLES = {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"}
# Before these there is no connection over which anything could be sent.
_NEVER_SENT = (ClientConnectorError, ClientHttpProxyError, ConnectionTimeoutError)


def unavailable(error: Exception) -> StorageUnavailable:
    """Return what the service raises for whatever came out of a call of the AWS library."""
    if isinstance(error, ClientError):
        return StorageUnavailable(error.response["Error"]["Code"], _answer(error))
    return StorageUnavailable(
        type(error).__name__, Ending.FAILED if isinstance(error, _NEVER_SENT) else Ending.UNANSWERED
    )


def _answer(error: ClientError) -> Ending:
    if error.response["Error"]["Code"] in _THROTTLES:
        return Ending.THROTTLED
    told = error.response["ResponseMetadata"]
    if told["HTTPStatusCode"] < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Ending.REFUSED
    # A gateway that got no answer says 504, for example, and does not know either.
    return Ending.FAILED if told.get("RequestId") else Ending.UNANSWERED
