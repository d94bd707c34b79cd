"""When a call leaves although another is out: requests and calls share one simulated processor."""

import asyncio
import itertools
import statistics
from collections.abc import Iterable

import pytest

from service.storage.coalescing import Sender
from service.storage.expiry import Expiry
from service.storage.patience import PATIENCE_SECONDS, SPARE_SECONDS
from service.storage.reads import ReadCoalescer
from tests.support.told_time import ToldTime, in_told_time

# What was measured, of a GET and of a call of aiobotocore: half of it before the wait for DynamoDB, half after it.
REQUEST_SECONDS = 80e-6
CALL_SECONDS = 600e-6
DATABASE_SECONDS = 0.003
ALONE_SECONDS = REQUEST_SECONDS + CALL_SECONDS + DATABASE_SECONDS
LIMIT = 100


def spend(seconds: float) -> None:
    """Work for so long."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ToldTime)
    loop.spend(seconds)


def told() -> float:
    """Return the told time."""
    return asyncio.get_running_loop().time()


class Machine:
    """A processor that answers requests, and a database that needs its time."""

    def __init__(self) -> None:
        """Begin with nothing to do."""
        self.calls: list[int] = []
        self.left: list[float] = []
        self.waits: list[float] = []
        sender = Sender[None, None]("read", self._one, self._many, LIMIT)
        self._reads = ReadCoalescer(sender, Expiry(3, TimeoutError), told)
        self._keys = map(str, itertools.count())

    async def _one(self, key: str, _: None, until: float) -> None:
        await self._many([key], until)

    async def _many(self, keys: Iterable[str], _until: float) -> dict[str, Exception | None]:
        answers: dict[str, Exception | None] = dict.fromkeys(keys)
        self.calls.append(len(answers))
        self.left.append(told())
        spend(CALL_SECONDS / 2)
        await asyncio.sleep(DATABASE_SECONDS)
        spend(CALL_SECONDS / 2)
        return answers

    async def get(self) -> None:
        """Answer one request."""
        due = told()
        spend(REQUEST_SECONDS / 2)
        await self._reads.submit(next(self._keys), None)
        spend(REQUEST_SECONDS / 2)
        self.waits.append(told() - due)

    async def offer(self, rate: int, seconds: float) -> None:
        """Answer `rate` requests a second, whose distances vary by a fixed pattern."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(int(rate * seconds)):
                tasks.create_task(self.get())
                await asyncio.sleep((0.3, 1.9, 0.8)[number % 3] / rate)

    async def crowd(self, clients: int, rounds: int) -> None:
        """Answer clients that each send a request when they have got the last answer."""

        async def client() -> None:
            for _ in range(rounds):
                await self.get()

        await asyncio.gather(*[client() for _ in range(clients)])


async def busy(seconds: float) -> None:
    """Leave the processor nothing to spare for so long."""
    end = told() + seconds
    while told() < end:
        spend(REQUEST_SECONDS)
        await asyncio.sleep(0)


@in_told_time
async def test_idle_process_lets_the_next_call_leave_early() -> None:
    """A request that finds a call out leaves as soon as a little time has passed since that left."""
    machine = Machine()
    await asyncio.gather(machine.get(), machine.get())
    assert machine.calls == [1, 1]
    assert machine.left[1] - machine.left[0] == pytest.approx(SPARE_SECONDS, abs=CALL_SECONDS)


@in_told_time
async def test_request_that_comes_later_leaves_at_once() -> None:
    """A request that comes when that time has already passed does not wait at all."""
    machine = Machine()
    first = asyncio.create_task(machine.get())
    await asyncio.sleep(SPARE_SECONDS + CALL_SECONDS)
    await machine.get()
    await first
    assert machine.waits == pytest.approx([ALONE_SECONDS, ALONE_SECONDS])


@in_told_time
async def test_busy_process_waits_for_the_call() -> None:
    """If no CPU time is to spare, all leave together when the call returns."""
    machine = Machine()
    await asyncio.gather(machine.get(), machine.get(), machine.get(), busy(2 * ALONE_SECONDS))
    assert machine.calls == [1, 2]


@in_told_time
async def test_patience_ends_however_busy_the_process_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow call is not waited for in any case."""
    monkeypatch.setattr("tests.unit.test_patience.DATABASE_SECONDS", 1)
    machine = Machine()
    await asyncio.gather(machine.get(), machine.get(), busy(2 * PATIENCE_SECONDS))
    assert machine.left[1] - machine.left[0] == pytest.approx(PATIENCE_SECONDS, abs=2 * SPARE_SECONDS)


@pytest.mark.parametrize("rate", [500, 1000, 2000])
def test_requests_that_come_one_by_one_hardly_wait_for_each_other(rate: int) -> None:
    """At the rates of a fleet's instance half of all requests take less than 1.4 times as long as a lone one."""

    @in_told_time
    async def measure() -> None:
        machine = Machine()
        await machine.offer(rate, seconds=1)
        assert statistics.median(machine.waits) < 1.4 * ALONE_SECONDS
        # What that costs: an early call in all that time, and half as many again when one lands.
        assert len(machine.calls) < 1.5 / SPARE_SECONDS

    measure()


@in_told_time
async def test_nothing_is_lost_where_there_is_nothing_to_spare() -> None:
    """When more is asked than one processor can answer batches are as full as they can be."""
    machine = Machine()
    await machine.crowd(clients=400, rounds=10)
    assert statistics.median(machine.calls) == LIMIT
