"""The parts of generated requests: names, dates, bodies and header fields, valid and invalid."""

import json
import string
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote, quote_from_bytes

from hypothesis import strategies as st

from service.api.payload import MAX_BYTES
from tests.api.names import BAD, GOOD


@dataclass(frozen=True)
class Case:
    """One request; `born` is the date that it must store, or None if it need not store one."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    chunked: bool = False
    born: date | None = None


def _encoded(name: str, hidden: str) -> str:
    """Return `name` as it may be written in a path, with the letters of `hidden` percent-encoded."""
    return "".join(f"%{ord(letter):02x}" if letter in hidden else letter for letter in name)


# Names, as they are written in a path.
_letters = st.text(string.ascii_letters, min_size=1, max_size=30)
_names = st.one_of(
    st.builds(_encoded, _letters, st.text(string.ascii_letters)),
    st.integers(1, 256).map("z".__mul__),
    st.sampled_from([written for written, _ in GOOD.values()]),
)
_scraps = st.sampled_from(["%0a", "%00", "%2f", "%2e%2e", "..", "%", "%e2%84%aa", "/", "//", ";", "%25", "%ff"])
_odd_names = st.one_of(
    st.sampled_from(list(BAD.values())),
    st.text(max_size=300).map(lambda text: quote(text, safe="")),
    st.binary(max_size=300).map(lambda data: quote_from_bytes(data, safe="")),
    st.text("aZ%./;=+~!$&'()*,:@0-_"),
    st.lists(_letters | _scraps).map("".join),
    st.integers(257, 4000).map("a".__mul__),
)
_targets = st.builds("/hello/{}".format, _names)
_odd_targets = st.one_of(
    st.builds("/hello/{}".format, _odd_names),
    st.builds("/hello/{}?{}".format, _names | _odd_names, st.text("ab?=&%/", max_size=10)),
    st.sampled_from(["/", "/hello", "/healthz", "/readyz", "/version", "/docs", "/docs/", "/openapi.yaml"]),
    st.builds("/{}".format, _odd_names),
)

# Dates and bodies.
_yesterday = datetime.now(UTC).date() - timedelta(days=1)
_dates = st.dates(max_value=_yesterday)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
_odd_dates = st.one_of(
    st.dates(min_value=_yesterday + timedelta(days=1)).map(str),
    st.builds("{:04}-{:02}-{:02}".format, st.integers(0, 9999), st.integers(0, 99), st.integers(0, 99)),
    st.builds("{}{}".format, _dates, st.sampled_from(["\n", " ", "\0", "T00:00:00Z"])),
    st.sampled_from(
        ["\uff11990-12-10", "-1990-12-10", "1900-02-29", "0000-01-01", "2000-1-1", "1990-W10-1", "19901210"]
    ),
    st.text("0123456789-", max_size=12),
    _json,
)


def _written(born: object, others: dict[str, object], indent: int | None, ascii_only: bool) -> bytes:
    return json.dumps(others | {"dateOfBirth": born}, indent=indent, ensure_ascii=ascii_only).encode()


_others = st.dictionaries(st.text(max_size=20), _json, max_size=3)
_indents = st.none() | st.integers(0, 4)
_broken = st.sampled_from(["", ",}", "}}", ',"dateOfBirth":"2000-01-01"}', ',"a":NaN}', "]", ",'a':1}", "}\0", "}//"])
_odd_bodies = st.one_of(
    st.binary(),
    st.builds(_written, _odd_dates, _others, _indents, st.booleans()),
    _json.map(lambda value: json.dumps(value).encode()),
    st.builds(lambda born, rest: f'{{"dateOfBirth":"{born}"{rest}'.encode(), _dates, _broken),
    st.builds(
        lambda born, codec: f'{{"dateOfBirth":"{born}"}}'.encode(codec),
        _dates,
        st.sampled_from(["utf-16", "utf-8-sig", "utf-32-le"]),
    ),
    st.integers(MAX_BYTES - 1, MAX_BYTES + 1).map(b'{"dateOfBirth":"1990-12-10"}'.ljust),
    st.builds(bytes.__mul__, st.sampled_from([b"[", b'{"a":', b"9", b"\xff", b'"']), st.integers(1, 5000)),
)

# Header fields: any characters that HTTP allows in a value.
_values = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=50)
_types = st.sampled_from(
    ["application/json", "APPLICATION/JSON; charset=UTF-8", "application/x-www-form-urlencoded", ""]
)
_harmless = {
    "Accept": _values,
    "Accept-Encoding": _values,
    "Authorization": _values | _values.map("Bearer {}".format),
    "Cookie": _values,
    "X-Request-Id": _values,
    "X-Amzn-Trace-Id": _values,
    "X-Long": st.integers(1000, 8000).map("a".__mul__),
}
_headers = st.fixed_dictionaries({}, optional=_harmless | {"Content-Type": _types})
_odd_types = st.sampled_from(
    ["text/plain", "application/json; charset=latin-1", "application/json;charset", 'a/b; c="d']
)
_odd_headers = st.one_of(
    st.fixed_dictionaries({"Content-Type": _odd_types | _values}, optional=_harmless),
    st.fixed_dictionaries({"Content-Encoding": st.sampled_from(["gzip", "identity", "br", ""]) | _values}),
    st.fixed_dictionaries({"Expect": st.sampled_from(["100-continue", "100-Continue", "a-miracle"]) | _values}),
)


@st.composite
def _proper_cases(draw: st.DrawFn) -> Case:
    born = draw(_dates)
    bodies = st.builds(_written, st.just(str(born)), _others, _indents, st.booleans())
    body = draw(bodies.filter(lambda body: len(body) <= MAX_BYTES))
    return Case("PUT", draw(_targets), draw(_headers), body, draw(st.booleans()), born)


_bodies = st.builds(_written, _dates.map(str), _others, _indents, st.booleans())
_methods = st.sampled_from(["GET", "PUT", "HEAD", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE"])
cases = st.one_of(
    _proper_cases(),
    st.builds(Case, st.just("PUT"), _odd_targets, _headers, _bodies, st.booleans()),
    st.builds(Case, st.just("PUT"), _targets, _odd_headers, _bodies, st.booleans()),
    st.builds(Case, st.just("PUT"), _targets, _headers, _odd_bodies, st.booleans()),
    st.builds(Case, _methods, _targets | _odd_targets, _headers | _odd_headers, _bodies | _odd_bodies, st.booleans()),
)
