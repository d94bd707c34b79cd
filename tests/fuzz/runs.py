"""Long runs of the same characters in every part of a request, and how long one of them holds up the event loop."""

import time
from collections.abc import Iterator
from itertools import product

from tests.fuzz.malformed import Malformed

# The most processor time of the service that one request may take.
LIMIT_SECONDS = 0.02

_UNITS = (
    *(bytes([byte]) for byte in b";(),%= \t\\[{:\"0.-_/*@aA\xff&?#<'"),
    *(
        b";a",
        b"; ",
        b";=",
        b"a,",
        b", ",
        b"q=1,",
        b"a=b;",
        b"a.",
        b"../",
        b"%41",
        b"%2f",
        b'\\"',
        b'"a',
        b"((",
        b"()",
        b"a@",
    ),
)
_BODY_UNITS = (
    *_UNITS,
    b"[]",
    b"[1,",
    b'{"a":',
    b'"a":1,',
    b"\\u0041",
    b"\\ud800",
    b"1e9",
    b"\r\n\r\n",
    b"\xc3\xbc",
    b"null,",
)
_FIELDS = (
    *("Accept", "Accept-Encoding", "Authorization", "Connection", "Content-Encoding", "Content-Length", "Content-Type"),
    *("Cookie", "Date", "Expect", "Forwarded", "Host", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range"),
    *(
        "Keep-Alive",
        "Origin",
        "Range",
        "Referer",
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Protocol",
        "TE",
        "Trailer",
    ),
    *("Transfer-Encoding", "Upgrade", "User-Agent", "X-Amzn-Trace-Id", "X-Forwarded-For", "X-Request-Id", "X-Unknown"),
    *("baggage", "traceparent", "tracestate"),
)
# Prefixes that make the service parse the rest of a value.
_BEGINNINGS = {
    "Accept": b"application/json",
    "Authorization": b"Bearer ",
    "Content-Type": b"application/json",
    "Expect": b"100-continue",
    "Host": b"[",
    "Range": b"bytes=",
    "Transfer-Encoding": b"chunked",
    "traceparent": b"00-0123456789abcdef0123456789abcdef-0123456789abcdef-01-",
    "tracestate": b"a=",
}
_FIELD_BYTES, _LINE_BYTES, _BODY_BYTES = 8100, 4000, 4000
_TARGETS = (b"/", b"/hello/", b"/hello/Ada?", b"/hello/Ada#", b"/docs/", b"http://", b"http://a:", b"http://a/", b"")
_BODIES = (b"", b'"', b'{"dateOfBirth":"', b'{"dateOfBirth":', b'{"a":"b",')


def long_runs(token: str) -> Iterator[tuple[str, Malformed]]:
    """Yield each request with a description; `token` is valid, for requests that test something other than tokens."""
    for unit, (part, request) in _parts(f"Authorization: Bearer {token}\r\n".encode()):
        yield f"{unit!r} in {part}", Malformed(request)


def _parts(authorized: bytes) -> Iterator[tuple[bytes, tuple[str, bytes]]]:
    for field, unit in product(_FIELDS, _UNITS):
        for beginning in {b"", _BEGINNINGS.get(field, b"")}:
            for end in (b"", b"\x7e"):
                value = beginning + _run(unit, _FIELD_BYTES) + end
                yield unit, (f"{field}: {beginning.decode()}", _with_field(field, value, authorized))
    for target, unit in product(_TARGETS, _UNITS):
        line = b"GET " + target + _run(unit, _LINE_BYTES) + b" HTTP/1.1\r\n"
        yield unit, (f"the target {target.decode()}", line + b"Host: a\r\nConnection: close\r\n" + authorized + b"\r\n")
    for body, unit in product(_BODIES, _BODY_UNITS):
        yield unit, (f"the body {body.decode()}", _put(body + _run(unit, _BODY_BYTES), authorized))
        yield unit, (f"the chunked body {body.decode()}", _put_chunked(body + _run(unit, _BODY_BYTES), authorized))
    yield from _structures(authorized)


def _structures(authorized: bytes) -> Iterator[tuple[bytes, tuple[str, bytes]]]:
    """Yield requests that repeat parts of HTTP's own structure."""
    head = b"GET /version HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    for unit in _UNITS:
        yield unit, ("a field's name", head + _run(unit, _FIELD_BYTES) + b": a\r\n\r\n")
        yield unit, ("the method", _run(unit, _FIELD_BYTES) + head + b"\r\n")
        yield (
            unit,
            (
                "a chunk's extension",
                _put_chunked(b"{}", authorized).replace(b"2\r\n", b"2;" + _run(unit, 9000) + b"\r\n"),
            ),
        )
    yield b"\r\n", ("front of the request", b"\r\n" * 100_000 + head + b"\r\n")
    yield b"a: b", ("the fields", head + b"a: b\r\n" * 20_000 + b"\r\n")
    yield b"a: b", ("as many fields as there may be", head + b"a: b\r\n" * 120 + b"\r\n")
    yield b"1", ("chunks of one byte", _chunked_head(authorized) + b"1\r\n{\r\n" * 4000 + b"0\r\n\r\n")
    yield b"a: b", ("the trailer", _chunked_head(authorized) + b"0\r\n" + b"a: b\r\n" * 20_000 + b"\r\n")


def _run(unit: bytes, length: int) -> bytes:
    return (unit * length)[:length]


def _with_field(field: str, value: bytes, authorized: bytes) -> bytes:
    """Return a PUT, or a GET of a file for fields that concern files, with this field in place of its own."""
    fields = {b"Host": b"a", b"Connection": b"close", b"Content-Length": b"28", field.encode(): value}
    path = (
        b"GET /docs/swagger-ui.css"
        if field in ("Accept-Encoding", "Range", "If-Range", "If-Modified-Since")
        else b"PUT /hello/Ada"
    )
    lines = b"".join(name + b": " + text + b"\r\n" for name, text in fields.items())
    own = b"" if field == "Authorization" else authorized
    return path + b" HTTP/1.1\r\n" + lines + own + b'\r\n{"dateOfBirth":"1990-12-10"}'


def _put(body: bytes, authorized: bytes) -> bytes:
    head = b"PUT /hello/Ada HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n" % len(body)
    return head + authorized + b"\r\n" + body


def _chunked_head(authorized: bytes) -> bytes:
    head = b"PUT /hello/Ada HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
    return head + authorized + b"\r\n"


def _put_chunked(body: bytes, authorized: bytes) -> bytes:
    return _chunked_head(authorized) + b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has used, to the nanosecond; see clock_getcpuclockid(3)."""
    return time.clock_gettime(~pid << 3 | 2)
