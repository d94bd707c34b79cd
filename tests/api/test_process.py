"""The service as a process: how it starts, drains, stops, and what time zone it lives in."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from service.config import Config
from tests.support import raw
from tests.support.dynamodb import free_port
from tests.support.load import CLIENTS, LAST_REQUESTS, Load
from tests.support.process import COMMAND, MODULE, ServiceProcess, run_to_end, running_service, start

ROOT = Path(__file__).parents[2]


@pytest.fixture
def table_name(config: Config) -> str:
    """Give the name of the table that exists."""
    return config.table_name


@pytest_asyncio.fixture
async def service(table_name: str) -> AsyncIterator[ServiceProcess]:
    """Run the service with a drain that leaves time even on a busy machine."""
    async with running_service(HELLO_TABLE_NAME=table_name, HELLO_DRAIN_SECONDS="4") as service:
        yield service


async def test_sigterm_under_load_loses_nothing(service: ServiceProcess) -> None:
    """Draining fails no request of clients that leave when /healthz says so, and ends with status 0."""
    load = Load(service.url)
    running = asyncio.create_task(load.run())
    await load.warm.wait()
    service.process.terminate()
    await running
    assert await service.wait() == 0
    assert load.failures == []
    assert load.answered >= CLIENTS * (4 + 2 * LAST_REQUESTS)
    assert [event["event"] for event in service.events if event["event"] != "request.completed"] == [
        "server.started",
        "drain.started",
        "server.stopped",
    ]


async def test_request_in_flight_is_finished(table_name: str) -> None:
    """A request whose body is still arriving when the drain is over gets its answer."""
    async with running_service(HELLO_TABLE_NAME=table_name, HELLO_DRAIN_SECONDS="0") as service:
        port = int(service.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"PUT /hello/Slow HTTP/1.1\r\nHost: a\r\nContent-Length: 28\r\nExpect: 100-continue\r\n\r\n")
        assert (await raw.read_response(reader)).status == 100
        service.process.terminate()
        await service.event("drain.started")
        writer.write(b'{"dateOfBirth":"1990-06-15"}')
        assert (await raw.read_response(reader)).status == 204
        writer.close()
        assert await service.wait() == 0


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_second_signal_stops_at_once(table_name: str, second: signal.Signals) -> None:
    """A second signal ends the drain, and the exit status shows it."""
    async with running_service(HELLO_TABLE_NAME=table_name, HELLO_DRAIN_SECONDS="600") as service:
        service.process.terminate()
        await service.event("drain.started")
        service.process.send_signal(second)
        assert await service.wait() == 128 + second
        assert service.events[-2:-1] == [service.events[-2] | {"event": "drain.aborted", "signal": second.name}]


async def test_interrupt_stops_at_once_and_cleanly() -> None:
    """Ctrl-C does not drain, ends with status 0 and prints nothing after the invitation that README shows."""
    async with running_service("--local", HELLO_DRAIN_SECONDS="600") as service:
        service.process.send_signal(signal.SIGINT)
        assert await service.wait() == 0
        assert service.process.stderr is not None
        printed = (await service.process.stderr.read()).decode().replace(service.url, "http://127.0.0.1:8080")
    shown = (ROOT / "README.md").read_text(encoding="utf-8").split("$ make run\n")[1].partition("```")[0]
    set_up, _, invitation = shown.partition("\n")
    assert printed == invitation, "show in README what make run prints"
    assert f'"{set_up}"' in (ROOT / "Makefile").read_text(encoding="utf-8"), "show in README what make run prints"


async def test_local_serves_from_its_own_store() -> None:
    """--local works without AWS settings, never uses those that are set, and works in Python's strict mode."""
    foreign = {"AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:9", "AWS_PROFILE": "production", "AWS_REGION": ""}
    strict = {"PYTHONDEVMODE": "1"}
    async with running_service("--local", **foreign, **strict) as service, aiohttp.ClientSession(service.url) as client:
        async with client.put("/hello/Ada", json={"dateOfBirth": "1990-06-15"}) as response:
            assert response.status == 204
        async with client.get("/hello/Ada") as response:
            assert response.status == 200


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles"])
async def test_today_is_utc_in_every_time_zone(table_name: str, zone: str) -> None:
    """The machine's time zone changes neither which dates are accepted nor how days are counted."""
    async with running_service(HELLO_TABLE_NAME=table_name, TZ=zone) as service:
        before = datetime.now(UTC).date()
        answers = await _answers_around(service.url, before)
        if datetime.now(UTC).date() != before:  # Midnight passed in between; it will not do so twice.
            before = datetime.now(UTC).date()
            answers = await _answers_around(service.url, before)
    assert answers == [204, 400, 400, "Happy Birthday!", "Your birthday is in 1 day(s)"]


