"""What a failed call to AWS means: its name for logs, and whether it may be retried.

Owns the knowledge of the errors of the AWS library, and of aiohttp below it. Knows nothing of the callers.
"""

from http import HTTPStatus

from aiohttp import ClientConnectorError, ClientHttpProxyError, ConnectionTimeoutError
from botocore.exceptions import ClientError

from service.errors import Ending, StorageUnavailable

# DynamoDB's error codes for throttling: by the table, a partition or the account.
_THROTTLES = {"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"}
# With these errors no connection was made, so nothing was sent.
_NEVER_SENT = (ClientConnectorError, ClientHttpProxyError, ConnectionTimeoutError)


def unavailable(error: Exception) -> StorageUnavailable:
    """Return the service's own error for any error of a call to the AWS library."""
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
    # Without a request id the response is from a gateway, such as a 504, which does not know the outcome either.
    return Ending.FAILED if told.get("RequestId") else Ending.UNANSWERED
