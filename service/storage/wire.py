"""DynamoDB's JSON, written and read directly instead of through botocore's model of all of AWS.

Our parameters are strings only, so what the API takes is what goes over the wire; walking the model
for each attribute would cost more than the rest of a batch call. Uses botocore's documented events
and imports nothing of it. Also makes sure that it is DynamoDB that answers.
"""

from collections.abc import Mapping, MutableMapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

_PARAMETERS = "hello_birthday_parameters"


class NotDynamoDB(Exception):
    """Something else than DynamoDB answered, such as a captive portal."""


def bypass_serializer(client: "DynamoDBClient") -> None:
    """Let all calls of `client` write and read their JSON past botocore's serializer; errors are read as ever."""
    events: Any = client.meta.events  # Its stubs do not know that this event takes a result.
    events.register("provide-client-params.dynamodb", _set_aside)
    events.register("before-call.dynamodb", _write)
    events.register("before-parse.dynamodb", _read)


def _set_aside(params: Mapping[str, Any], context: MutableMapping[str, Any], **_rest: object) -> dict[str, Any]:
    context[_PARAMETERS] = params
    # The rules that find the endpoint look for table names in here.
    return {"RequestItems": {}} if "RequestItems" in params else {}


def _write(params: MutableMapping[str, Any], context: Mapping[str, Any], **_rest: object) -> None:
    params["body"] = orjson.dumps(context[_PARAMETERS])


def _read(
    response_dict: MutableMapping[str, Any], customized_response_dict: MutableMapping[str, Any], **_rest: object
) -> None:
    if response_dict["status_code"] != HTTPStatus.OK:
        return
    # botocore would take any answer with status 200 for an empty one.
    if "x-amzn-requestid" not in response_dict["headers"]:
        raise NotDynamoDB
    answer = orjson.loads(response_dict["body"])
    if not isinstance(answer, dict):
        raise NotDynamoDB
    customized_response_dict.update(answer)
    response_dict["body"] = b""
