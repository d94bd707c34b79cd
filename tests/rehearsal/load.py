"""Clients that send at a constant rate and check every answer.

    python -m tests.rehearsal.load HOST PORT RATE IDLE-SECONDS SEED

Requests are sent when they are due, whether or not earlier ones have been answered. Every half second a line of JSON
reports the results; SIGTERM ends the load: the clients wait for the last answers, read every user back, and a last line
is the summary. No request is retried.
"""

import asyncio
import json
import random
import signal
import sys
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import uvloop

from service.birthdays import greeting
from tests.rehearsal.wire import Answer, Failed, Pool

USERS = 2000
SECONDS = 5.0
TICK = 0.5
_PUT, _VERSION, _NEW = 0.3, 0.05, 0.1  # shares: writes, requests for the version, new connections
_EXAMPLES = 20
_TOGETHER = 16
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_OLDEST = date(1940, 1, 1)


@dataclass
class Tick:
    """The results of half a second."""

    latencies_ms: list[float] = field(default_factory=list)
    by_instance: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    failed: int = 0

    def told(self, second: float) -> dict[str, Any]:
        """Return them as an object for a line of JSON."""
        ordered = sorted(self.latencies_ms) or [0.0]
        return {
            "second": round(second, 2),
            "by_instance": self.by_instance,
            "statuses": self.statuses,
            "failed": self.failed,
            "p50_ms": round(ordered[len(ordered) // 2], 2),
            "p99_ms": round(ordered[len(ordered) * 99 // 100], 2),
            "max_ms": round(ordered[-1], 2),
        }


class Clients:
    """Many clients; each user has one request at a time, so that the right answer is always known."""

    def __init__(self, pool: Pool, seed: int) -> None:
        """Prepare users whose names are unique to the seed."""
        self._pool = pool
        self._random = random.Random(seed)
        prefix = "".join(self._random.choices(_LETTERS, k=8))
        self._known: dict[str, set[str]] = {f"{prefix}{spell(number)}": set() for number in range(USERS)}
        self._free = deque(self._known)
        self._tick = Tick()
        self._began = asyncio.get_running_loop().time()
        self.requests = self.failed = self.lost = self.acknowledged = 0
        self.slowest_ms = 0.0
        self.statuses: Counter[str] = Counter()
        self.versions: Counter[str] = Counter()
        self.examples: list[str] = []

    def start(self) -> None:
        """Start counting seconds."""
        self._began = asyncio.get_running_loop().time()

    def take(self) -> dict[str, Any]:
        """Return the results since the last call."""
        tick, self._tick = self._tick, Tick()
        return tick.told(asyncio.get_running_loop().time() - self._began)

    async def store_everybody(self) -> None:
        """Store a first date for every user, before anything is counted."""

        async def store(name: str) -> None:
            born = self._born()
            answer = await self._pool.request(put(name, born), new=False, seconds=SECONDS)
            if answer.status != 204:
                raise SystemExit(f"the fleet does not store: {answer}")
            self._known[name].add(born)

        await self._for_everybody(store)

    async def one(self, due: float) -> None:
        """Send one request of a random kind, and count its outcome."""
        kind, new = self._random.random(), self._random.random() < _NEW
        if kind < _VERSION:
            await self._ask_version(due, new=new)
        elif self._free:
            name = self._free.popleft()
            await (self._put(name, due, new=new) if kind < _VERSION + _PUT else self._get(name, due, new=new))
            self._free.append(name)
        else:
            self._count(due, None, "every user waits for an answer")

    async def read_everybody_back(self) -> None:
        """Count the users whose stored date is not the last one that was acknowledged."""

        async def read(name: str) -> None:
            known = self._known[name]
            try:
                answer = await self._pool.request(get(name), new=False, seconds=SECONDS)
            except Failed as error:
                self.lost += 1
                self._example(f"reading back: {error}")
                return
            if not says(answer, expected(name, known)):
                self.lost += 1
                self._example(f"reading back: {answer} instead of one of {known}")

        await self._for_everybody(read)

    async def _for_everybody(self, act: Callable[[str], Awaitable[None]]) -> None:
        """Do something for every user, a few at a time."""
        names = iter(self._known)

        async def work() -> None:
            for name in names:
                await act(name)

        await asyncio.gather(*(work() for _ in range(_TOGETHER)))

    async def _put(self, name: str, due: float, *, new: bool) -> None:
        born = self._born()
        self._known[name].add(born)  # until it is acknowledged, either may be stored
        answer = await self._send(put(name, born, new=new), due, new=new, right=204)
        if answer is not None and answer.status == 204:
            self._known[name] = {born}
            self.acknowledged += 1

    async def _get(self, name: str, due: float, *, new: bool) -> None:
        known = set(self._known[name])
        await self._send(get(name, new=new), due, new=new, right=200, messages=expected(name, known))

    async def _ask_version(self, due: float, *, new: bool) -> None:
        answer = await self._send(request("GET", "/version", new=new), due, new=new, right=200)
        if answer is not None and answer.status == 200:
            self.versions[json.loads(answer.body)["commit"]] += 1

    async def _send(
        self, sent: bytes, due: float, *, new: bool, right: int, messages: set[str] | None = None
    ) -> Answer | None:
        try:
            answer = await self._pool.request(sent, new=new, seconds=SECONDS)
        except Failed as error:
            self._count(due, None, str(error))
            return None
        wrong = None
        if answer.status != right:
            wrong = f"{answer.status} from {answer.instance or 'the load balancer'}"
        elif messages is not None and not says(answer, messages):
            wrong = f"wrong answer from {answer.instance}: {answer.body!r}"
        self._count(due, answer, wrong)
        return answer

    def _count(self, due: float, answer: Answer | None, wrong: str | None) -> None:
        waited = (asyncio.get_running_loop().time() - due) * 1000
        status = str(answer.status) if answer else "none"
        self.requests += 1
        self.slowest_ms = max(self.slowest_ms, waited)
        self.statuses[status] += 1
        self._tick.latencies_ms.append(waited)
        self._tick.statuses[status] += 1
        if answer:
            self._tick.by_instance[answer.instance] += 1
        if wrong:
            self.failed += 1
            self._tick.failed += 1
            self._example(f"{asyncio.get_running_loop().time() - self._began:.1f} s: {wrong}")

    def _example(self, text: str) -> None:
        if len(self.examples) < _EXAMPLES:
            self.examples.append(text)

    def _born(self) -> str:
        return (_OLDEST + timedelta(days=self._random.randrange(30000))).isoformat()


def expected(name: str, known: set[str]) -> set[str]:
    """Return the greetings of `name` now, and tomorrow's if midnight is near, for any date that may be stored."""
    now = datetime.now(UTC)
    days = {now.date(), (now + timedelta(hours=1)).date()}
    return {greeting(name, date.fromisoformat(born), day) for born in known for day in days}


def says(answer: Answer, messages: set[str]) -> bool:
    """Return whether an answer is one of `messages` and nothing else."""
    try:
        told = json.loads(answer.body)
    except ValueError:
        return False
    return isinstance(told, dict) and told.keys() == {"message"} and told["message"] in messages


def spell(number: int) -> str:
    """Spell a number in letters, since names have no digits."""
    return "".join(_LETTERS[int(digit)] for digit in f"{number:04}")


def request(method: str, path: str, body: bytes = b"", *, new: bool) -> bytes:
    """Return a request; one on a `new` connection asks to close it afterwards."""
    fields = [f"{method} {path} HTTP/1.1", "Host: hello"]
    if body:
        fields += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    if new:
        fields.append("Connection: close")
    return "\r\n".join([*fields, "", ""]).encode() + body


def put(name: str, born: str, *, new: bool = False) -> bytes:
    """Return the request that stores a date."""
    return request("PUT", f"/hello/{name}", json.dumps({"dateOfBirth": born}).encode(), new=new)


def get(name: str, *, new: bool = False) -> bytes:
    """Return the request that asks for a greeting."""
    return request("GET", f"/hello/{name}", new=new)


async def main(host: str, port: int, rate: float, idle: float, seed: int) -> None:
    """Send until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    clients = Clients(Pool(host, port, idle), seed)
    await clients.store_everybody()
    clients.start()
    tasks: set[asyncio.Task[None]] = set()
    began = next_tick = loop.time()
    sent = 0
    while not stop.is_set():
        now = loop.time()
        while began + sent / rate <= now:
            task = loop.create_task(clients.one(began + sent / rate))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            sent += 1
        if now >= next_tick:
            tell(clients.take())
            next_tick += TICK
        await asyncio.sleep(0.002)
    while tasks:
        await asyncio.wait(tasks)
    tell(clients.take())
    await clients.read_everybody_back()
    names = ("requests", "failed", "lost", "acknowledged", "slowest_ms", "statuses", "versions", "examples")
    tell({"summary": {name: getattr(clients, name) for name in names}})


def tell(line: dict[str, Any]) -> None:
    """Write one line for the process that started the load."""
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])))
