"""Load at a constant rate: requests leave when they are due, whether or not earlier ones have been answered.

This makes a server's stalls visible: a wait counts from when the request was due, not from when it could be sent.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp

_PUT_SHARE = 0.2
_CONNECTIONS = 128
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_DATES = [f"{year}-{month:02}-{day:02}" for year in range(1950, 2020) for month in range(1, 13) for day in (1, 14, 28)]


@dataclass
class Seen:
    """The clients' results since the last `take`: waits in milliseconds, and errors."""

    waits_ms: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class OpenLoop:
    """Clients that read and store the users `names` at `url`."""

    def __init__(self, url: str, names: Sequence[str], rate: int) -> None:
        """Prepare to send `rate` requests a second."""
        self._url, self._names, self._rate = url, names, rate
        self._random = random.Random(1990)
        self._seen = Seen()

    def take(self) -> Seen:
        """Return the results since the last call, and start over."""
        seen, self._seen = self._seen, Seen()
        return seen

    async def run(self, seconds: float) -> None:
        """Send for `seconds`, and wait for the last answers."""
        loop = asyncio.get_running_loop()
        connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
        client = aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT)
        async with client as session, asyncio.TaskGroup() as tasks:
            began = loop.time()
            for number in range(int(self._rate * seconds)):
                due = began + number / self._rate
                if due > loop.time():
                    await asyncio.sleep(due - loop.time())
                tasks.create_task(self._request(session, due))

    async def _request(self, session: aiohttp.ClientSession, due: float) -> None:
        user = f"{self._url}/hello/{self._random.choice(self._names)}"
        try:
            problem = await (self._put if self._random.random() < _PUT_SHARE else self._get)(session, user)
        except (aiohttp.ClientError, TimeoutError) as error:
            problem = type(error).__name__
        if problem is not None:
            self._seen.errors.append(problem)
        self._seen.waits_ms.append((asyncio.get_running_loop().time() - due) * 1000)

    async def _put(self, session: aiohttp.ClientSession, user: str) -> str | None:
        async with session.put(user, json={"dateOfBirth": self._random.choice(_DATES)}) as response:
            return None if response.status == HTTPStatus.NO_CONTENT else f"PUT {response.status}"

    async def _get(self, session: aiohttp.ClientSession, user: str) -> str | None:
        async with session.get(user) as response:
            name = user.rpartition("/")[2]
            greeted = response.status == HTTPStatus.OK and f"Hello, {name}!" in await response.text()
            return None if greeted else f"GET {response.status}"
