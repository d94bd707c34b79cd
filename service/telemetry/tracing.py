"""Traces: a span for each request, and below it one for each call to DynamoDB.

Owns when traces are made: if OpenTelemetry's own variables ask for them; otherwise OpenTelemetry is not even imported.
Request spans are made here because OpenTelemetry's instrumentation of aiohttp servers records paths, which contain
usernames, and does not see the status that an error is turned into.
"""

import contextvars
import logging
import re
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.typedefs import Handler

from service import __version__
from service.errors import SetupError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import Tracer

_NOT_INSTALLED = (
    "OpenTelemetry's variables (OTEL_...) ask for traces, but it is not installed;"
    " install hello-birthday[otel], or set OTEL_SDK_DISABLED=true"
)
_ONE_PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf, not {protocol!r}"

# W3C Trace Context, section 3.2; trace ids of zeros only are invalid.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")


_MAX_CONTEXT_CHARACTERS = 512  # W3C Trace Context, section 3.3.1.5, the size of tracestate that must be propagated

_tracer: "Tracer | None" = None
_export: "Callable[[], None] | None" = None


def configure(environ: Mapping[str, str]) -> None:
    """Enable tracing if `environ` asks for it; raise `SetupError` if it is not possible."""
    global _tracer, _export  # noqa: PLW0603 - one per process, like OpenTelemetry's own provider
    if not _wanted(environ):
        return
    protocol = environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    if protocol != "http/protobuf":
        raise SetupError(_ONE_PROTOCOL.format(protocol=protocol))
    # It logs invalid W3C trace contexts verbatim, and clients may send anything in them.
    logging.getLogger("opentelemetry.trace").setLevel(logging.ERROR)
    try:
        provider, exporter = _provider()
    except ImportError:
        raise SetupError(_NOT_INSTALLED) from None
    _tracer = provider.get_tracer("service", __version__)
    _export = partial(provider.add_span_processor, exporter)


def begin() -> None:
    """Export spans from now on; earlier ones are of the self-test."""
    if _export is not None:
        _export()


def _wanted(environ: Mapping[str, str]) -> bool:
    exporter = environ.get("OTEL_TRACES_EXPORTER", "")
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or exporter == "none":
        return False
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return exporter == "otlp" or any(environ.get(name) for name in endpoints)


def _provider() -> "tuple[TracerProvider, SpanProcessor]":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - optional
    from opentelemetry.instrumentation.botocore import AiobotocoreInstrumentor  # noqa: PLC0415 - optional
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource  # noqa: PLC0415 - optional
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - optional
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - optional

    ours = Resource.create({SERVICE_NAME: "hello-birthday", SERVICE_VERSION: __version__})
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()))
    AiobotocoreInstrumentor().instrument(tracer_provider=provider)  # type: ignore[no-untyped-call]
    return provider, BatchSpanProcessor(OTLPSpanExporter())


def traced(handler: Handler) -> Handler:
    """Return `handler` with a span around each request, or unchanged if tracing is off."""
    if (tracer := _tracer) is None:
        return handler
    from opentelemetry import propagate  # noqa: PLC0415 - optional
    from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415 - optional

    async def trace(request: web.Request) -> web.StreamResponse:
        parent = propagate.extract(_context(request))
        with tracer.start_as_current_span(request.method, parent, SpanKind.SERVER) as span:
            response = await handler(request)
            resource = request.match_info.route.resource
            span.set_attribute("http.request.method", request.method)
            span.set_attribute("http.response.status_code", response.status)
            if resource is not None:
                span.set_attribute("http.route", resource.canonical)
                span.update_name(f"{request.method} {resource.canonical}")
            if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                span.set_status(StatusCode.ERROR)
        return response

    return trace


def _context(request: web.Request) -> dict[str, str]:
    """Return the headers with the caller's trace context, without baggage, which is unused here and slow to parse."""
    fields = ((name.lower(), value) for name, value in request.headers.items())
    return {name: value for name, value in fields if name != "baggage" and len(value) <= _MAX_CONTEXT_CHARACTERS}


def trace_id(request: web.BaseRequest) -> str | None:
    """Return the trace id of a request: from its `traceparent` header, else from its span; None if there is neither."""
    if given := _TRACEPARENT.fullmatch(request.headers.get("traceparent", "")):
        return given[1]
    if _tracer is None:
        return None
    from opentelemetry.trace import format_trace_id, get_current_span  # noqa: PLC0415 - optional

    return format_trace_id(get_current_span().get_span_context().trace_id)


def detached_context() -> contextvars.Context:
    """Return a new context that inherits only the span of the current one."""
    context = contextvars.Context()
    if _tracer is not None:
        from opentelemetry.context import attach, get_current  # noqa: PLC0415 - optional

        context.run(attach, get_current())
    return context
