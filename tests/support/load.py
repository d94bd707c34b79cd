"""Load on one server, from clients that behave like a load balancer."""

import asyncio

import aiohttp

CLIENTS = 16
LAST_REQUESTS = 5


class Load:
    """Clients that behave like a load balancer: they keep connections alive, and leave once /healthz is not 200."""

    def __init__(self, url: str) -> None:
        """Send to `url`."""
        self.url = url
        self.leaving = asyncio.Event()
        self.warm = asyncio.Event()
        self.answered = 0
        self.failures: list[object] = []

    async def run(self) -> None:
        """Send until the service drains, then a few more requests on new connections."""
        async with aiohttp.ClientSession(self.url) as session:
            await asyncio.gather(self._watch_health(session), *[self._one(session, n) for n in range(CLIENTS)])

    async def _watch_health(self, session: aiohttp.ClientSession) -> None:
        status = 200
        while status == 200:
            async with session.get("/healthz") as response:
                status = response.status
        self.leaving.set()

    async def _one(self, session: aiohttp.ClientSession, number: int) -> None:
        path = "/hello/Load" + "abcdefghijklmnopqrstuvwxyz"[number]
        last = LAST_REQUESTS
        while last:
            last -= self.leaving.is_set()
            try:
                async with session.put(
                    path, data=b'{"dateOfBirth":"1990-06-15"}', skip_auto_headers=["Content-Type"]
                ) as put:
                    self._count(put, 204)
                async with session.get(path) as get:
                    self._count(get, 200)
            except aiohttp.ClientError as error:
                self.failures.append(error)

    def _count(self, response: aiohttp.ClientResponse, expected: int) -> None:
        self.answered += 1
        if self.answered > CLIENTS * 4:
            self.warm.set()
        if response.status != expected:
            self.failures.append(response)
