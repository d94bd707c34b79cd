"""A service that requires tokens accepts no request without a valid one."""

import aiohttp

from tests.api import problem
from tests.smoke.conftest import TIMEOUT

_USER = "/hello/SmokeTest"


async def test_no_token(base_url: str) -> None:
    """Without a token, a request is refused."""
    async with aiohttp.ClientSession(base_url, timeout=TIMEOUT) as stranger, stranger.get(_USER) as response:
        await problem(response, 401, "missing_token")


async def test_forged_token(base_url: str, headers: dict[str, str]) -> None:
    """A token with a changed signature is refused."""
    signed, _, signature = headers["Authorization"].rpartition(".")
    forged = {"Authorization": f"{signed}.{signature[::-1]}"}
    async with (
        aiohttp.ClientSession(base_url, headers=forged, timeout=TIMEOUT) as client,
        client.get(_USER) as response,
    ):
        await problem(response, 401, "invalid_token")
