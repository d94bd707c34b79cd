"""The service while its environment fails: logs that nobody reads, proxies, few descriptors, stalled readers."""

import asyncio
import fcntl
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from service.birthdays import greeting
from service.config import Config
from tests.support import raw
from tests.support.process import running_service
from tests.support.prometheus import scrape

CLIENTS = 20
ROUNDS = 8
PACE_SECONDS = 0.1  # from one request of a client to its next: together they make 200 requests a second


@asynccontextmanager
async def dead_proxy(guests: list[object]) -> AsyncIterator[dict[str, str]]:
    """Give the variables that name a proxy which notes who comes, and does no more for them."""

    def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        guests.append(writer)
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), url) | {"no_proxy": "example.com"}


@pytest.mark.timeout(120)
async def test_logs_and_proxies_decide_nothing(tmp_path: Path) -> None:
    """If the log's reader stalls, the disk is full or a proxy is dead, no request fails and no write is lost.

    No request to the store goes through the proxy, and what nobody reads holds up no exit.
    """
    guests: list[object] = []
    left, stalled = [reading(tmp_path / name) for name in ("left", "stalled")]
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(dead_proxy(guests))
        surroundings = {f"{tmp_path}/left": {}, "/dev/full": {}, f"{tmp_path}/stalled": proxy}
        services = [
            await stack.enter_async_context(
                running_service("--local", before=f"exec >{output}", HELLO_DRAIN_SECONDS="0", **environ)
            )
            for output, environ in surroundings.items()
        ]
        os.close(left)
        assert await asyncio.gather(*[wrong_answers(service.url) for service in services]) == [[], [], []]
        for service in services:
            service.process.terminate()
        assert [await service.wait() for service in services] == [0, 0, 0]
    assert guests == []
    os.close(stalled)


def reading(path: Path) -> int:
    """Make a pipe at `path` that holds few lines, and open it to be read."""
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    return reader


async def wrong_answers(url: str) -> list[object]:
    """Send 320 requests, half of them writes, and return every answer that is not what it has to be."""
    async with aiohttp.ClientSession(url) as session:
        answers = await asyncio.gather(*[one_client(session, f"Client{'ab'[n % 2] * (n + 1)}") for n in range(CLIENTS)])
    return [wrong for answer in answers for wrong in answer]


async def one_client(session: aiohttp.ClientSession, username: str) -> list[object]:
    """Write and read in turn, and return what came out wrong."""
    wrong: list[object] = []
    loop = asyncio.get_running_loop()
    due = count(loop.time(), PACE_SECONDS)
    for day in range(ROUNDS):
        born = date(1990, 1, 1) + timedelta(days=day)
        await asyncio.sleep(next(due) - loop.time())
        async with session.put(f"/hello/{username}", json={"dateOfBirth": born.isoformat()}) as put:
            wrong += [] if put.status == 204 else [await put.text()]
        await asyncio.sleep(next(due) - loop.time())
        possible = {greeting(username, born, datetime.now(UTC).date())}
        async with session.get(f"/hello/{username}") as get:
            answer = await get.json()
        possible.add(greeting(username, born, datetime.now(UTC).date()))  # midnight may have passed
        wrong += [] if answer.get("message") in possible else [answer]
    return wrong


async def test_few_descriptors(config: Config) -> None:
    """The limit is raised as far as possible; connections beyond it are refused and logged, the others go on."""
    few = "ulimit -Sn 100; ulimit -Hn 256"
    async with running_service(before=few, HELLO_TABLE_NAME=config.table_name) as service, AsyncExitStack() as stack:
        limits = Path(f"/proc/{service.process.pid}/limits").read_text(encoding="ascii")
        assert "Max open files            256                  256" in limits
        assert [(event["event"], event.get("connections")) for event in service.events[:1]] == [
            ("config.limit_exceeded", 128)
        ]
        target = URL(service.url)
        opened = [await asyncio.open_connection(target.host, target.port) for _ in range(150)]
        for _, writer in opened:
            stack.callback(writer.close)
        refused = await service.event("connections.refused")
        assert (refused["level"], refused["count"]) == ("warning", 1)
        reader, writer = opened[0]
        writer.write(b'PUT /hello/Few HTTP/1.1\r\nHost: a\r\nContent-Length: 28\r\n\r\n{"dateOfBirth":"1990-06-15"}')
        assert (await raw.read_response(reader)).status == 204
        assert await opened[-1][0].read() == b""


async def test_reader_of_metrics_who_stalls_holds_up_no_exit(config: Config) -> None:
    """A client that requests metrics and does not read them delays the exit by a moment, not a minute."""
    environ = {"HELLO_METRICS_PORT": "0", "HELLO_DRAIN_SECONDS": "0"}
    async with running_service(HELLO_TABLE_NAME=config.table_name, **environ) as service:
        port = next(event["port"] for event in service.events if event["event"] == "metrics.started")
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 2000)
            unsent = [0]
            while unsent[-1] == 0 or len(set(unsent[-20:])) > 1:  # until the service has nowhere to put its answers
                await scrape(service)
                unsent.append(unsent_bytes(port, client.getsockname()[1]))
            service.process.terminate()
            assert await service.wait() == 0


def unsent_bytes(local: int, remote: int) -> int:
    """Return how many bytes the kernel keeps on the connection between two ports, because the other end has no room."""
    connections = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return sum(
        int(queues.partition(":")[0], 16)
        for _, one, other, _, queues, *_ in connections
        if one.endswith(f":{local:04X}") and other.endswith(f":{remote:04X}")
    )
