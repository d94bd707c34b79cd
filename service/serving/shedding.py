"""Load shedding: refuses requests beyond those that can be answered in time, before any work is done for them.

Owns which requests are refused. Health checks never are: the load balancer would replace an instance that is merely
busy, which would overload the others.
"""

import time
from collections.abc import Awaitable
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler

from service.api import problems
from service.api.middlewares import assign_request_id, conclude, log_request
from service.errors import Overloaded
from service.keys import CONFIG, LIFECYCLE
from service.serving.protocol import HelloProtocol
from service.telemetry import logs, metrics

_PREFIX, _ROUTE = "/hello/", "/hello/{username}"
# A refusal costs half as much as a normal response: without a pause, refusals alone could use up the processor.
# Requests that arrive during the pause stay unread, so it must be short compared with the time that clients wait.
REST_SECONDS = 0.25


def admitted(app: web.Application, handler: Handler) -> Handler:
    """Limit `handler` to `max_in_flight` requests at once; others get 503, and their connections are paused."""
    lifecycle, most = app[LIFECYCLE], app[CONFIG].max_in_flight

    async def refuse(request: web.Request) -> web.StreamResponse:
        started, error = time.perf_counter(), Overloaded()
        logs.REQUEST_ID.set(assign_request_id(request))
        response = problems.response(request, error)
        conclude(request, response, lifecycle)
        metrics.SHED.inc()
        log_request(request, error.status, started, code=error.code, route=_ROUTE)
        cast(HelloProtocol, request.protocol).rest(REST_SECONDS)
        return response

    def admit(request: web.Request) -> Awaitable[web.StreamResponse]:
        full = lifecycle.in_work >= most and request.path.startswith(_PREFIX)
        return refuse(request) if full else handler(request)

    return admit
