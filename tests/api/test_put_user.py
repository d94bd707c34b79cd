"""PUT /hello/<username>: stores a date of birth, or says why not."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from datetime import date
from time import thread_time
from typing import Any

import aiohttp
import pytest
from types_boto3_dynamodb.service_resource import Table
from yarl import URL

from tests.api import problem, with_and_without_tokens
from tests.api.names import BAD, GOOD
from tests.conftest import Clock

BODY = b'{"dateOfBirth": "1990-06-15"}'


def path(name: str) -> URL:
    """Return the path for `name`, which is used exactly as written."""
    return URL(f"/hello/{name}", encoded=True)


def stored(table: Table, name: str) -> dict[str, Any] | None:
    """Return what the table holds for `name`."""
    return table.get_item(Key={"username": name}, ConsistentRead=True).get("Item")


@with_and_without_tokens
async def test_stores_a_new_and_replaces_a_known_user(
    client: aiohttp.ClientSession, table: Table, username: str
) -> None:
    """Both PUTs are 204 without a body; the last write wins, and the next GET returns it."""
    for born, days in (("1990-06-16", 1), ("1990-06-17", 2), ("1990-06-17", 2)):
        async with client.put(path(username), json={"dateOfBirth": born}) as response:
            assert (response.status, await response.read()) == (204, b"")
            assert "Content-Type" not in response.headers
        assert stored(table, username) == {"username": username, "dateOfBirth": born}
        async with client.get(path(username)) as response:
            assert await response.json() == {"message": f"Hello, {username}! Your birthday is in {days} day(s)"}


@pytest.mark.parametrize(("written", "name"), GOOD.values(), ids=GOOD)
async def test_accepts_good_names(client: aiohttp.ClientSession, table: Table, written: str, name: str) -> None:
    """A username is decoded once and stored with its case unchanged."""
    async with client.put(path(written), data=BODY) as response:
        assert response.status == 204
    assert stored(table, name) is not None


@pytest.mark.parametrize("written", BAD.values(), ids=BAD)
async def test_refuses_bad_names(client: aiohttp.ClientSession, written: str) -> None:
    """An invalid username is 400, as it is for GET."""
    async with client.put(path(written), data=BODY) as response:
        await problem(response, 400, "invalid_username")


@pytest.mark.parametrize(
    "born",
    ["2025-06-14", "0001-01-01", "1582-10-10", "1900-02-28", "2000-02-29", "2024-02-29", "1999-12-31", "0999-01-01"],
)
async def test_accepts_dates_before_today(
    client: aiohttp.ClientSession, table: Table, username: str, born: str
) -> None:
    """Any real date before today is accepted, however long ago."""
    async with client.put(path(username), json={"dateOfBirth": born}) as response:
        assert response.status == 204
    assert stored(table, username) == {"username": username, "dateOfBirth": born}


BAD_DATES: dict[str, Any] = {
    "today": "2025-06-15",
    "tomorrow": "2025-06-16",
    "far future": "9999-12-31",
    "29 February of a common year": "2023-02-29",
    "29 February of a century": "1900-02-29",
    "30 February": "2024-02-30",
    "31 April": "2024-04-31",
    "month 13": "2024-13-01",
    "month 0": "2024-00-10",
    "day 0": "2024-01-00",
    "year 0": "0000-01-01",
    "no zeros": "1990-6-5",
    "no hyphens": "19900615",
    "slashes": "1990/06/15",
    "day first": "15-06-1990",
    "week date": "1990-W24-5",
    "ordinal date": "1990-166",
    "time": "1990-06-15T00:00:00",
    "time zone": "1990-06-15Z",
    "blank before": " 1990-06-15",
    "blank after": "1990-06-15 ",
    "newline after": "1990-06-15\n",
    "five-digit year": "11990-06-15",
    "negative year": "-199-06-15",
    "plus sign": "+1990-06-1",
    "Arabic-Indic digits": "\u0661\u0669\u0669\u0660-\u0660\u0666-\u0661\u0665",
    "full-width digits": "\uff11\uff19\uff19\uff10-06-15",
    "long hyphens": "1990\u201306\u201315",
    "lone surrogate": "\ud800990-06-15",
    "NUL": "1990-06-1\x00",
    "words": "yesterday",
    "empty": "",
    "number": 19900615,
    "float": 1990.06,
    "null": None,
    "true": True,
    "list": ["1990-06-15"],
    "object": {"year": 1990},
}


@pytest.mark.parametrize("born", BAD_DATES.values(), ids=BAD_DATES)
async def test_refuses_bad_dates(client: aiohttp.ClientSession, table: Table, username: str, born: object) -> None:
    """Anything but a real date before today in ten characters is 400, and nothing is stored."""
    async with client.put(path(username), data=json.dumps({"dateOfBirth": born})) as response:
        await problem(response, 400, "invalid_date_of_birth")
    assert stored(table, username) is None


async def test_says_that_the_date_is_missing(client: aiohttp.ClientSession, username: str) -> None:
    """A misnamed field has another error than a bad date, and neither error repeats what was sent."""
    async with client.put(path(username), data='{"birthday": "1990-06-15"}') as response:
        detail = (await problem(response, 400, "invalid_date_of_birth"))["detail"]
    assert detail.startswith("dateOfBirth is missing")
    assert "birthday" not in detail
    assert "1990" not in detail


@with_and_without_tokens
async def test_refused_write_leaves_the_old_date(client: aiohttp.ClientSession, table: Table, username: str) -> None:
    """A refused PUT leaves the stored date unchanged."""
    async with client.put(path(username), data=BODY) as response:
        assert response.status == 204
    async with client.put(path(username), json={"dateOfBirth": "2023-02-29"}) as response:
        await problem(response, 400, "invalid_date_of_birth")
    assert stored(table, username) == {"username": username, "dateOfBirth": "1990-06-15"}


async def test_today_turns_into_yesterday(client: aiohttp.ClientSession, clock: Clock, username: str) -> None:
    """The same date is refused today and accepted tomorrow: the clock is read with each request."""
    async with client.put(path(username), json={"dateOfBirth": "2025-06-15"}) as response:
        await problem(response, 400, "invalid_date_of_birth")
    clock.today = date(2025, 6, 16)
    async with client.put(path(username), json={"dateOfBirth": "2025-06-15"}) as response:
        assert response.status == 204


BAD_BODIES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "invalid_body"),
    "blank": (b" \n", "invalid_body"),
    "not JSON": (b"dateOfBirth=1990-06-15", "invalid_body"),
    "truncated": (b'{"dateOfBirth": "1990-06-1', "invalid_body"),
    "two documents": (BODY + BODY, "invalid_body"),
    "single quotes": (b"{'dateOfBirth': '1990-06-15'}", "invalid_body"),
    "trailing comma": (b'{"dateOfBirth": "1990-06-15",}', "invalid_body"),
    "comment": (BODY + b" // born", "invalid_body"),
    "array": (b"[" + BODY + b"]", "invalid_body"),
    "string": (b'"1990-06-15"', "invalid_body"),
    "number": (b"19900615", "invalid_body"),
    "null": (b"null", "invalid_body"),
    "no field": (b"{}", "invalid_date_of_birth"),
    "field in another case": (b'{"dateofbirth": "1990-06-15"}', "invalid_date_of_birth"),
    "field given twice": (b'{"dateOfBirth": "1990-06-15", "dateOfBirth": "1990-06-15"}', "invalid_body"),
    "field given twice, once escaped": (b'{"dateOfBirth": "1990-06-15", "\\u0064ateOfBirth": "x"}', "invalid_body"),
    "other field given twice": (b'{"dateOfBirth": "1990-06-15", "a": 1, "a": 1}', "invalid_body"),
    "nested field given twice": (b'{"dateOfBirth": "1990-06-15", "a": {"b": 1, "b": 2}}', "invalid_body"),
    "NaN": (b'{"dateOfBirth": "1990-06-15", "a": NaN}', "invalid_body"),
    "Infinity": (b'{"dateOfBirth": "1990-06-15", "a": -Infinity}', "invalid_body"),
    "NaN as date": (b'{"dateOfBirth": NaN}', "invalid_body"),
    "number of 4000 digits": (b'{"dateOfBirth": ' + b"9" * 4000 + b"}", "invalid_date_of_birth"),
    "4 kB of brackets": (b"[" * 4096, "invalid_body"),
    "4 kB of nested objects": (b'{"a":' * 800, "invalid_body"),
    "byte order mark": (b"\xef\xbb\xbf" + BODY, "invalid_body"),
    "not UTF-8": (b'{"dateOfBirth": "1990-06-15", "a": "\xfc"}', "invalid_body"),
    "UTF-16": (BODY.decode().encode("utf-16"), "invalid_body"),
    "NULs": (b"\x00" * 100, "invalid_body"),
    "gzip without saying so": (gzip.compress(BODY), "invalid_body"),
}


@pytest.mark.parametrize(("body", "code"), BAD_BODIES.values(), ids=BAD_BODIES)
async def test_refuses_bad_bodies(client: aiohttp.ClientSession, username: str, body: bytes, code: str) -> None:
    """Anything but one strict JSON object in UTF-8 is 400, and the error says so."""
    async with client.put(path(username), data=body) as response:
        await problem(response, 400, code)


@pytest.mark.parametrize(
    "body",
    [
        b'{"dateOfBirth": "1990-06-15", "name": "Ada", "more": {"a": [1, 2.5, null]}}',
        b'\t\r\n {"dateOfBirth"\n:\n"1990-06-15"} \n',
        b'{"dateOfBirth": "\\u0031990-06-15"}',
        b'{"dateOfBirth": "1990-06-15", "\xc3\xbc": "\\ud800"}',
        b'{"dateOfBirth": "1990-06-15", "a": "' + b"b" * (4096 - 38) + b'"}',
    ],
    ids=["unknown fields", "white space", "escapes", "other fields in any letters", "4096 bytes"],
)
async def test_accepts_unusual_bodies(client: aiohttp.ClientSession, table: Table, username: str, body: bytes) -> None:
    """Unknown fields, white space, escapes and the full 4096 bytes are accepted."""
    async with client.put(path(username), data=body) as response:
        assert response.status == 204
    assert stored(table, username) == {"username": username, "dateOfBirth": "1990-06-15"}


@pytest.mark.parametrize("size", [4097, 5_000, 100_000, 1_000_000])
@pytest.mark.parametrize("chunked", [False, True], ids=["sized", "chunked"])
async def test_refuses_large_bodies(client: aiohttp.ClientSession, username: str, size: int, chunked: bool) -> None:
    """More than 4096 bytes are 413, whether announced or not, and whatever they contain."""

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, size, 1000):
            yield b"[" * min(1000, size - start)

    async with client.put(path(username), data=chunks() if chunked else b"[" * size) as response:
        await problem(response, 413, "body_too_large")


ACCEPTED_TYPES = {
    "json": "application/json",
    "upper case": "APPLICATION/JSON",
    "charset": "application/json; charset=utf-8",
    "charset in capitals and quotes": 'application/json;charset="UTF-8"',
    "curl's own": "application/x-www-form-urlencoded",
    "empty": "",
    "semicolons": "application/json ; ;; charset=utf-8 ;",
    "other parameters": "application/json; version=1",
}
REFUSED_TYPES = {
    "text": ("text/plain", 415, "unsupported_media_type"),
    "text/json": ("text/json", 415, "unsupported_media_type"),
    "xml": ("application/xml", 415, "unsupported_media_type"),
    "multipart": ("multipart/form-data; boundary=x", 415, "unsupported_media_type"),
    "bytes": ("application/octet-stream", 415, "unsupported_media_type"),
    "json patch": ("application/merge-patch+json", 415, "unsupported_media_type"),
    "nonsense": ("nonsense", 415, "unsupported_media_type"),
    "unknown charset": ("application/json; charset=klingon", 400, "invalid_body"),
    "other charset": ("application/json; charset=iso-8859-1", 400, "invalid_body"),
    "charset without a value": ("application/json; charset", 400, "invalid_body"),
    "wide charset": ("application/json; charset=utf-16", 400, "invalid_body"),
}


@pytest.mark.parametrize("content_type", ACCEPTED_TYPES.values(), ids=ACCEPTED_TYPES)
async def test_accepts_content_types(client: aiohttp.ClientSession, username: str, content_type: str) -> None:
    """JSON is accepted with its own content type, with none, or with curl's default."""
    async with client.put(path(username), data=BODY, headers={"Content-Type": content_type}) as response:
        assert response.status == 204


