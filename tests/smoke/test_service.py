"""A running service is well, as its clients see it. One fixed name is used, since nothing is ever deleted."""

import re
from datetime import UTC, date, datetime

import aiohttp
import pytest

from service.birthdays import greeting

_USER = "/hello/SmokeTest"
_NOBODY = "/hello/SmokeTestOfNobody"
_CONNECTIONS = 20
_DATE = {"dateOfBirth": "2000-02-29"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.yaml", "/docs"])
async def test_it_answers(client: aiohttp.ClientSession, path: str) -> None:
    """It is alive and ready, and has its documentation."""
    async with client.get(path) as response:
        assert response.status == 200


async def test_version(client: aiohttp.ClientSession) -> None:
    """It tells which build it is."""
    async with client.get("/version") as response:
        assert response.status == 200
        assert (await response.json()).keys() == {"version", "commit", "image"}


async def test_what_is_stored_is_told_everywhere(client: aiohttp.ClientSession) -> None:
    """After a 204, every connection, to whichever instance, gets the greeting."""
    async with client.put(_USER, json=_DATE) as response:
        assert response.status == 204
    for _ in range(_CONNECTIONS):
        async with client.get(_USER) as response:
            assert response.status == 200
            told = await response.json()
            assert re.fullmatch(
                r"Hello, SmokeTest! (Your birthday is in \d+ day\(s\)|Happy Birthday!)", told["message"]
            )


async def test_birthday(client: aiohttp.ClientSession) -> None:
    """Born on this day of an earlier year means congratulations today."""
    while True:
        today = datetime.now(UTC).date()
        # 1996 was a leap year, so it had every day.
        async with client.put(_USER, json={"dateOfBirth": today.replace(year=1996).isoformat()}) as response:
            assert response.status == 204
        async with client.get(_USER) as response:
            told = await response.json()
        if datetime.now(UTC).date() == today:  # else midnight came between
            break
    assert told == {"message": "Hello, SmokeTest! Happy Birthday!"}


async def test_last_write_wins(client: aiohttp.ClientSession) -> None:
    """A second date takes the place of the first."""
    days = {datetime.now(UTC).date()}
    for born in (date(1990, 1, 15), date(1991, 7, 15)):
        async with client.put(_USER, json={"dateOfBirth": born.isoformat()}) as response:
            assert response.status == 204
    async with client.get(_USER) as response:
        told = await response.json()
    days.add(datetime.now(UTC).date())  # midnight may come between
    assert told["message"] in {greeting("SmokeTest", date(1991, 7, 15), day) for day in days}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", _NOBODY, None, 404, "user_not_found"),
        ("GET", "/hello/no1", None, 400, "invalid_username"),
        ("PUT", _USER, '{"dateOfBirth":"3000-01-01"}', 400, "invalid_date_of_birth"),
        ("PUT", _USER, "[", 400, "invalid_body"),
        ("DELETE", _USER, None, 405, "method_not_allowed"),
    ],
)
async def test_errors(
    client: aiohttp.ClientSession, method: str, path: str, body: str | None, status: int, code: str
) -> None:
    """What is wrong is a problem document with a code and the id of the request."""
    kind = {"Content-Type": "application/json"} if body else None
    async with client.request(method, path, data=body, headers=kind) as response:
        assert response.status == status
        assert response.content_type == "application/problem+json"
        told = await response.json()
        assert (told["code"], told["requestId"]) == (code, response.headers["X-Request-Id"])
