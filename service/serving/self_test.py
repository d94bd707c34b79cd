"""The self-test at start: the process sends itself requests, through a socket, for every kind of response.

Owns the requests and the expected responses. These are written out here, not computed by the code under test. Knows
nothing of how the service listens.
"""

import asyncio
import secrets
import string
from contextlib import nullcontext, suppress
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson
from aiohttp import hdrs, web

from service import __version__
from service.errors import SetupError, StorageUnavailable
from service.keys import CONFIG, OWN_TOKEN, STORE, TODAY

# The prefix explains the item to people who look into the table. The rest makes the name unique: there are 52^248,
# more than 10^425, combinations of 248 random letters.
_NAME_BEGINS, _NAME_LETTERS = "SelfTest", 256
_GET, _PUT = "GET /hello/<username>", "PUT /hello/<username>"
_LEAP_YEAR = 2000  # it has every day that can be a birthday
_PAUSE_SECONDS = 0.5
_MOST_LETTERS = 200  # of a response body, in a message


async def run(url: str, app: web.Application, until: float) -> None:
    """Send all requests to the service at `url`; raise `SetupError` if a response is wrong.

    After a 503 the test is repeated until `until`, in seconds of the event loop's clock. A round may last until
    then, or for the time budget of a storage call if that is longer.
    """
    loop, budget = asyncio.get_running_loop(), app[CONFIG].storage_seconds
    with app.get(OWN_TOKEN, nullcontext)() as token:
        async with aiohttp.ClientSession(url) as session:
            while True:
                try:
                    return await _Visit(session, app, token, max(until, loop.time() + budget)).make()
                except _WrongAnswerError as error:
                    if not error.passes or loop.time() >= until:
                        raise SetupError(_advice(error)) from error
                await asyncio.sleep(_PAUSE_SECONDS)


def _advice(error: Exception) -> str:
    return (
        f"the service failed its self-test: {error}; check its log, and run another version,"
        " or set HELLO_SELF_TEST=off if the test is wrong and the service works"
    )


class _WrongAnswerError(Exception):
    """A response differs from the expected one; `passes` says whether it may be right in a moment."""

    def __init__(self, question: str, wanted: str, came: str, *, passes: bool = False) -> None:
        super().__init__(f"{question} must be answered with {wanted}, not with {came}")
        self.passes = passes


class _Visit:
    """The requests of a new user, who is deleted afterwards."""

    def __init__(self, session: aiohttp.ClientSession, app: web.Application, token: str | None, end: float) -> None:
        self._session, self._app, self._token, self._end = session, app, token, end
        letters = (secrets.choice(string.ascii_letters) for _ in range(_NAME_LETTERS - len(_NAME_BEGINS)))
        self._user = _NAME_BEGINS + "".join(letters)

    async def make(self) -> None:
        """Send the requests; raise `_WrongAnswerError` at the first wrong response."""
        config = self._app[CONFIG]
        version = {"version": __version__, "commit": config.git_commit, "image": config.image_id}
        await self._ask("GET /version", HTTPStatus.OK, version)
        if self._token is not None:
            await self._be_refused(self._token)
        await self._ask(_GET, HTTPStatus.NOT_FOUND)
        await self._ask(_PUT, HTTPStatus.BAD_REQUEST, json={"dateOfBirth": "31 December 2000"})
        try:
            await self._be_greeted(1, "Your birthday is in 1 day(s)")
            await self._be_greeted(0, "Happy Birthday!")
        finally:
            # If deleting fails the item stays, under a name that nobody uses.
            with suppress(StorageUnavailable):
                await self._app[STORE].delete(self._user)

    async def _be_refused(self, token: str) -> None:
        """Send a request without a token, and one with a token whose signature is all zeros."""
        signed, _, signature = token.rpartition(".")
        forged = f"{signed}.{'A' * len(signature)}"
        await self._ask(f"{_GET} without a token", HTTPStatus.UNAUTHORIZED, headers={})
        await self._ask(f"{_GET} with a forged token", HTTPStatus.UNAUTHORIZED, headers=_bearing(forged))

    async def _be_greeted(self, days: int, greeting: str) -> None:
        """Store a birthday that is `days` from today, and expect `greeting`."""
        today = self._app[TODAY]()
        born = (today + timedelta(days)).replace(year=_LEAP_YEAR)
        await self._ask(_PUT, HTTPStatus.NO_CONTENT, json={"dateOfBirth": born.isoformat()})
        try:
            await self._ask(_GET, HTTPStatus.OK, {"message": f"Hello, {self._user}! {greeting}"})
        except _WrongAnswerError:
            if self._app[TODAY]() == today:
                raise
            await self._be_greeted(days, greeting)  # midnight passed between the two requests

    async def _ask(self, question: str, status: int, content: object = None, **request: Any) -> None:  # noqa: ANN401 - as aiohttp's
        """Send the request that `question` begins with; require `status` and, unless it is None, `content`."""
        method, path = question.replace("<username>", self._user).split()[:2]
        request = {"headers": _bearing(self._token)} | request
        try:
            async with asyncio.timeout_at(self._end), self._session.request(method, path, **request) as response:
                told = _read(await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            came = "nothing in time" if isinstance(error, TimeoutError) else type(error).__name__
            raise _WrongAnswerError(question, self._tell(status, content), came) from error
        if response.status != status or content not in (None, told):
            wanted, came = self._tell(status, content), self._tell(response.status, told)
            passes = response.status == HTTPStatus.SERVICE_UNAVAILABLE
            raise _WrongAnswerError(question, wanted, came, passes=passes)

    def _tell(self, status: int, content: object) -> str:
        """Describe a response by its status and content; for an error by its code."""
        if isinstance(content, dict):
            content = content.get("code", content)
        return f"{int(status)} {content or ''}".strip().replace(self._user, "<username>")[:_MOST_LETTERS]


def _read(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except ValueError:
        return body.decode(errors="replace")


def _bearing(token: str | None) -> dict[str, str]:
    return {} if token is None else {hdrs.AUTHORIZATION: f"Bearer {token}"}
