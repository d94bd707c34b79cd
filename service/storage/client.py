"""The AWS client: how it connects, waits and writes, and what of the AWS settings is wrong.

Owns the client's settings and its sockets. Knows nothing of users, tables or requests.
"""

import socket
import struct
from typing import TYPE_CHECKING, Any

from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession

from service import __version__

if TYPE_CHECKING:
    from aiohttp import AddrInfoType

_READ_SECONDS = 1
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
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _READ_SECONDS * 1000)
    return opened


class _Connections(AIOHTTPSession):
    """Connections that end at once when a call is given up, instead of taking leave of a peer that is away.

    A TLS connection is otherwise kept for half a minute to send what is still here, and only then closed. aiohttp takes
    this setting, but the AWS library's own checks do not let it through.
    """

    def __init__(self, *, connector_args: dict[str, Any], **settings: Any) -> None:  # noqa: ANN401 - the library's own
        super().__init__(connector_args=connector_args | {"ssl_shutdown_timeout": 0.001}, **settings)


SETTINGS = AioConfig(
    connector_args={"socket_factory": _open_socket},
    http_session_cls=_Connections,
    connect_timeout=1,
    read_timeout=_READ_SECONDS,
    # The SDK pauses for up to a second before its second attempt, too long to let it try more within the budget.
    retries={"mode": "standard", "total_max_attempts": 2},
    max_pool_connections=128,
    # Building the default user agent again for each call costs about a fifth of its CPU time.
    user_agent=f"hello-birthday/{__version__}",
    account_id_endpoint_mode="disabled",
    # Our own rules have checked everything already.
    parameter_validation=False,
)
