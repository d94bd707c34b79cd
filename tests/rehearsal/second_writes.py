"""Users written while the database is unreachable, and again once it is back: the first write must never appear."""

import asyncio
import random
import string

from tests.rehearsal.load import expected, get, put, says
from tests.rehearsal.wire import Answer, Failed, Pool

USERS = 60
_AT_ONCE = 10
_FIRST, _SECOND = "1990-01-01", "1990-07-01"
_SECONDS = 5.0
_PATIENCE_SECONDS = 10.0


class SecondWrites:
    """These users, and how many of their first writes were refused."""

    def __init__(self, host: str, port: int) -> None:
        """Send to the load balancer at `host`."""
        self._pool = Pool(host, port, _SECONDS)
        self._users = ["".join(random.choices(string.ascii_lowercase, k=20)) for _ in range(USERS)]
        self.refused = 0

    async def write_first(self, seconds: float) -> None:
        """Write every user, spread over `seconds`, and count the writes that are refused."""
        groups = [self._users[start : start + _AT_ONCE] for start in range(0, USERS, _AT_ONCE)]
        pause = seconds / len(groups)
        async with asyncio.TaskGroup() as writing:
            for group in groups:
                for user in group:
                    writing.create_task(self._write_first(user))
                await asyncio.sleep(pause)

    async def _write_first(self, user: str) -> None:
        answer = await self._ask(put(user, _FIRST))
        self.refused += answer is not None and answer.status == 503

    async def write_second(self) -> None:
        """Write another date for every user until it is acknowledged."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await asyncio.gather(*map(self._write_second, self._users))

    async def _write_second(self, user: str) -> None:
        while (answer := await self._ask(put(user, _SECOND))) is None or answer.status != 204:
            pass

    async def lost(self) -> int:
        """Count the users whose stored date is not the second one."""
        answers = await asyncio.gather(*(self._ask(get(user)) for user in self._users))
        right = [expected(user, {_SECOND}) for user in self._users]
        return sum(
            answer is None or not says(answer, messages) for answer, messages in zip(answers, right, strict=True)
        )

    async def _ask(self, request: bytes) -> Answer | None:
        try:
            return await self._pool.request(request, new=False, seconds=_SECONDS)
        except Failed:
            return None