async def _answers_around(url: str, today: date) -> list[object]:
    day = timedelta(days=1)
    answers: list[object] = []
    async with aiohttp.ClientSession(url) as client:
        for born in (today - day, today, today + day):
            async with client.put("/hello/Zone", json={"dateOfBirth": born.isoformat()}) as response:
                answers.append(response.status)
        for birthday in (today, today + day):
            # 1904 was a leap year, so that a 29 February stays one.
            born = birthday.replace(year=1904)
            async with client.put("/hello/Zone", json={"dateOfBirth": born.isoformat()}) as response:
                assert response.status == 204
            async with client.get("/hello/Zone") as response:
                answers.append((await response.json())["message"].removeprefix("Hello, Zone! "))
    return answers


SETUP_MISTAKES: dict[str, tuple[dict[str, str], tuple[str, ...], str]] = {
    "no table": ({"HELLO_TABLE_NAME": "missing"}, (), "does not exist in this account and region"),
    "no region": ({"AWS_REGION": ""}, (), "set AWS_REGION"),
    "no credentials": ({"AWS_ACCESS_KEY_ID": "", "HELLO_STARTUP_SECONDS": "0"}, (), "no AWS credentials were found"),
    "bad settings": ({"HELLO_PORT": "http", "HELLO_LOG_LEVEL": "loud"}, (), "HELLO_PORT must be a whole number"),
    "bad port": ({}, ("--port", "65536"), "HELLO_PORT must be a whole number from 0 to 65535, not '65536'"),
    "bad host": ({}, ("--host", "no.such.host.invalid"), "cannot listen on no.such.host.invalid"),
    "no host": ({}, ("--host", "a..b"), "cannot listen on a..b port 0 (it is not a host name)"),
    "no text": ({"HELLO_HOST": "\udcff", "LC_ALL": "C"}, (), "cannot listen on \\udcff port 0 (it is not a host name)"),
    "bad watchdog": ({"WATCHDOG_USEC": "soon"}, (), "WATCHDOG_USEC must be a whole number of microseconds"),
}


@pytest.mark.parametrize(("environ", "arguments", "message"), SETUP_MISTAKES.values(), ids=SETUP_MISTAKES)
async def test_setup_mistake_is_one_sentence(
    table_name: str, environ: dict[str, str], arguments: tuple[str, ...], message: str
) -> None:
    """A mistake in the setup is one line on standard error and exit status 2, never a traceback."""
    status, _, err = await run_to_end(*arguments, **{"HELLO_TABLE_NAME": table_name, "HELLO_PORT": "0"} | environ)
    assert status == 2
    assert err.startswith("hello-birthday: ")
    assert message in err
    assert err.count("\n") == 1


async def test_port_in_use_is_one_sentence(service: ServiceProcess, table_name: str) -> None:
    """A port that is taken is named, with what to do."""
    port = service.url.rpartition(":")[2]
    status, _, err = await run_to_end("--port", port, HELLO_TABLE_NAME=table_name)
    assert (status, err.count("\n")) == (2, 1)
    assert f"cannot listen on 127.0.0.1 port {port}" in err
    assert "--port" in err


