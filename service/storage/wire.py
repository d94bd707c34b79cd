"""DynamoDB's calls, serialized, signed, sent and parsed directly instead of through botocore's model of all of AWS.

All our parameters are strings, so the API's parameters are already the JSON to be sent, and all calls go to one
address. Walking the model, choosing a signer and preparing a generic request would cost several times the rest of the
call. The library still begins and ends each call, and handles errors, connections and credentials. Also checks that the
response is from DynamoDB.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

import orjson
from yarl import URL

from service import __version__
from service.storage.signing import Credentials, Signer

_UNSIGNED = {"User-Agent": f"hello-birthday/{__version__}", "Accept-Encoding": "identity"}


class NotDynamoDB(Exception):
    """Something other than DynamoDB answered, such as a captive portal."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response."""

    status_code: int
    headers: Mapping[str, str]
    body: bytes


class Connections(Protocol):
    """What sends requests."""

    async def post(self, url: URL, headers: dict[str, str], body: bytes) -> Reply:
        """Send a request and return what came back."""


class DirectCalls:
    """The steps of a call that we replace; a base class that precedes the library's client, `aiobotocore.client`."""

    credentials: Credentials  # their current values sign each call
    meta: Any
    _endpoint: Any
    _found: Any = None
    _url: URL
    _signer: Signer

    async def _emit_api_params(self, *, api_params: object, **_rest: object) -> object:
        """Return the parameters as they are."""
        return api_params

    async def _resolve_endpoint_ruleset(
        self,
        operation_model: object,
        params: object,
        request_context: Mapping[str, Any],
    ) -> Any:  # noqa: ANN401 - as the library
        """Return the endpoint, resolved once: none of our parameters changes it."""
        if self._found is None:
            library: Any = super()
            self._found = await library._resolve_endpoint_ruleset(operation_model, params, request_context)  # noqa: SLF001 - the step itself
            self._url = URL(self._found[0], encoded=True)
            host = self._url.host_port_subcomponent or ""  # as aiohttp writes it
            region = request_context.get("signing", {}).get("region", self.meta.region_name)
            self._signer = Signer("dynamodb", region, host, self._url.raw_path)
        return self._found

    async def _convert_to_request_dict(
        self, *, api_params: object, endpoint_url: str, context: object, **_rest: object
    ) -> dict[str, Any]:
        """Return the fields that the following steps, the library's and ours, need."""
        return {"url": endpoint_url, "headers": {}, "body": orjson.dumps(api_params), "context": context}

    async def _make_request(
        self,
        operation_model: Any,  # noqa: ANN401 - as the library
        request: Mapping[str, Any],
        _context: object,
    ) -> tuple[Reply, dict[str, Any]]:
        """Return the response and its parsed content."""
        target = f"DynamoDB_20120810.{operation_model.name}"
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target}
        self._signer.sign(self.credentials, headers, request["body"])
        headers |= _UNSIGNED
        connections: Connections = self._endpoint.http_session
        answer = await connections.post(self._url, headers, request["body"])
        return answer, _read(answer)


def _read(answer: Reply) -> dict[str, Any]:
    """Return the content of a response in the library's form; raise `NotDynamoDB` if it is not DynamoDB's."""
    metadata = {
        "HTTPStatusCode": answer.status_code,
        "RequestId": answer.headers.get("x-amzn-requestid"),
        "RetryAttempts": 0,
    }
    if answer.status_code == HTTPStatus.OK:
        # Captive portals answer 200 as well.
        if metadata["RequestId"] is None:
            raise NotDynamoDB
        said = orjson.loads(answer.body)
        if not isinstance(said, dict):
            raise NotDynamoDB
        return said | {"ResponseMetadata": metadata}
    return {"Error": _error(answer), "ResponseMetadata": metadata}


def _error(answer: Reply) -> dict[str, str]:
    try:
        told = orjson.loads(answer.body)
        kind, message = str(told["__type"]), told.get("message") or told.get("Message") or ""
    except (KeyError, TypeError, ValueError):  # an error page of a proxy or a gateway
        kind, message = str(answer.status_code), ""
    return {"Code": kind.rpartition("#")[2].partition(":")[0], "Message": message}
