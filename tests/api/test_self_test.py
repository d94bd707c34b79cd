"""The self-test: what the service does before clients can connect, and what keeps it from serving."""

import asyncio
import shutil
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from types_boto3_dynamodb.service_resource import Table

import service
from service.app import create_app, utc_today
from service.config import Config
from service.errors import SetupError, Unauthorized
from service.keys import OWN_TOKEN, Store
from service.serving.server import Server
from tests.support.issuer import AUDIENCE, running_issuer
from tests.support.process import ServiceProcess, run_to_end, running_service, start
from tests.support.prometheus import scrape
from tests.support.proxy import FaultyProxy, aws_error, operation
from tests.support.stores import Amnesiac, Breaking, Familiar, Hanging, Memory, Stale

DAY = timedelta(days=1)


async def prove(app: web.Application, config: Config) -> None:
    """Open the service, let it prove itself within its time, and close it again."""
    server = Server(app, config)
    try:
        await server.open()
        await server.prove(asyncio.get_running_loop().time() + config.startup_seconds)
    finally:
        await server.stop()


async def prove_with(store: Store, today: Callable[[], date] = utc_today, seconds: float = 30) -> None:
    """Let a service with this store and this calendar prove itself in so many seconds, with no second chance."""

    @asynccontextmanager
    async def opened(_config: Config) -> AsyncIterator[Store]:
        yield store

    config = Config(startup_seconds=0, storage_seconds=seconds)
    await prove(create_app(config, open_store=opened, today=today), config)


@pytest.mark.parametrize(
    ("store", "fault"),
    [
        (Breaking(), "GET /hello/<username> must be answered with 404, not with 500 internal_error;"),
        (Familiar(), "GET /hello/<username> must be answered with 404, not with 200 {'message': 'Hello, <username>! "),
        (
            Amnesiac(),
            "must be answered with 200 {'message': 'Hello, <username>! Your birthday is in 1 day(s)'}, not with 404",
        ),
        (
            Stale(),
            "Hello, <username>! Happy Birthday!'}, not with 200 {'message': 'Hello, <username>! Your birthday is in 1",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Memory) else "",
)
async def test_wrong_answer_is_one_sentence(store: Memory, fault: str) -> None:
    """A wrong answer of any kind is reported with the request, the expected answer, the actual one, and what to do."""
    with pytest.raises(SetupError) as raised:
        await prove_with(store)
    told = str(raised.value)
    assert fault in told
    assert told.startswith("the service failed its self-test: ")
    assert "run another version" in told
    assert "HELLO_SELF_TEST=off" in told
    assert len(told) < 500
    assert "SelfTest" not in told


async def test_service_that_hangs_is_not_waited_for() -> None:
    """A missing answer counts as a wrong one once the time is over."""
    with pytest.raises(SetupError, match="GET /hello/<username> must be answered with 404, not with nothing in time;"):
        await prove_with(Hanging(), seconds=0.5)


@pytest.mark.parametrize("call", range(12))
async def test_midnight_makes_no_difference(call: int) -> None:
    """If a new day begins during the self-test, the test still passes and deletes its user."""
    calls, store = iter(range(1000)), Memory()
    await prove_with(store, lambda: date(2024, 2, 28) + (DAY if next(calls) >= call else 0 * DAY))
    assert store.born == {}


async def test_starts_at_once_do_not_meet(config: Config, table: Table) -> None:
    """Several services that test themselves on one table at once all pass, and leave no users in it."""
    await asyncio.gather(*[prove(create_app(config), config) for _ in range(4)])
    assert not [item for item in table.scan()["Items"] if str(item["username"]).startswith("SelfTest")]


@asynccontextmanager
async def faulty(upstream: str, *refused: str, times: int = 1000) -> AsyncIterator[FaultyProxy]:
    """Put a network before the table that denies these operations so many times."""
    proxy, denials = FaultyProxy(upstream), iter(range(times))

    async def deny(request: web.Request) -> web.StreamResponse:
        denied = operation(request) in refused and next(denials, None) is not None
        return await (aws_error("AccessDeniedException")(request) if denied else proxy.forward(request))

    proxy.fault = deny
    with pytest.MonkeyPatch.context() as patch:
        async with proxy.running() as url:
            patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
            yield proxy


async def test_the_right_to_write_is_proved_and_nothing_stays(config: Config, dynamodb: str) -> None:
    """Each start reads, writes and deletes in the table; neither the log nor the metrics of requests show it."""
    environ = {"HELLO_TABLE_NAME": config.table_name, "HELLO_METRICS_PORT": "0"}
    async with faulty(dynamodb) as proxy, running_service(**environ) as running:
        write_twice = ["GetItem", "PutItem", "GetItem", "PutItem", "GetItem", "BatchWriteItem"]
        assert proxy.calls == ["GetItem", *write_twice]
        assert [event["event"] for event in running.events] == ["metrics.started", "server.started"]
        assert "http_server_request_duration_seconds_count" not in (await scrape(running)).text


async def test_role_that_may_not_write_never_serves(config: Config, dynamodb: str) -> None:
    """Without permission to write, the service waits for it as long as configured, and then gives up."""
    settings = replace(config, startup_seconds=1)
    started = time.monotonic()
    async with faulty(dynamodb, "PutItem") as proxy:
        with pytest.raises(SetupError, match=r"PUT /hello/<username> must be answered with 204, not with 503 "):
            await prove(create_app(settings), settings)
    assert time.monotonic() - started >= 1
    assert "PutItem" in proxy.calls


async def test_what_passes_is_waited_for(config: Config, dynamodb: str) -> None:
    """A refused write that succeeds within the start's time does no harm, nor does a refused deletion."""
    settings = replace(config, startup_seconds=20)
    async with faulty(dynamodb, "PutItem", times=1) as proxy:
        await prove(create_app(settings), settings)
    assert proxy.calls.count("PutItem") == 3
    async with faulty(dynamodb, "BatchWriteItem"):
        await prove(create_app(settings), settings)


async def test_bad_image_never_listens(config: Config, tmp_path: Path) -> None:
    """A service that answers 500 for users ends with status 2 and one line; `off` lets it serve."""
    folder = Path(shutil.copytree(Path(service.__file__).parent, tmp_path / "service"))
    with (folder / "birthdays.py").open("a", encoding="utf-8") as module:
        module.write("\n\ndef parse_username(text):\n    raise RuntimeError('a bug')\n")
    there, told = f"cd {tmp_path}", socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(tmp_path / "systemd"))
    environ = {"HELLO_TABLE_NAME": config.table_name, "NOTIFY_SOCKET": told.getsockname()}
    status, out, err = await run_to_end("--port", "0", before=there, **environ)
    with told, pytest.raises(BlockingIOError):
        told.recv(100, socket.MSG_DONTWAIT)
    assert (status, err.count("\n")) == (2, 1)
    assert "GET /hello/<username> must be answered with 404, not with 500 internal_error" in err
    assert "server.started" not in out
    assert '"exception":"RuntimeError"' in out
    off = {"HELLO_TABLE_NAME": config.table_name, "HELLO_SELF_TEST": "off"}
    async with running_service(before=there, **off) as running:
        assert [event["event"] for event in running.events] == ["self_test.skipped", "server.started"]


