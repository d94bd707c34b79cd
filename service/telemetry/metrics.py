"""The service's metrics, in Prometheus's format.

Owns names, labels and buckets; names follow OpenTelemetry's semantic conventions where these define one. Labels have
few distinct values: never a username, never a path. Knows nothing of what updates and what reads them.
"""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each counter, which is not needed
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

REQUESTS = Histogram(
    "http_server_request_duration_seconds",
    "How long requests took, by route template; requests that never reached a route have the route 'none'",
    ["http_request_method", "http_route", "http_response_status_code"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
IN_FLIGHT = Gauge("http_server_active_requests", "Requests in flight", registry=REGISTRY)
SHED = Counter("hello_requests_shed", "Requests refused because too many were in flight", registry=REGISTRY)
CONNECTIONS_REFUSED = Counter(
    "hello_connections_refused", "Connections closed at once for lack of file descriptors", registry=REGISTRY
)
DRAINING = Gauge("hello_draining", "1 while the instance drains, else 0", registry=REGISTRY)

CALLS = Histogram(
    "db_client_operation_duration_seconds",
    "How long calls to DynamoDB took, retries of the AWS SDK included; error_type is empty for those that succeeded",
    ["db_operation_name", "error_type"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
RETRIES = Counter("hello_storage_retries", "Keys that were sent to DynamoDB again", registry=REGISTRY)
BATCH_SIZE = Histogram(
    "hello_storage_batch_size",
    "Keys per call",
    ["operation"],
    buckets=(1, 2, 5, 10, 25, 50, 100),
    registry=REGISTRY,
)
QUEUE_WAIT = Histogram(
    "hello_storage_queue_wait_seconds",
    "How long the first key of a call had waited when the call was sent",
    ["operation"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
BUDGET_EXHAUSTED = Counter(
    "hello_storage_budget_exhausted", "Requests whose time budget for the storage ran out", registry=REGISTRY
)

LOOP_LAG = Gauge(
    "hello_event_loop_lag_seconds", "The longest delay of the event loop during the last minute", registry=REGISTRY
)
LOG_LINES_LOST = Counter("hello_log_lines_lost", "Log lines that could not be written", registry=REGISTRY)
BUILD = Gauge(
    "hello_build_info", "Always 1; the labels name the running build", ["version", "commit", "image"], registry=REGISTRY
)


def request_ended(method: str, route: str | None, status: int, seconds: float) -> None:
    """Count a request; `method` and `route` must have few distinct values."""
    _request(method, route or "none", status).observe(seconds)


# Looking up the labels costs more than the observation itself.
@cache
def _request(method: str, route: str, status: int) -> Histogram:
    return REQUESTS.labels(method, route, status)
