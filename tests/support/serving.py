"""Small servers of the standard library, for as long as a test needs them."""

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread


@contextmanager
def serving(server: socketserver.TCPServer) -> Iterator[str]:
    """Run a server on 127.0.0.1 in a thread of its own until the block ends, and yield its address and port."""
    with server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
