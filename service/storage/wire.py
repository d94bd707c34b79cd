"""DynamoDB's calls, written, signed, sent and read directly instead of through botocore's model of all of AWS.

Our parameters are strings only, so what the API takes is what goes over the wire, and all our calls go to one address;
walking the model, choosing a way to sign, and preparing a request of any kind would cost several times what is left.
Uses botocore's documented events: what answers `before-call` is the answer. Also makes sure that it is DynamoDB that
answers.
"""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import orjson

from service.storage.signing import Credentials, Signer

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

_PARAMETERS = "hello_birthday_parameters"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class NotDynamoDB(Exception):
    """Something else than DynamoDB answered, such as a captive portal."""


@dataclass
class _Request:
    """What the library's HTTP session sends."""

    url: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"
    stream_output: bool = False
    context: dict[str, Any] = field(default_factory=dict)


class Session(Protocol):
    """The library's connections."""

    async def send(self, request: Any) -> Any:  # noqa: ANN401 - the library's own
        """Send a request and return the response."""


def call_directly(client: "DynamoDBClient", session: Session, credentials: Credentials) -> None:
    """Let all calls of `client` go through `session`, signed with what `credentials` are at that moment."""
    events: Any = client.meta.events  # Its stubs do not know that these events take a result.
    signer = lru_cache(partial(_signer, client.meta.region_name))  # there is one address, which the library finds
    events.register("provide-client-params.dynamodb", _set_aside)
    events.register("before-call.dynamodb", partial(_call, session, signer, credentials))


def _signer(region: str, url: str) -> Signer:
    address = urlsplit(url)
    host = address.netloc if address.port not in (None, _DEFAULT_PORTS.get(address.scheme)) else str(address.hostname)
    return Signer("dynamodb", region, host, address.path or "/")


def _set_aside(params: Mapping[str, Any], context: MutableMapping[str, Any], **_rest: object) -> dict[str, Any]:
    context[_PARAMETERS] = params
    # The rules that find the endpoint look for table names in here.
    return {"RequestItems": {}} if "RequestItems" in params else {}


async def _call(
    session: Session,
    signer: Callable[[str], Signer],
    credentials: Credentials,
    params: Mapping[str, Any],
    context: Mapping[str, Any],
    **_rest: object,
) -> tuple[Any, dict[str, Any]]:
    body = orjson.dumps(context[_PARAMETERS])
    headers = {name: params["headers"][name] for name in ("Content-Type", "X-Amz-Target")}
    signer(params["url"]).sign(credentials, headers, body)
    headers["User-Agent"] = params["headers"]["User-Agent"]
    response: Any = await session.send(_Request(params["url"], headers, body))
    return response, _read(response.status_code, response.headers, await response.content)


def _read(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the answer as the library tells it; raise NotDynamoDB if it is none."""
    metadata = {"HTTPStatusCode": status, "RequestId": headers.get("x-amzn-requestid"), "RetryAttempts": 0}
    if status == HTTPStatus.OK:
        # Everybody says 200: captive portals do, too.
        if metadata["RequestId"] is None:
            raise NotDynamoDB
        answer = orjson.loads(body)
        if not isinstance(answer, dict):
            raise NotDynamoDB
        return answer | {"ResponseMetadata": metadata}
    return {"Error": _error(status, body), "ResponseMetadata": metadata}


def _error(status: int, body: bytes) -> dict[str, str]:
    try:
        told = orjson.loads(body)
        kind, message = str(told["__type"]), told.get("message") or told.get("Message") or ""
    except (KeyError, TypeError, ValueError):  # of a proxy or a gateway
        kind, message = str(status), ""
    return {"Code": kind.rpartition("#")[2].partition(":")[0], "Message": message}
