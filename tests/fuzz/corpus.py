"""Requests as literal bytes: good ones, those whose end is ambiguous, and other protocols."""

NAME = "Confidential"
BORN = "1987-11-23"

_BODY = f'{{"dateOfBirth":"{BORN}"}}'.encode()
_HEAD = f"PUT /hello/{NAME} HTTP/1.1\r\nHost: localhost\r\n".encode()
GET = f"GET /hello/{NAME} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
HIDDEN = b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n"
_CHUNKS = b"1c\r\n" + _BODY + b"\r\n0\r\n\r\n"

GOOD = (
    GET,
    _HEAD + b"Content-Type: application/json\r\nContent-Length: 28\r\n\r\n" + _BODY,
    _HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + _CHUNKS,
    _HEAD + b"Expect: 100-continue\r\nContent-Length: 28\r\nConnection: close\r\n\r\n" + _BODY,
    _HEAD + b"Transfer-Encoding: chunked\r\nTrailer: A\r\n\r\n0e;a=b\r\n" + _BODY[:14] + b"\r\n0E\r\n" + _BODY[14:]
    + b"\r\n0\r\nA: b\r\n\r\n",
    b"GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nCookie: a=b; c=d\r\n\r\n",
    b"GET /readyz?a=b%20c#d HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /hello/%41da HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
    GET * 3 + _HEAD + b"Content-Length: 28\r\n\r\n" + _BODY + HIDDEN,
)  # fmt: skip

LENGTHS = (b"+28", b"-28", b"0x1c", b"2_8", b"28,28", b"28 28", b"28;", b"", b"9" * 30, b"\x0b28", b"1c", b"28\0")
_ENCODINGS = (
    b"Content-Length: 28\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nContent-Length: 28",
    b"Content-Length: 28\r\nContent-Length: 28",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: \x0bchunked",
    b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding:\r\n chunked",
    b"A: b\r\n Transfer-Encoding: chunked",
    b"A: b\nTransfer-Encoding: chunked",
    b"A: b\rTransfer-Encoding: chunked",
)
_SIZES = (b"0x1c", b"+1c", b"-1c", b"1_c", b"1c ", b" 1c", b"1c\n", b"1c\r", b"1000000000000001c", b"f" * 5000, b"")
_ENDS = (b"0\r\n\r\n", b"XX0\r\n\r\n", b"\n0\r\n\r\n", b"\r\n0\r\nContent-Length: 1\r\n\r\n", b"\r\n0\r\nA b\r\n\r\n")
# Parsers of HTTP disagree on where these end: each must be refused, together with what follows it.
AMBIGUOUS = (
    *(_HEAD + b"Content-Length: " + length + b"\r\n\r\n" + _BODY for length in LENGTHS),
    *(_HEAD + encoding + b"\r\n\r\n" + _CHUNKS for encoding in _ENCODINGS),
    *(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + _CHUNKS.replace(b"1c", size, 1) for size in _SIZES),
    *(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n1c\r\n" + _BODY + end for end in _ENDS),
)

FOREIGN = (
    b"GET /healthz\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2,
    b"SSH-2.0-OpenSSH_10.0\r\n",
    b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n" + GET,
    b"\r\n\r\n\r\n",
    bytes(4096),
    b"",
)
