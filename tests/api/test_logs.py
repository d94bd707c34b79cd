"""The log of a running service: one canonical line for each request, and nothing personal anywhere."""

import asyncio
import re
import signal
from pathlib import Path
from typing import Any

import aiohttp
from types_boto3_dynamodb.service_resource import Table
from yarl import URL

from service.config import Config
from tests.support import raw
from tests.support.process import ServiceProcess, running_service

NAME = "Confidential"
BORN = "1987-11-23"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def canonical(event: dict[str, Any]) -> dict[str, Any]:
    """Return `event` without what differs in each run, after checking that it is there."""
    rest = dict(event)
    assert rest.pop("timestamp")
    assert rest.pop("duration_ms") >= 0
    assert rest.pop("request_id")
    return rest


async def test_one_canonical_line_for_each_request(config: Config) -> None:
    """Method, route template, status and ids are on the line; the error's code too if there was one."""
    async with running_service(HELLO_TABLE_NAME=config.table_name, HELLO_DRAIN_SECONDS="0") as service:
        async with aiohttp.ClientSession(service.url, headers={"X-Request-Id": "req-1"}) as client:
            body = {"dateOfBirth": BORN}
            trace = {"X-Amzn-Trace-Id": "Root=1-67891233-abc;Self=1", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
            await client.put(f"/hello/{NAME}", json=body, headers=trace)
            insane = {"X-Amzn-Trace-Id": 'not"sane', "traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"}
            await client.get(f"/hello/{NAME}", headers=insane)
            await client.get("/hello/R2D2")
            await client.get(f"/{NAME}")
        service.process.terminate()
        await service.wait()
    requests = [event for event in service.events if event["event"] == "request.completed"]
    assert {event["request_id"] for event in requests} == {"req-1"}
    line = {"event": "request.completed", "level": "info", "method": "GET", "route": "/hello/{username}"}
    assert [canonical(event) for event in requests] == [
        line | {"method": "PUT", "status": 204, "trace_id": TRACE, "amzn_trace_id": trace["X-Amzn-Trace-Id"]},
        line | {"status": 200},
        line | {"status": 400, "code": "invalid_username"},
        line | {"route": None, "status": 404, "code": "not_found"},
    ]


async def test_lines_for_people_fit_a_terminal(tmp_path: Path) -> None:
    """In a file, lines for people have no colours; they fit 120 columns, and the request's id is short and the last."""
    file = tmp_path / "log"
    async with running_service("--local", before=f"exec >{file}", HELLO_LOG_FORMAT="console") as service:
        async with aiohttp.ClientSession(service.url, headers={"X-Request-Id": "req-1-of-a-client"}) as client:
            await client.get("/hello/R2D2", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
            await client.get("/hello/Ada")
        service.process.send_signal(signal.SIGINT)
        assert await service.process.wait() == 0
    written = file.read_text(encoding="utf-8")
    assert max(len(line) for line in written.splitlines()) <= 120
    assert "\x1b" not in written
    requests = re.findall(r"info    request\.completed method=GET [^\n]*(?:\n {9}[^\n]*)*", written)
    assert [request.split()[-1] for request in requests] == ["request_id=req-1-of"] * 2


async def test_client_that_leaves_is_no_error(config: Config) -> None:
    """A client that goes away in the middle of its body is logged once, as 499, and as no error of ours."""
    async with running_service(HELLO_TABLE_NAME=config.table_name, HELLO_DRAIN_SECONDS="0") as service:
        target = URL(service.url)
        _, writer = await asyncio.open_connection(target.host, target.port)
        writer.write(b"PUT /hello/Ada HTTP/1.1\r\nHost: localhost\r\nContent-Length: 28\r\n\r\n{")
        writer.close()
        assert (await service.event("request.completed"))["status"] == 499
        service.process.terminate()
        await service.wait()
    assert [event["status"] for event in service.events if "status" in event] == [499]


async def provoke_everything(service: ServiceProcess, table: Table) -> None:
    """Send requests of every kind, each with the name and the date in it."""
    other = f"{NAME}Corrupt"
    table.put_item(Item={"username": other, "dateOfBirth": f"{BORN}?"})
    async with aiohttp.ClientSession(service.url) as client:
        for name in (NAME, other, f"{NAME}1", f"{NAME}{BORN}"):
            for body in (
                f'{{"dateOfBirth":"{BORN}"}}',
                f'{{"dateOfBirth":"{BORN}{NAME}"}}',
                f"{NAME}{BORN}",
                "[" * 5000,
            ):
                await client.get(f"/hello/{name}?{NAME}")
                await client.put(f"/hello/{name}", data=body, headers={"Content-Type": "application/json"})
            table.put_item(Item={"username": other, "dateOfBirth": f"{BORN}?"})
        await client.get(f"/{NAME}/{BORN}")
        await client.post(f"/hello/{NAME}")
    for request in (
        f"GET /hello/{NAME}\x00{BORN} HTTP/1.1\r\nHost: a\r\n\r\n",
        f"{NAME} {BORN}\r\n\r\n",
        f"GET /hello/{NAME} HTTP/1.1\r\nHost: a\r\n{NAME}: {BORN}\x00\r\n\r\n",
        f"GET /hello/{NAME * 900} HTTP/1.1\r\nHost: a\r\n\r\n",
        f"GET /hello/{NAME} HTTP/1.1\r\nHost: a\r\nExpect: {BORN}\r\n\r\n",
    ):
        assert 400 <= (await raw.exchange(service.url, request.encode())).status < 500


async def test_no_name_and_no_date_in_any_line(config: Config, table: Table) -> None:
    """Whatever happens, at the most talkative level, neither name nor date of birth nor raw path is written."""
    environ = {"HELLO_TABLE_NAME": config.table_name, "HELLO_LOG_LEVEL": "debug", "HELLO_DRAIN_SECONDS": "0"}
    async with running_service(**environ) as service:
        await provoke_everything(service, table)
        service.process.terminate()
        await service.wait()
        assert service.process.stderr is not None
        errors = (await service.process.stderr.read()).decode()
    assert {event["event"] for event in service.events} >= {"request.completed", "request.rejected"}
    assert {event.get("exception") for event in service.events} >= {"CorruptRecord"}
    written = f"{service.events} {errors}"
    assert NAME not in written
    assert BORN not in written
