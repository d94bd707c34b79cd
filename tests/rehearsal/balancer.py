"""The load balancer: haproxy, set up with the values of the target group, and controlled through its socket.

It checks health and closes idle connections as the Application Load Balancer does. It never retries a request, so that
no lost request stays hidden.
"""

import asyncio
import csv
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.rehearsal.values import Values

SLOTS = 16
PORT = 8000
CONNECT_SECONDS = 10  # AWS's value, which cannot be changed

_CONFIGURATION = """
global
  stats socket {socket} mode 600 level admin
  maxconn 6000
  nbthread 1
  log stdout format raw local0 warning

defaults
  mode http
  log global
  retries 0
  http-reuse always
  timeout connect {connect}ms
  timeout client {idle}ms
  timeout server {idle}ms
  timeout http-keep-alive {idle}ms
  timeout check {timeout}ms

frontend clients
  bind {address}:{port}
  default_backend fleet

backend fleet
  balance roundrobin
  option httpchk GET {path}
  http-check expect status 200
  http-response set-header X-Instance %s
  default-server check inter {interval}ms rise {healthy} fall {unhealthy}
  server-template i 1-{slots} 127.0.0.1:1 disabled
"""


class Balancer:
    """A running haproxy; its servers are slots i1, i2, ... in which instances register."""

    def __init__(self, socket: Path) -> None:
        """Control it through `socket`."""
        self._socket = socket

    async def register(self, slot: str, address: str, port: int) -> None:
        """Add a target, which gets no requests until it is healthy."""
        server = f"set server fleet/{slot}"
        await self._tell(f"{server} addr {address} port {port}; {server} state ready; {server} health down")

    async def deregister(self, slot: str) -> None:
        """Send no new requests; those under way may finish."""
        await self._tell(f"set server fleet/{slot} state drain")

    async def remove(self, slot: str) -> None:
        """Remove a target."""
        await self._tell(f"set server fleet/{slot} state maint")

    async def healthy(self) -> set[str]:
        """Return the slots that get requests."""
        rows = csv.DictReader((await self._tell("show stat fleet 4 -1")).lstrip("# ").splitlines())
        return {row["svname"] for row in rows if row["status"].startswith("UP")}

    async def _tell(self, command: str) -> str:
        reader, writer = await asyncio.open_unix_connection(str(self._socket))
        writer.write(f"{command}\n".encode())
        answer = (await reader.read()).decode()
        writer.close()
        if answer.strip() and not command.startswith("show"):
            expected = ("no need to change the addr", "IP changed", "port changed", "no need to change the port")
            assert any(text in answer for text in expected), f"{command}: {answer}"
        return answer


@asynccontextmanager
async def balancer(address: str, values: Values, folder: Path) -> AsyncIterator[Balancer]:
    """Run a load balancer on `address` until the block ends."""
    socket, configuration = folder / "haproxy.sock", folder / "haproxy.cfg"
    settings = {name: round(getattr(values, name) * 1000) for name in ("idle", "interval", "timeout")}
    text = _CONFIGURATION.format(
        **settings,
        socket=socket,
        connect=CONNECT_SECONDS * 1000,
        address=address,
        port=PORT,
        path=values.path,
        healthy=values.healthy,
        unhealthy=values.unhealthy,
        slots=SLOTS,
    )
    configuration.write_text(text.lstrip(), encoding="utf-8")
    socket.unlink(missing_ok=True)
    with (folder / "haproxy.log").open("w") as log:
        process = subprocess.Popen(["haproxy", "-db", "-f", configuration], stdout=log, stderr=log)
        try:
            async with asyncio.timeout(10):
                while not socket.exists():
                    assert process.poll() is None, f"haproxy ended; see {folder}/haproxy.log"
                    await asyncio.sleep(0.05)
            yield Balancer(socket)
        finally:
            process.terminate()
            process.wait()
