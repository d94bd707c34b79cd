"""GET /hello/<username>: greets, or says why not."""

from collections.abc import Callable
from datetime import date
from typing import Any

import aiohttp
import pytest
from types_boto3_dynamodb.service_resource import Table
from yarl import URL

from tests.api import problem, with_and_without_tokens
from tests.api.names import BAD, GOOD
from tests.conftest import Clock

Store = Callable[[str, str], object]


def path(name: str) -> URL:
    """Return the path for `name`, which is used exactly as written."""
    return URL(f"/hello/{name}", encoded=True)


@pytest.fixture
def store(table: Table) -> Store:
    """Give a function that stores a date behind the service's back."""
    return lambda name, born: table.put_item(Item={"username": name, "dateOfBirth": born})


@pytest.mark.parametrize(
    ("born", "today", "message"),
    [
        ("1990-06-15", "2025-06-15", "Happy Birthday!"),
        ("1990-06-16", "2025-06-15", "Your birthday is in 1 day(s)"),
        ("1990-06-14", "2025-06-15", "Your birthday is in 364 day(s)"),
        ("1990-06-14", "2027-06-15", "Your birthday is in 365 day(s)"),
        ("2000-02-29", "2023-02-28", "Your birthday is in 1 day(s)"),
        ("2000-02-29", "2023-03-01", "Happy Birthday!"),
        ("2000-02-29", "2024-02-29", "Happy Birthday!"),
        ("2000-02-29", "2024-03-01", "Your birthday is in 365 day(s)"),
        ("2000-02-29", "2100-03-01", "Happy Birthday!"),
        ("0001-01-01", "2025-12-31", "Your birthday is in 1 day(s)"),
        ("2025-06-14", "2025-06-15", "Your birthday is in 364 day(s)"),
    ],
)
async def test_greets_by_the_calendar(
    client: aiohttp.ClientSession, store: Store, clock: Clock, username: str, born: str, today: str, message: str
) -> None:
    """The greeting is one sentence, in a JSON object with exactly one member."""
    store(username, born)
    clock.today = date.fromisoformat(today)
    async with client.get(path(username)) as response:
        assert response.status == 200
        assert response.content_type == "application/json"
        assert await response.json() == {"message": f"Hello, {username}! {message}"}
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("written", "name"), GOOD.values(), ids=GOOD)
async def test_echoes_good_names(client: aiohttp.ClientSession, store: Store, written: str, name: str) -> None:
    """A username is decoded once and echoed with its case unchanged."""
    store(name, "1990-06-15")
    async with client.get(path(written)) as response:
        assert await response.json() == {"message": f"Hello, {name}! Happy Birthday!"}


@pytest.mark.parametrize("written", BAD.values(), ids=BAD)
async def test_refuses_bad_names(client: aiohttp.ClientSession, written: str) -> None:
    """An invalid username is 400, never 404 or 500."""
    async with client.get(path(written)) as response:
        await problem(response, 400, "invalid_username")


async def test_upper_and_lower_case_are_different_users(
    client: aiohttp.ClientSession, store: Store, username: str
) -> None:
    """Usernames are case-sensitive."""
    store(username, "1990-06-15")
    async with client.get(path(username.swapcase())) as response:
        await problem(response, 404, "user_not_found")


@with_and_without_tokens
async def test_unknown_user(client: aiohttp.ClientSession, username: str) -> None:
    """An unknown user is 404, which must not be cached."""
    async with client.get(path(username)) as response:
        await problem(response, 404, "user_not_found")
        assert response.headers["Cache-Control"] == "no-store"


@with_and_without_tokens
async def test_head_is_get_without_a_body(client: aiohttp.ClientSession, store: Store, username: str) -> None:
    """HEAD answers with the headers of GET, the length included, and no body."""
    store(username, "1990-06-15")
    async with client.get(path(username)) as response:
        length = response.headers["Content-Length"]
    async with client.head(path(username)) as response:
        assert (response.status, response.headers["Content-Length"]) == (200, length)
        assert await response.read() == b""
    async with client.head(path("nobody")) as response:
        assert (response.status, await response.read()) == (404, b"")


@with_and_without_tokens
async def test_query_is_ignored(client: aiohttp.ClientSession, store: Store, username: str) -> None:
    """A query string changes nothing."""
    store(username, "1990-06-15")
    async with client.get(path(f"{username}?dateOfBirth=2000-01-01&x")) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"dateOfBirth": "soon"},
        {"dateOfBirth": "2023-02-29"},
        {"dateOfBirth": "19900615"},
        {"dateOfBirth": 19900615},
        {"dateOfBirth": {"year": 1990}},
    ],
    ids=str,
)
@with_and_without_tokens
async def test_corrupt_item_hurts_its_own_user_only(
    client: aiohttp.ClientSession, table: Table, store: Store, username: str, item: dict[str, Any]
) -> None:
    """A damaged item is 500 for its user only, and a PUT repairs it."""
    store("Healthy", "1990-06-15")
    table.put_item(Item={"username": username} | item)
    async with client.get(path(username)) as response:
        await problem(response, 500, "corrupt_record")
    async with client.get(path("Healthy")) as response:
        assert response.status == 200
    async with client.put(path(username), json={"dateOfBirth": "1990-06-15"}) as response:
        assert response.status == 204
    async with client.get(path(username)) as response:
        assert response.status == 200
