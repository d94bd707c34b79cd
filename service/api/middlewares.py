"""What surrounds every request: an id, one canonical log line, errors turned into responses.

These are middlewares as WSGI and ASGI know them: they surround the whole application. aiohttp's own kind runs behind
its router, so that what the router raises would have neither id nor line, nor an answer of ours.

Owns the request id's rule, the fields of the log line and the headers every response carries.
Usernames and raw paths are personal data: only the route's template is logged.
"""

import re
import time
from http import HTTPStatus
from random import Random

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from structlog.typing import EventDict

from service.api import problems
from service.keys import LIFECYCLE, REQUEST_ID
from service.lifecycle import Lifecycle
from service.telemetry import logs, metrics, tracing

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_SANE_TRACE_ID = re.compile(r"[A-Za-z0-9=;:._-]{1,512}")
_CLIENT_GONE = 499
_OUR_ERROR = HTTPStatus.INTERNAL_SERVER_ERROR
# Unique, not secret; asking the system lets go of Python's lock, and a thread that waits for it takes it.
_random_bits = Random().getrandbits  # noqa: S311 - as said


def assign_request_id(request: web.BaseRequest) -> str:
    """Take the request's id from `X-Request-Id`, or make one if there is no sane one."""
    given = request.headers.get("X-Request-Id", "")
    request[REQUEST_ID] = given if _SANE_REQUEST_ID.fullmatch(given) else f"{_random_bits(128):032x}"
    return request[REQUEST_ID]


def set_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Set what every response carries; `Server` names no product and no version."""
    response.headers["X-Request-Id"] = request[REQUEST_ID]
    response.headers[hdrs.SERVER] = "hello-birthday"
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")


def conclude(request: web.BaseRequest, response: web.StreamResponse, lifecycle: Lifecycle) -> None:
    """Set what every response of the application carries, and close its connection if it must be.

    That is while the instance drains, and when the request's body is malformed: nobody knows where the next one begins.
    """
    set_headers(request, response)
    if lifecycle.draining or request.content.exception() is not None:
        response.force_close()


def observed(app: web.Application, handler: Handler) -> Handler:
    """Wrap the whole application, routing included: whatever happens, answer the request and log it once."""
    lifecycle = app[LIFECYCLE]

    async def observe(request: web.Request) -> web.StreamResponse:
        started = time.perf_counter()
        # aiohttp runs each request in a task, hence in a context, of its own.
        logs.REQUEST_ID.set(assign_request_id(request))
        lifecycle.request_began()
        try:
            response = await handler(request)
        except ConnectionError:
            log_request(request, _CLIENT_GONE, started, proving=lifecycle.proving)
            raise
        except Exception as exception:  # noqa: BLE001 - whatever it is, the client gets an answer
            error = problems.from_exception(exception)
            response = problems.response(request, error, allow=_allowed_methods(exception))
            log_request(request, error.status, started, exception, proving=lifecycle.proving, code=error.code)
        else:
            log_request(request, response.status, started, proving=lifecycle.proving)
        finally:
            lifecycle.request_ended()
        conclude(request, response, lifecycle)
        return response

    return tracing.traced(observe)


def _allowed_methods(exception: Exception) -> str | None:
    return exception.headers[hdrs.ALLOW] if isinstance(exception, web.HTTPMethodNotAllowed) else None


def _route(request: web.Request) -> str | None:
    resource = request.match_info.route.resource
    return resource.canonical if resource else None


def log_request(  # noqa: PLR0913 - what one line tells
    request: web.Request,
    status: int,
    started: float,
    exception: Exception | None = None,
    *,
    route: str | None = None,
    proving: bool = False,
    **fields: str,
) -> None:
    """Count the request and write its canonical line, with the exception's stack if the error is ours.

    Of a request that was not routed, `route` must be told. Those by which the process proves itself are not counted,
    and their lines are for debugging, unless the error is ours.
    """
    seconds = time.perf_counter() - started
    route = route or _route(request)
    method = request.method if request.method in hdrs.METH_ALL else "other"
    if not proving:
        metrics.request_ended(method, route, status, seconds)
    event: EventDict = {
        "method": method,
        "route": route,
        "status": status,
        "duration_ms": round(seconds * 1000, 3),
        **fields,
    }
    if trace_id := tracing.trace_id(request):
        event["trace_id"] = trace_id
    amzn_trace_id = request.headers.get("X-Amzn-Trace-Id", "")
    if _SANE_TRACE_ID.fullmatch(amzn_trace_id):
        event["amzn_trace_id"] = amzn_trace_id
    ours = status == _OUR_ERROR
    if ours:
        event["exc_info"] = exception
    event["event"] = "request.completed"
    usual = "debug" if proving else "info"
    logs.emit("error" if ours else usual, event)