async def test_local_without_its_extra_says_what_to_install(tmp_path: Path) -> None:
    """If moto is not installed, --local says how to install it."""
    (tmp_path / "moto.py").write_text("raise ImportError", encoding="utf-8")
    status, _, err = await run_to_end("--local", PYTHONPATH=str(tmp_path))
    assert (status, err.count("\n")) == (2, 1)
    assert "pip install 'hello-birthday[local]'" in err


async def test_misspelt_variable_is_reported(table_name: str) -> None:
    """An unknown HELLO_ variable causes a warning, because it is most likely a typing error."""
    async with running_service(HELLO_TABLE_NAME=table_name, HELLO_PROT="80") as service:
        assert {"event": "config.variable_ignored", "name": "HELLO_PROT", "level": "warning"}.items() <= service.events[
            0
        ].items()


async def test_speaks_of_itself_as_it_was_called() -> None:
    """Help and complaints name the program as it was typed."""
    assert (await run_to_end("--help"))[1].startswith("usage: python -m service [-h]")
    status, _, err = await run_to_end("--prot", program=COMMAND)
    assert status == 2
    assert err.startswith("usage: hello-birthday [-h]")
    assert err.endswith("hello-birthday: error: unrecognized arguments: --prot\n")


async def test_help_and_version() -> None:
    """--help lists every setting; --version is the version."""
    status, out, _ = await run_to_end("--help")
    assert status == 0
    assert "HELLO_DRAIN_SECONDS" in out
    assert "AWS_REGION" in out
    assert (await run_to_end("--version"))[0] == 0


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
async def test_signal_while_starting(table_name: str, sent: signal.Signals) -> None:
    """While the service waits for DynamoDB, a signal ends it at once and cleanly, even one inherited as ignored."""
    endpoint = f"http://127.0.0.1:{free_port()}"
    environ = {"HELLO_TABLE_NAME": table_name, "AWS_ENDPOINT_URL_DYNAMODB": endpoint, "HELLO_STARTUP_SECONDS": "60"}
    process = await start("--port", "0", before="trap '' INT TERM", **environ, HELLO_LOG_LEVEL="debug")
    service = ServiceProcess(process)
    await service.event("storage.awaited")
    process.send_signal(sent)
    assert await service.wait() == 0
    assert service.events[-1]["event"] == "start.aborted"
    assert process.stderr is not None
    assert await process.stderr.read() == b""


@pytest.mark.parametrize(
    ("sent", "program"),
    [(signal.SIGINT, MODULE), (signal.SIGTERM, MODULE), (signal.SIGTERM, COMMAND)],
    ids=["interrupt", "terminate", "command"],
)
async def test_signal_before_anything_is_opened(sent: signal.Signals, program: str) -> None:
    """A signal works from the first moment, even before the embedded store is up, and prints no traceback."""
    environ = {"HELLO_PROT": "80", "HELLO_DRAIN_SECONDS": "0"}  # where the machine is busy, it comes later
    process = await start("--local", "--port", "0", program=program, before="trap '' INT TERM", **environ)
    assert process.stdout is not None
    assert process.stderr is not None
    assert b"config.variable_ignored" in await process.stdout.readline()
    process.send_signal(sent)
    assert await process.wait() == 0
    ends = {"start.aborted", "server.started", "drain.started", "server.stopped"}
    assert {json.loads(line)["event"] for line in (await process.stdout.read()).splitlines()} <= ends
    assert b"Traceback" not in await process.stderr.read()


@pytest.mark.parametrize(
    ("before", "arguments", "message"),
    [
        ("exec >&-", ("--local",), "standard output, where the logs go, is closed"),
        ("exec >/dev/full", ("--version",), "standard output takes nothing (No space left on device)"),
    ],
    ids=["closed", "full"],
)
async def test_standard_output_that_takes_nothing(before: str, arguments: tuple[str, ...], message: str) -> None:
    """If nothing can be printed, one line on standard error says so, and the exit status is 2."""
    status, _, err = await run_to_end(*arguments, before=before, PYTHONUNBUFFERED="")
    assert (status, err.count("\n")) == (2, 1)
    assert message in err
