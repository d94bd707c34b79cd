"""A connection to the store that can be stalled: most of what is sent meanwhile stays in the sender's kernel."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

# The kernel raises this to its minimum, about two thousand bytes.
_SMALLEST_BUFFER = 1


class Relay:
    """Carries bytes unread between connections to it and `upstream`."""

    def __init__(self, upstream: str) -> None:
        """Carry to the host and port of the URL `upstream`."""
        self._upstream = urlsplit(upstream)
        self._gate = _open_gate()
        self._carrying: dict[asyncio.Task[None], asyncio.Event] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Run on a free port of the loopback interface and yield the URL that leads to `upstream`."""
        with socket.socket() as listener:
            # Its connections inherit this; with the usual buffer, the kernel on this side would accept everything sent.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALLEST_BUFFER)
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            listener.setblocking(False)
            accepting = asyncio.create_task(self._accept(listener))
            try:
                yield f"{self._upstream.scheme}://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                for task in (accepting, *self._carrying):
                    task.cancel()
                await asyncio.wait([accepting, *self._carrying])

    def stall(self) -> None:
        """Stop carrying on the present connections; later ones are not affected."""
        self._gate.clear()
        self._gate = _open_gate()

    async def resume(self) -> None:
        """Carry on the stalled connections again, and wait until they are closed."""
        stalled = [task for task, gate in self._carrying.items() if not gate.is_set()]
        for task in stalled:
            self._carrying[task].set()
        await asyncio.wait(stalled)

    async def _accept(self, listener: socket.socket) -> None:
        while True:
            near, _ = await asyncio.get_running_loop().sock_accept(listener)
            task = asyncio.create_task(self._carry(near, self._gate))
            self._carrying[task] = self._gate
            task.add_done_callback(self._carrying.pop)

    async def _carry(self, near: socket.socket, gate: asyncio.Event) -> None:
        with near, socket.socket() as far:
            far.setblocking(False)
            await asyncio.get_running_loop().sock_connect(far, (self._upstream.hostname, self._upstream.port))
            ways = [asyncio.create_task(_pass_on(*way, gate)) for way in ((near, far), (far, near))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.wait(ways)


def _open_gate() -> asyncio.Event:
    gate = asyncio.Event()
    gate.set()
    return gate


async def _pass_on(source: socket.socket, target: socket.socket, gate: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    received = b"?"
    with contextlib.suppress(OSError):  # closed by a reset
        while received:
            await gate.wait()
            received = await loop.sock_recv(source, 1024)
            await gate.wait()
            await loop.sock_sendall(target, received)
