"""What happens around every request: it gets an id and one canonical log line, and errors become responses.

These are middlewares in the sense of WSGI and ASGI: they wrap the whole application. aiohttp's own middlewares run
behind its router, so that errors of the router would have no request id, no log line and no problem document.

Owns the rule for request ids, the fields of the log line and the headers every response carries.
Usernames and raw paths are personal data: only the template of the route is logged.
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
# Unique, not secret. A call of the system's generator releases the GIL, and a waiting thread would take it.
_random_bits = Random().getrandbits  # noqa: S311 - not secret


def assign_request_id(request: web.BaseRequest) -> str:
    """Return the request's id: the value of `X-Request-Id` if it is valid, else a random one of 128 bits in hex."""
    given = request.headers.get("X-Request-Id", "")
    request[REQUEST_ID] = given if _SANE_REQUEST_ID.fullmatch(given) else f"{_random_bits(128):032x}"
    return request[REQUEST_ID]


def set_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Set the headers of every response; `Server` names neither a product nor a version."""
    response.headers["X-Request-Id"] = request[REQUEST_ID]
    response.headers[hdrs.SERVER] = "hello-birthday"
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")


def conclude(request: web.BaseRequest, response: web.StreamResponse, lifecycle: Lifecycle) -> None:
    """Set the headers of every response of the application, and close the connection where necessary.

    That is while the instance drains, and after a malformed body: nobody can tell where the next request begins.
    """
    set_headers(request, response)
    if lifecycle.draining or request.content.exception() is not None:
        response.force_close()


def observed(app: web.Application, handler: Handler) -> Handler:
    """Wrap the whole application, routing included: every request is answered and logged exactly once."""
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
        except Exception as exception:  # noqa: BLE001 - the client gets a response to any error
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


def log_request(  # noqa: PLR0913 - the contents of one line
    request: web.Request,
    status: int,
    started: float,
    exception: Exception | None = None,
    *,
    route: str | None = None,
    proving: bool = False,
    **fields: str,
) -> None:
    """Count the request and write its canonical log line, with the exception's stack trace if the status is 500.

    `started` is in seconds of `time.perf_counter`. `route` is needed only for a request that was not routed. Requests
    of the self-test (`proving`) are not counted, and are logged at level debug unless the status is 500.
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