async def test_signal_while_proving(config: Config, dynamodb: str) -> None:
    """A signal during the self-test ends the process at once and cleanly, and the user is deleted."""
    async with faulty(dynamodb, "PutItem") as proxy:
        process = await start("--port", "0", HELLO_TABLE_NAME=config.table_name, HELLO_STARTUP_SECONDS="60")
        running = ServiceProcess(process)
        await running.event("storage.failed")
        process.send_signal(signal.SIGTERM)
        assert await running.wait() == 0
    assert running.events[-1]["event"] == "start.aborted"
    assert proxy.calls.count("BatchWriteItem") >= proxy.calls.count("PutItem")


@pytest.fixture
async def guarded(config: Config) -> AsyncIterator[tuple[Config, Callable[..., str]]]:
    """Give the settings of a service that needs tokens, and what makes some."""
    async with running_issuer() as issuer:
        yield replace(config, auth_issuer=issuer.url, auth_audience=("another", AUDIENCE)), issuer.token


async def test_own_token_is_good_for_the_test_only(guarded: tuple[Config, Callable[..., str]]) -> None:
    """During the self-test only the service's own token is valid; afterwards it is invalid."""
    config, issued = guarded
    app = create_app(config)
    server = Server(app, config)
    await server.open()
    try:
        await server.prove(0)
        with app[OWN_TOKEN]() as own:
            pass
        url = await server.listen()
        async with aiohttp.ClientSession(url) as client:
            for token, status in ((own, 401), (issued(), 404)):
                async with client.get("/hello/Nobody", headers={"Authorization": f"Bearer {token}"}) as response:
                    assert response.status == status
    finally:
        await server.stop()


@web.middleware
async def _any_token(request: web.Request, handler: Handler) -> web.StreamResponse:
    if "Authorization" not in request.headers:
        raise Unauthorized
    return await handler(request)


@pytest.mark.parametrize(
    ("door", "fault"), [([], "without a token"), ([_any_token], "with a forged token")], ids=["none", "any token"]
)
async def test_open_door_never_serves(
    guarded: tuple[Config, Callable[..., str]], door: list[Middleware], fault: str
) -> None:
    """A service that should require tokens, but does not require or check them, does not start."""
    config, _ = guarded
    app = create_app(config)
    app.middlewares[:] = door
    with pytest.raises(SetupError, match=f"GET /hello/<username> {fault} must be answered with 401, not with 404"):
        await prove(app, config)
