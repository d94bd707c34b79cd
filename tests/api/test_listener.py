"""How connections are accepted: simultaneous clients are served equally, and system errors are survived."""

import asyncio
import errno
import selectors
import socket
from collections import Counter
from typing import Any

from structlog.testing import capture_logs
from yarl import URL

from service.serving.listener import Listener
from tests.support.process import running_service

CLIENTS = 400


async def test_late_connections_are_served_as_early_ones() -> None:
    """Of many clients that connect at once and keep sending, none is served repeatedly before all are served."""
    async with running_service("--local") as service:
        following = asyncio.create_task(service.follow())
        answered = await asyncio.to_thread(until_all_are_answered, URL(service.url).port)
        service.process.kill()
        await following
    assert len(answered) == CLIENTS
    assert max(answered.values()) <= 5


def until_all_are_answered(port: int | None) -> Counter[socket.socket]:
    """Open all connections, ask again on each as soon as it is answered, and count the answers of each."""
    answered: Counter[socket.socket] = Counter()
    with selectors.DefaultSelector() as selector:
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(CLIENTS)]
        for client in clients:
            client.sendall(b"GET /version HTTP/1.1\r\nHost: a\r\n\r\n")
            selector.register(client, selectors.EVENT_READ, client)
        while len(answered) < CLIENTS:
            for client in [key.data for key, _ in selector.select()]:
                assert client.recv(65536)
                answered[client] += 1
                client.sendall(b"GET /version HTTP/1.1\r\nHost: a\r\n\r\n")
    for client in clients:
        client.close()
    return answered


class Troubled(socket.socket):
    """A listening socket of a system that has first no descriptor left, and then a client that is gone again."""

    def accept(self) -> tuple[socket.socket, Any]:
        """Fail as long as there is trouble."""
        if troubles:
            raise troubles.pop(0)
        return super().accept()


troubles: list[OSError] = []


async def test_trouble_of_the_system_is_outlived() -> None:
    """Without a free descriptor, the service logs it and pauses; a client that left meanwhile blocks nobody else."""
    troubles[:] = [OSError(errno.EMFILE, "Too many open files"), ConnectionAbortedError()]
    listening = Troubled()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    connected = asyncio.Event()

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            connected.set()
            transport.close()

    with capture_logs() as logs:
        listener = Listener(listening, Protocol, rest_seconds=0.01)
        _, writer = await asyncio.open_connection(*listener.address)
        await connected.wait()
        writer.close()
        listener.close()
    assert [(event["event"], event["reason"]) for event in logs] == [("connections.waiting", "Too many open files")]
    assert troubles == []
