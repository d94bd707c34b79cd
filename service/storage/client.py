"""The AWS client of DynamoDB: its connections, timeouts and credentials.

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
from service.storage.wire import DirectCalls, Reply

if TYPE_CHECKING:
    from aiohttp import AddrInfoType
    from types_aiobotocore_dynamodb import DynamoDBClient

_NETWORK_SECONDS = 1
# AWS's error codes for credentials that are unknown or no longer valid.
_CREDENTIALS_REFUSED = {
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "UnrecognizedClientException",
}
_RESET_WHEN_CLOSED = struct.pack("ii", 1, 0)


def _open_socket(address: "AddrInfoType") -> socket.socket:
    """Open a socket that discards unsent data when it is closed, or when its peer has been silent for too long.

    Otherwise the kernel would deliver the rest of an abandoned write when the network returns, and that would replace a
    value acknowledged in the meantime. This also covers a process that is killed, as its sockets are closed.
    """
    family, kind, protocol, *_ = address
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_WHEN_CLOSED)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _NETWORK_SECONDS * 1000)
    return opened


class _Connections(AIOHTTPSession):
    """Connections that are closed at once when a call is abandoned, without a TLS shutdown.

    Otherwise a TLS connection stays open for half a minute to send what is left. aiohttp has a setting for this, but
    the AWS library's validation of its settings does not accept it.
    """

    _proxy_config: Any  # Attributes of the library that its type stubs leave out.
    _get_session: Any

    def __init__(self, *, connector_args: dict[str, Any], **settings: Any) -> None:  # noqa: ANN401 - the library's own
        super().__init__(connector_args=connector_args | {"ssl_shutdown_timeout": 0.001}, **settings)
        self._ways: dict[URL, tuple[ClientSession, dict[str, Any]]] = {}

    async def post(self, url: URL, headers: dict[str, str], body: bytes) -> Reply:
        """Send a request; raise aiohttp's own errors, which say more than the library's translation of them."""
        if url not in self._ways:
            self._ways[url] = await self._way(url)
        session, settings = self._ways[url]
        async with session.post(url, headers=headers, data=body, **settings) as response:
            return Reply(response.status, response.headers, await response.read())

    async def _way(self, url: URL) -> tuple[ClientSession, dict[str, Any]]:
        """Return the session and settings for `url`, with its proxy if any; the library finds them for each request."""
        proxy = self._proxy_config.proxy_url_for(str(url))
        proxy_headers = self._proxy_config.proxy_headers_for(str(url))
        # Requests contain names and dates of birth, so they must not follow a redirect to anywhere else.
        return await self._get_session(proxy), {
            "proxy": proxy,
            "proxy_headers": proxy_headers,
            "allow_redirects": False,
        }


SETTINGS = AioConfig(
    connector_args={"socket_factory": _open_socket},
    http_session_cls=_Connections,
    connect_timeout=_NETWORK_SECONDS,
    # Longer than any time budget: `dynamodb.py` limits how long each call may wait.
    read_timeout=60,
    # The SDK would retry a write that may still arrive; the coalescers decide what may be retried.
    retries={"mode": "standard", "total_max_attempts": 1},
    max_pool_connections=128,
    account_id_endpoint_mode="disabled",
    # The service has validated all values already.
    parameter_validation=False,
)
# Creating a table is not idempotent, and an emulator may be slow at first: one attempt with a long timeout.
PATIENT = SETTINGS.merge(AioConfig(connect_timeout=60))


@asynccontextmanager
async def open_client(seconds: float, settings: AioConfig = SETTINGS) -> "AsyncIterator[DynamoDBClient]":
    """Provide a client for the duration of the block, during which its credentials are renewed.

    Raises `SetupError` at once if the AWS settings are wrong, `StorageUnavailable` if no credentials are found within
    `seconds`.
    """
    session = get_session()
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(seconds):
                check_certificates(session)
                credentials = await live_credentials(session)
                _call_directly(session, credentials)
                # All AWS SDKs but botocore read this variable.
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
    """Make DynamoDB clients that `session` creates from now on use `DirectCalls`."""

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
