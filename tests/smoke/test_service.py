"""A running service works, as its clients see it."""

import json
from datetime import UTC, date, datetime

import aiohttp
import pytest

from service.birthdays import greeting
from tests.smoke.conftest import name

_CONNECTIONS = 20


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.yaml", "/docs"])
async def test_it_answers(client: aiohttp.ClientSession, path: str) -> None:
    """It is alive and ready, and has its documentation."""
    async with client.get(path) as response:
        assert response.status == 200


async def test_version(client: aiohttp.ClientSession) -> None:
    """It reports its build."""
    async with client.get("/version") as response:
        assert response.status == 200
        assert (await response.json()).keys() == {"version", "commit", "image"}


async def test_what_is_stored_is_told_everywhere(client: aiohttp.ClientSession, user: str) -> None:
    """After a 204, every connection, to whichever instance, gets the new greeting."""
    for born in (date(1990, 1, 15), date(1991, 7, 15)):
        days = {datetime.now(UTC).date()}
        async with client.put(f"/hello/{user}", json={"dateOfBirth": born.isoformat()}) as response:
            assert response.status == 204
        told = [await _greeting(client, user) for _ in range(_CONNECTIONS)]
        days.add(datetime.now(UTC).date())  # midnight may come between
        assert set(told) <= {greeting(user, born, day) for day in days}


async def _greeting(client: aiohttp.ClientSession, user: str) -> str:
    async with client.get(f"/hello/{user}") as response:
        assert response.status == 200
        return str((await response.json())["message"])


async def test_birthday(client: aiohttp.ClientSession, user: str) -> None:
    """A user who was born on this day of an earlier year is congratulated today."""
    while True:
        today = datetime.now(UTC).date()
        # 1996 was a leap year, so it had every day.
        async with client.put(f"/hello/{user}", json={"dateOfBirth": today.replace(year=1996).isoformat()}) as response:
            assert response.status == 204
        told = await _greeting(client, user)
        if datetime.now(UTC).date() == today:  # else midnight came between
            break
    assert told == f"Hello, {user}! Happy Birthday!"


async def test_nobody_is_born_today(client: aiohttp.ClientSession, user: str) -> None:
    """A date of birth must be before today."""
    while True:
        today = datetime.now(UTC).date()
        async with client.put(f"/hello/{user}", json={"dateOfBirth": today.isoformat()}) as response:
            told = await response.read()
        if datetime.now(UTC).date() == today:  # else midnight came between
            break
    assert (response.status, json.loads(told)["code"]) == (400, "invalid_date_of_birth")


@pytest.mark.parametrize(
    ("method", "wanted", "body", "status", "code"),
    [
        ("GET", None, None, 404, "user_not_found"),
        ("GET", "no1", None, 400, "invalid_username"),
        ("PUT", None, '{"dateOfBirth":"3000-01-01"}', 400, "invalid_date_of_birth"),
        ("PUT", None, "[", 400, "invalid_body"),
        ("DELETE", None, None, 405, "method_not_allowed"),
    ],
)
async def test_errors(
    client: aiohttp.ClientSession, method: str, wanted: str | None, body: str | None, status: int, code: str
) -> None:
    """Errors are problem documents with a code and the request's id."""
    kind = {"Content-Type": "application/json"} if body else None
    async with client.request(method, f"/hello/{wanted or name()}", data=body, headers=kind) as response:
        assert response.status == status
        assert response.content_type == "application/problem+json"
        told = await response.json()
        assert (told["code"], told["requestId"]) == (code, response.headers["X-Request-Id"])
