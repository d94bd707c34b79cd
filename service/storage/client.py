"""The AWS client of DynamoDB: how it connects, waits and writes, and that it stays well.

Owns the client's settings and its sockets. Knows nothing of users, tables or requests.
"""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession, get_session
from aiohttp import ClientSession
from yarl import URL

from service.errors import SetupError
from service.storage.aws_settings import check_certificates, check_endpoint, explained
from service.storage.credentials import LiveCredentials, live_credentials
from service.storage.wire import Answer, DirectCalls

if TYPE_CHECKING:
    from aiohttp import AddrInfoType
    from types_aiobotocore_dynamodb import DynamoDBClient

_NETWORK_SECONDS = 1
# What AWS says of credentials that it does not know, or not any more.
_CREDENTIALS_REFUSED = {
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "UnrecognizedClientException",
}
_RESET_WHEN_CLOSED = struct.pack("ii", 1, 0)


def _open_socket(address: "AddrInfoType") -> socket.socket:
    """Open a socket that forgets, when it is closed or its peer long silent, what the network has not yet taken.

    What the kernel still held of a write that was given up would otherwise be delivered once the network is back, and
    replace what was acknowledged meanwhile. A process that is killed has its sockets closed, too.
    """
    family, kind, protocol, *_ = address
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_WHEN_CLOSED)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _NETWORK_SECONDS * 1000)
    return opened


class _Connections(AIOHTTPSession):
    """Connections that end at once when a call is given up, instead of taking leave of a peer that is away.

    A TLS connection is otherwise kept for half a minute to send what is still here, and only then closed. aiohttp takes
    this setting, but the AWS library's own checks do not let it through.
    """

    _proxy_config: Any  # The library's, which its stubs leave out.
    _get_session: Any

    def __init__(self, *, connector_args: dict[str, Any], **settings: Any) -> None:  # noqa: ANN401 - the library's own
        super().__init__(connector_args=connector_args | {"ssl_shutdown_timeout": 0.001}, **settings)
        self._ways: dict[URL, tuple[ClientSession, dict[str, Any]]] = {}

    async def post(self, url: URL, headers: dict[str, str], body: bytes) -> Answer:
        """Send a request; raise what aiohttp raises, which tells more than the library's translation of it."""
        if url not in self._ways:
            self._ways[url] = await self._way(url)
        session, settings = self._ways[url]
        async with session.post(url, headers=headers, data=body, **settings) as response:
            return Answer(response.status, response.headers, await response.read())

    async def _way(self, url: URL) -> tuple[ClientSession, dict[str, Any]]:
        """Return how to get to `url`, by a proxy or not; the library finds out again for each request."""
        proxy = self._proxy_config.proxy_url_for(str(url))
        proxy_headers = self._proxy_config.proxy_headers_for(str(url))
        # What is sent has names and dates in it, and is for DynamoDB only.
        return await self._get_session(proxy), {
            "proxy": proxy,
            "proxy_headers": proxy_headers,
            "allow_redirects": False,
        }


SETTINGS = AioConfig(
    connector_args={"socket_factory": _open_socket},
    http_session_cls=_Connections,
    connect_timeout=_NETWORK_SECONDS,
    # Longer than any budget: how long an answer is awaited depends on whether the call may be made again.
    read_timeout=60,
    # The SDK sends a write again that may still be on its way; what may go again is the coalescer's business.
    retries={"mode": "standard", "total_max_attempts": 1},
    max_pool_connections=128,
    account_id_endpoint_mode="disabled",
    # Our own rules have checked everything already.
    parameter_validation=False,
)
# Creating a table is not idempotent, and an emulator may need long for its first answer: one patient attempt.
PATIENT = SETTINGS.merge(AioConfig(connect_timeout=60))


@asynccontextmanager
async def open_client(seconds: float, settings: AioConfig = SETTINGS) -> "AsyncIterator[DynamoDBClient]":
    """Give a client that is well for as long as the block lasts: it renews its own credentials.

    Raises `SetupError` at once if the AWS settings are wrong, `StorageUnavailable` if no credentials come within
    `seconds`.
    """
    session = get_session()
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(seconds):
                check_certificates(session)
                credentials = await live_credentials(session)
                _call_directly(session, credentials)
                # Of the variables all AWS SDKs share, botocore alone does not read this one.
                region = os.environ.get("AWS_REGION") or None
                making = session.create_client("dynamodb", region_name=region, config=settings)
                client: DynamoDBClient = await stack.enter_async_context(making)
                check_endpoint(client.meta.endpoint_url)
        except SetupError:
            raise
        except Exception as error:
            raise explained(error, session) from error
        _watch_refusals(client, credentials)
        async with _running(credentials.keep()):
            yield client


def _call_directly(session: AioSession, credentials: LiveCredentials) -> None:
    """Let the clients of DynamoDB that `session` makes from now on do so."""

    def change(class_attributes: dict[str, Any], base_classes: list[type], **_rest: object) -> None:
        class_attributes["credentials"] = credentials.signing
        base_classes.insert(0, DirectCalls)

    session.register("creating-client-class.dynamodb", change)


def _watch_refusals(client: "DynamoDBClient", credentials: LiveCredentials) -> None:
    def look(parsed: Mapping[str, Any], **_rest: object) -> None:
        if "Error" in parsed and parsed["Error"].get("Code") in _CREDENTIALS_REFUSED:
            credentials.refused()

    client.meta.events.register("after-call.dynamodb", look)


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
