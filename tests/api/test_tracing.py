"""Traces: a collector of the tests sees what the service exports."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span
from pytest_aiohttp import AiohttpServer

from service.config import Config
from tests.support.process import run_to_end, running_service

NAME = "Confidential"
BORN = "1987-11-23"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


class Collector:
    """Keeps in memory whatever is exported to it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.url = ""
        self.exported: list[ResourceSpans] = []

    @property
    def spans(self) -> Sequence[Span]:
        """Return all spans, in the order they ended."""
        return [span for part in self.exported for scope in part.scope_spans for span in scope.spans]

    async def collect(self, request: web.Request) -> web.Response:
        """Take an export."""
        self.exported += ExportTraceServiceRequest.FromString(await request.read()).resource_spans
        return web.Response(
            body=ExportTraceServiceResponse().SerializeToString(), content_type="application/x-protobuf"
        )


@pytest_asyncio.fixture
async def collector(aiohttp_server: AiohttpServer) -> Collector:
    """Run a collector."""
    made = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", made.collect)
    made.url = str((await aiohttp_server(app)).make_url("/").origin())
    return made


def attributes(span: Span) -> dict[str, Any]:
    """Return a span's attributes as Python's values."""
    return {pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in span.attributes}


async def test_request_span_has_its_calls_below_it_and_names_nobody(config: Config, collector: Collector) -> None:
    """A request continues its client's trace, its DynamoDB call is a child of it, and nothing personal is in either."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SERVICE_NAME": "hello-test"}
    async with running_service(HELLO_TABLE_NAME=config.table_name, HELLO_DRAIN_SECONDS="0", **environ) as service:
        async with aiohttp.ClientSession(service.url) as client:
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": f"{NAME}@=a"}
            headers["baggage"] = f"{NAME}{'@' * 5000}={BORN}"
            path = f"/hello/{NAME}?{NAME}={BORN}"
            await client.put(path, json={"dateOfBirth": BORN}, headers=headers)
            await client.get(f"/hello/{NAME}{BORN}", headers=headers)
            await client.get(path)
        service.process.terminate()
        assert await service.wait() == 0
    put, bad, get = (span for span in collector.spans if span.kind == Span.SPAN_KIND_SERVER)
    calls = [span for span in collector.spans if span.kind != Span.SPAN_KIND_SERVER]
    assert len(calls) == 2, "of the start, in which the service asks itself, nothing is told"
    assert (put.trace_id.hex(), put.parent_span_id.hex(), put.name) == (TRACE, PARENT, "PUT /hello/{username}")
    assert attributes(put) == {
        "http.request.method": "PUT",
        "http.route": "/hello/{username}",
        "http.response.status_code": 204,
    }
    assert attributes(bad)["http.response.status_code"] == 400
    for request, operation in ((put, "PutItem"), (get, "GetItem")):
        (call,) = (span for span in calls if span.parent_span_id == request.span_id)
        assert (call.name, call.trace_id) == (f"DynamoDB.{operation}", request.trace_id)
    everything = str(collector.exported)
    assert "hello-test" in everything
    assert NAME not in everything
    assert BORN not in everything
    assert NAME not in str(service.events)
    logged = [event["trace_id"] for event in service.events if event["event"] == "request.completed"]
    assert logged == [TRACE, TRACE, get.trace_id.hex()]


async def test_error_of_ours_is_one_in_the_trace(config: Config, collector: Collector) -> None:
    """Only a status of 500 or higher makes a span an error."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "HELLO_DRAIN_SECONDS": "1"}
    async with running_service(HELLO_TABLE_NAME=config.table_name, **environ) as service:
        service.process.terminate()
        await service.event("drain.started")
        async with aiohttp.ClientSession(service.url) as client:
            await client.get("/healthz")
            await client.get("/nothing")
        assert await service.wait() == 0
    told = {span.name: span.status.code for span in collector.spans if span.kind == Span.SPAN_KIND_SERVER}
    assert told == {"GET /healthz": 2, "GET": 0}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"},
    ],
    ids=["not asked for", "disabled", "no exporter"],
)
async def test_off_imports_nothing(environ: dict[str, str]) -> None:
    """Unless traces are configured, OpenTelemetry is not even imported."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import os, sys; from service import __main__; from service.telemetry import tracing;"
        "tracing.configure(os.environ);"
        "handler = object(); assert tracing.traced(handler) is handler;"
        "sys.exit(any('opentelemetry' in name for name in sys.modules))",
        env=environ,
    )
    assert await process.wait() == 0


async def test_protocol_that_is_not_there() -> None:
    """A protocol that the extra does not include is refused by name."""
    environ = {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    status, _, errors = await run_to_end("--port", "0", **environ)
    assert (status, errors) == (2, "hello-birthday: OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf, not 'grpc'\n")


async def test_not_installed() -> None:
    """If traces are configured without the extra, the error says how to install it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sys; sys.modules['opentelemetry'] = None; from service import __main__; sys.exit(__main__.main([]))",
        env={"OTEL_TRACES_EXPORTER": "otlp"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"install hello-birthday[otel], or set OTEL_SDK_DISABLED=true" in errors
