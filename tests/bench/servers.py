"""The servers of the comparison: what each is called, how it is started, and a check that it does what all must do."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from service.birthdays import greeting
from tests.bench import golang, journal, processes
from tests.bench.install import PEERS
from tests.bench.layout import BUILD, CORES, environment
from tests.bench.names import BORN, names


@dataclass(frozen=True)
class Server:
    """One implementation; `{port}` in the command is where it listens, `peer` is its folder in peers/."""

    name: str
    title: str
    command: tuple[str, ...]
    peer: str | None = None


OURS, PLAIN, LIMIT, UNMETERED, UNSHED, JOURNAL = "ours", "plain", "limit", "unmetered", "unshed", "journal"
GO, FASTAPI, FLASK, AIOHTTP, FASTIFY = "go", "fastapi", "flask", "aiohttp", "fastify"

_VARIANT = (sys.executable, "-m", "tests.bench.variants")
_SERVICE = (sys.executable, "-m", "service", "--port", "{port}")
_UVICORN = str(BUILD / "fastapi_aioboto3" / "bin" / "uvicorn")
_GUNICORN = str(BUILD / "flask_boto3" / "bin" / "gunicorn")

SERVERS = {
    server.name: server
    for server in (
        Server(OURS, "Hello Birthday", _SERVICE),
        Server(GO, "Go net/http + AWS SDK v2", (str(golang.PROGRAM), "{port}")),
        Server(
            FASTAPI,
            "FastAPI + aioboto3",
            # The other peers do not log requests by default, so this one does not either.
            (_UVICORN, "--no-access-log", "--port={port}", f"--app-dir={PEERS / 'fastapi_aioboto3'}", "app:app"),
            "fastapi_aioboto3",
        ),
        Server(
            FLASK,
            "Flask + boto3",
            # More threads than 16 were slower: they only take turns on the one core.
            (_GUNICORN, "--threads=16", "--bind=127.0.0.1:{port}", f"--chdir={PEERS / 'flask_boto3'}", "app:app"),
            "flask_boto3",
        ),
        Server(
            AIOHTTP,
            "aiohttp + aiobotocore",
            (str(BUILD / "aiohttp_plain" / "bin" / "python"), str(PEERS / "aiohttp_plain" / "app.py"), "{port}"),
            "aiohttp_plain",
        ),
        Server(FASTIFY, "fastify + AWS SDK v3", ("node", str(BUILD / "fastify" / "app.js"), "{port}"), "fastify"),
        Server(LIMIT, "limit: ours from memory", (*_VARIANT, LIMIT, "--port", "{port}")),
        Server(UNMETERED, "ours without metrics", (*_VARIANT, UNMETERED, "--port", "{port}")),
        Server(UNSHED, "ours without shedding", ("env", "HELLO_MAX_IN_FLIGHT=9999999", *_SERVICE)),
        Server(PLAIN, "ours without batching", (*_VARIANT, PLAIN, "--port", "{port}")),
        Server(JOURNAL, "ours, its log into journald", journal.logged(_SERVICE)),
    )
}


@dataclass(frozen=True)
class Running:
    """A server, or several behind one port, that can be measured."""

    title: str
    port: int
    pids: tuple[int, ...]


@contextmanager
def started(server: Server, endpoint: str, core: int | None = None) -> Iterator[Running]:
    """Run `server` with the DynamoDB at `endpoint`; enter the context once it has passed `check`."""
    port = processes.free_port()
    command = [part.format(port=port) for part in server.command]
    log = BUILD / f"{server.name}.log"
    with processes.running(
        command, core=CORES[0] if core is None else core, port=port, environ=environment(endpoint), log=log
    ) as process:
        check(server.title, port)
        yield Running(server.title, port, (process.pid,))


def check(title: str, port: int) -> None:
    """Raise `BenchError` unless the server on `port` stores and greets a user, and does not find an unknown one."""
    user = f"/hello/{names()[0]}"
    body = json.dumps({"dateOfBirth": BORN.isoformat()})
    stored, _ = processes.request(port, "PUT", user, body, Content_Type="application/json")
    greeted, answer = processes.request(port, "GET", user)
    missed, _ = processes.request(port, "GET", "/hello/Nobody")
    if (stored, greeted, missed) != (HTTPStatus.NO_CONTENT, HTTPStatus.OK, HTTPStatus.NOT_FOUND):
        raise processes.BenchError(f"{title} answers PUT, GET, unknown with {stored}, {greeted}, {missed}: {answer!r}")
    if json.loads(answer) != {"message": greeting(names()[0], BORN, datetime.now(UTC).date())}:
        raise processes.BenchError(f"{title} greets with {answer!r}")
