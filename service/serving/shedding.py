"""Refuses requests beyond those that can be answered in time, at once, before anything is done for them.

Owns which requests those are. Health checks are never refused: a load balancer would replace an instance that is
merely busy, and make the others busier.
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
# A refusal costs half of what an answer costs: without a rest, refusing would leave no time for answers. What comes
# meanwhile waits unread, so the rest must be short beside the time in which an answer is still worth something.
REST_SECONDS = 0.25


def admitted(app: web.Application, handler: Handler) -> Handler:
    """Let `handler` work on `max_in_flight` requests at once; a connection whose request is refused rests."""
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
