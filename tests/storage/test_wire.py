"""Calls that bypass most of the AWS library: DynamoDB gets what the library would have sent."""

import inspect
import re
from collections.abc import Callable

import pytest
from aiobotocore.client import AioBaseClient
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from service.storage.client import open_client
from service.storage.wire import DirectCalls
from tests.support.listening import listening_on

KEY, SECRET, REGION = "AKIAEXAMPLE", "of nobody/else+", "eu-central-1"
STEPS = [name for name, step in vars(DirectCalls).items() if inspect.isfunction(step)]


def gatekeeper(token: str | None) -> Callable[[web.BaseRequest], object]:
    """Return a DynamoDB that answers only what is signed as the library signs it."""
    library = SigV4Auth(Credentials(KEY, SECRET, token), "dynamodb", REGION)

    async def answer(request: web.BaseRequest) -> web.Response:
        assert request.headers.get("X-Amz-Security-Token") == token
        signed = re.search("SignedHeaders=([^,]*), Signature=(.*)", request.headers["Authorization"])
        assert signed is not None
        sent = {name: request.headers[name] for name in signed[1].split(";") if name != "host"}
        url = f"http://{request.headers['Host']}{request.raw_path}"
        received = AWSRequest("POST", url, headers=sent, data=await request.read())
        received.context["timestamp"] = request.headers["X-Amz-Date"]
        text = library.string_to_sign(received, library.canonical_request(received))
        good = library.signature(text, received) == signed[2]
        said = {"Item": {"username": {"S": "Ada"}}} if good else {"__type": "com.amazon#InvalidSignatureException"}
        return web.json_response(said, status=200 if good else 400, headers={"x-amzn-RequestId": "1"})

    return answer


@pytest.mark.parametrize("path", ["", "/", "/table%20s/"])
@pytest.mark.parametrize("token", [None, "token/of=one+role"])
async def test_what_arrives_is_signed(monkeypatch: pytest.MonkeyPatch, token: str | None, path: str) -> None:
    """Host, path, header fields and body arrive as they were signed, with and without a session token."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_REGION", REGION)
    if token is not None:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    async with listening_on(web.ServerRunner(web.Server(gatekeeper(token)))) as url:  # type: ignore[arg-type]
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url + path)
        async with open_client(5) as client:
            answer = await client.get_item(TableName="birthdays", Key={"username": {"S": "Ada"}})
    assert answer["Item"] == {"username": {"S": "Ada"}}


@pytest.mark.parametrize("name", STEPS)
def test_steps_are_those_of_the_library(name: str) -> None:
    """Each step of a call that we replace exists in the library's client, and gets the same arguments."""
    theirs = inspect.signature(getattr(AioBaseClient, name)).parameters
    ours = inspect.signature(getattr(DirectCalls, name)).parameters.values()
    keywords = {parameter.name for parameter in ours if parameter.kind is parameter.KEYWORD_ONLY}
    assert keywords <= theirs.keys()
    assert len(STEPS) == 4