async def test_accepts_no_content_type(url: str, username: str) -> None:
    """A body without any Content-Type header is read as JSON."""
    async with (
        aiohttp.ClientSession(url, skip_auto_headers=["Content-Type"]) as client,
        client.put(path(username), data=BODY) as response,
    ):
        assert response.status == 204


@pytest.mark.parametrize(("content_type", "status", "code"), REFUSED_TYPES.values(), ids=REFUSED_TYPES)
async def test_refuses_content_types(
    client: aiohttp.ClientSession, username: str, content_type: str, status: int, code: str
) -> None:
    """Any other explicit type is 415; a charset that is not utf-8 is 400."""
    async with client.put(path(username), data=BODY, headers={"Content-Type": content_type}) as response:
        await problem(response, status, code)


@pytest.mark.parametrize("filler", ["; ", ";", "(", '"', "=", "charset=", "\t", " "])
async def test_long_content_types_hold_up_nobody(client: aiohttp.ClientSession, username: str, filler: str) -> None:
    """A Content-Type of 8 KB is refused at once: for twenty clients in a fraction of the time that one once took."""
    headers = {"Content-Type": ("application/json" + filler * 8000)[:8000] + "x"}

    async def refused() -> None:
        async with client.put(path(username), data=BODY, headers=headers) as response:
            await problem(response, 415, "unsupported_media_type")

    began = thread_time()
    await asyncio.gather(*[refused() for _ in range(20)])
    async with client.get("/healthz") as response:
        assert response.status == 200
    assert thread_time() - began < 2  # twenty times 0.5 s, by a general parser


@pytest.mark.parametrize("field", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("value", ["*", '"a"', ""])
async def test_refuses_conditions(
    client: aiohttp.ClientSession, table: Table, username: str, field: str, value: str
) -> None:
    """A conditional PUT is 412 and stores nothing, since the service does not evaluate conditions."""
    async with client.put(path(username), data=BODY, headers={field: value}) as response:
        await problem(response, 412, "precondition_failed")
    assert stored(table, username) is None


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity", "nonsense"])
async def test_refuses_content_encodings(client: aiohttp.ClientSession, username: str, coding: str) -> None:
    """A body in any Content-Encoding is 415, before a byte of it is decompressed."""
    headers = {"Content-Encoding": coding}
    async with client.put(path(username), data=gzip.compress(BODY), headers=headers) as response:
        await problem(response, 415, "unsupported_media_type")


@with_and_without_tokens
async def test_expect_continue(client: aiohttp.ClientSession, username: str) -> None:
    """A client that waits for 100 Continue before it sends the body gets it."""
    async with client.put(path(username), data=BODY, expect100=True) as response:
        assert response.status == 204
