"""A listening socket that accepts all waiting connections at once.

Owns the accepting of connections. uvloop's own server accepts one connection per iteration of its loop, and each
iteration also serves all connected clients: if a thousand clients connect together, the last would wait for a thousand
iterations while the first are served again and again.
"""

import asyncio
import socket
from collections.abc import Callable

import structlog

log = structlog.get_logger()

BACKLOG = 1024
_REST_SECONDS = 1.0
# Errors of clients that disconnected before they were accepted; the next one in the queue may be there.
_GONE = (ConnectionAbortedError, InterruptedError)


class Listener:
    """Accepts connections from its creation until it is closed."""

    def __init__(
        self,
        listening: socket.socket,
        new_protocol: Callable[[], asyncio.Protocol],
        rest_seconds: float = _REST_SECONDS,
    ) -> None:
        """Give each connection a new protocol; pause for `rest_seconds` when descriptors or memory run out."""
        self._loop = asyncio.get_running_loop()
        self._socket = listening
        self._new_protocol = new_protocol
        self._rest_seconds = rest_seconds
        self._connecting: set[asyncio.Task[object]] = set()
        listening.settimeout(0)
        self._loop.add_reader(listening, self._accept)

    @property
    def address(self) -> tuple[str, int]:
        """The host and port it listens on."""
        host, port, *_ = self._socket.getsockname()
        return host, port

    def close(self) -> None:
        """Accept no more connections; existing ones stay open. Closing again does nothing."""
        if self._is_open():
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _is_open(self) -> bool:
        return self._socket.fileno() != -1

    def _accept(self) -> None:
        for _ in range(BACKLOG):
            try:
                connection, _ = self._socket.accept()
            except BlockingIOError:
                return
            except _GONE:
                continue
            except OSError as error:  # no descriptor or no memory is left
                self._rest(error)
                return
            connection.settimeout(0)
            task = self._loop.create_task(self._loop.connect_accepted_socket(self._new_protocol, connection))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    def _rest(self, error: OSError) -> None:
        """Leave waiting clients in the backlog for a while, instead of failing again in every iteration of the loop."""
        log.warning("connections.waiting", reason=error.strerror)
        self._loop.remove_reader(self._socket)
        self._loop.call_later(self._rest_seconds, self._go_on)

    def _go_on(self) -> None:
        if self._is_open():
            self._loop.add_reader(self._socket, self._accept)
