"""The coalescer: when keys are sent, which of them together, and which failures affect whom."""

import asyncio
from collections.abc import Iterable

import pytest

from service.errors import Ending, StorageUnavailable
from service.storage import coalescing, patience
from service.storage.coalescing import Coalescer, Sender
from service.storage.expiry import LAST_MOMENT_SECONDS, Expiry
from service.storage.patience import SPARE_SECONDS
from service.storage.reads import ReadCoalescer
from service.storage.writes import WriteCoalescer
from tests.support.told_time import in_told_time

LIMIT = 4
BUDGET_SECONDS = 5
MOMENT_SECONDS = 0.001
Outcomes = dict[str, str | Exception]


class Refused(Exception):
    """What the far side says to a poisoned key."""


class Expired(Exception):
    """What a caller gets whose time is over."""


def told() -> float:
    """Return the told time, which passes while nothing is to be done, or while somebody spends it."""
    return asyncio.get_running_loop().time()


class FarSide:
    """Answers calls when the test says so, and remembers them."""

    def __init__(self) -> None:
        """Answer at once, refuse nothing."""
        self.calls: list[list[tuple[str, str]]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.poisoned: set[str] = set()
        self.throttled: set[str] = set()
        self.unprocessed: list[set[str]] = []
        self.batches_work = True
        self.ends: list[float] = []

    async def one(self, key: str, value: str, until: float) -> str:
        """Answer for one key."""
        self.calls.append([(key, value)])
        self.ends.append(until)
        await self.gate.wait()
        if key in self.poisoned:
            raise Refused(key)
        if key in self.throttled:
            raise StorageUnavailable("ThrottlingException", Ending.THROTTLED)
        return f"{key}={value}"

    async def many(self, values: dict[str, str], until: float) -> Outcomes:
        """Answer for many keys."""
        self.calls.append(list(values.items()))
        self.ends.append(until)
        await self.gate.wait()
        if not self.batches_work or self.poisoned & values.keys():
            raise Refused
        left_out = self.unprocessed.pop(0) if self.unprocessed else set()
        return {key: f"{key}={value}" for key, value in values.items() if key not in left_out}

    def keys(self) -> list[str]:
        """Return the keys of each call as one word."""
        return ["".join(key for key, _ in call) for call in self.calls]


@pytest.fixture
def far() -> FarSide:
    """Give the far side."""
    return FarSide()


@pytest.fixture
def reads(far: FarSide) -> Coalescer[str, str]:
    """Give a coalescer whose callers share slots."""
    return ReadCoalescer(Sender("read", far.one, far.many, LIMIT), Expiry(BUDGET_SECONDS, Expired), told)


@pytest.fixture
def writes(far: FarSide) -> Coalescer[str, str]:
    """Give a coalescer whose callers follow one another."""
    return WriteCoalescer(Sender("read", far.one, far.many, LIMIT), Expiry(BUDGET_SECONDS, Expired), told)


async def until(far: FarSide, calls: int) -> None:
    """Return when the far side has been called `calls` times."""
    async with asyncio.timeout(BUDGET_SECONDS):
        while len(far.calls) < calls:
            await asyncio.sleep(MOMENT_SECONDS)


def submit(coalescer: Coalescer[str, str], keys: Iterable[str]) -> "list[asyncio.Future[str]]":
    """Submit one-letter keys, each with its position as value."""
    return [coalescer.submit(key, str(position)) for position, key in enumerate(keys)]


@in_told_time
async def test_lone_key_leaves_at_once_and_alone(far: FarSide, reads: Coalescer[str, str]) -> None:
    """If no call is out, a key is sent by itself at once."""
    future = reads.submit("a", "1")
    await asyncio.sleep(0)
    assert far.calls == [[("a", "1")]]
    assert await future == "a=1"


@in_told_time
async def test_keys_gather_while_a_call_is_out(far: FarSide, reads: Coalescer[str, str]) -> None:
    """Keys that come while a call is out leave together when it returns."""
    far.gate.clear()
    futures = submit(reads, "abc")
    await until(far, 1)
    far.gate.set()
    assert await asyncio.gather(*futures) == ["a=0", "b=1", "c=2"]
    assert far.keys() == ["a", "bc"]


@in_told_time
async def test_full_batch_does_not_wait(far: FarSide, reads: Coalescer[str, str]) -> None:
    """As soon as a batch is full it leaves, and no batch is larger than the limit."""
    far.gate.clear()
    futures = submit(reads, "abcdefghij")
    await until(far, 3)
    assert far.keys() == ["a", "bcde", "fghi"]
    far.gate.set()
    assert len(await asyncio.gather(*futures)) == 10
    assert far.keys()[3:] == ["j"]


@in_told_time
async def test_slow_call_is_not_waited_for(far: FarSide, reads: Coalescer[str, str]) -> None:
    """If a call takes too long, the keys behind it leave without waiting for it."""
    far.gate.clear()
    futures = submit(reads, "abc")
    await until(far, 2)
    assert far.keys() == ["a", "bc"]
    far.gate.set()
    await asyncio.gather(*futures)


@in_told_time
async def test_equal_keys_share_a_slot(far: FarSide, reads: Coalescer[str, str]) -> None:
    """However many callers wait for a key that has not left, it is sent once."""
    far.gate.clear()
    futures = submit(reads, "abbcbb")
    await until(far, 1)
    far.gate.set()
    assert await asyncio.gather(*futures) == ["a=0", "b=5", "b=5", "c=3", "b=5", "b=5"]
    assert far.keys() == ["a", "bc"]


@in_told_time
async def test_nobody_joins_a_call_that_has_left(far: FarSide, reads: Coalescer[str, str]) -> None:
    """A key that is out already is sent again, because its answer may be older than the caller."""
    far.gate.clear()
    first = reads.submit("a", "old")
    await until(far, 1)
    second = reads.submit("a", "new")
    far.gate.set()
    assert (await first, await second) == ("a=old", "a=new")
    assert far.keys() == ["a", "a"]


@in_told_time
async def test_unprocessed_keys_go_again_without_the_others(far: FarSide, reads: Coalescer[str, str]) -> None:
    """Unprocessed keys are sent again until they are processed; the others get their answers at once."""
    far.unprocessed = [{"b", "c"}, {"c"}]
    far.gate.clear()
    futures = submit(reads, "abcd")
    await until(far, 1)
    far.gate.set()
    assert await futures[3] == "d=3"
    assert await asyncio.gather(*futures) == ["a=0", "b=1", "c=2", "d=3"]
    assert far.keys()[:2] == ["a", "bcd"]
    assert "d" not in "".join(far.keys()[2:])


@in_told_time
async def test_retried_key_joins_newer_callers(
    far: FarSide, reads: Coalescer[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unprocessed key that comes back while the same key waits again shares its slot."""
    monkeypatch.setattr(patience, "SPARE_SECONDS", 60)
    far.unprocessed = [{"b"}]
    far.gate.clear()
    early = submit(reads, "abc")
    await until(far, 1)
    far.gate.set()
    await early[2]
    far.gate.clear()
    blocker = reads.submit("x", "")
    await until(far, 3)
    late = reads.submit("b", "late")
    # The first retry comes within the shortest backoff, so it is there when the gate opens.
    asyncio.get_running_loop().call_later(coalescing.BACKOFF_SECONDS, far.gate.set)
    assert [await future for future in (early[1], late, blocker)] == ["b=late", "b=late", "x="]
    assert far.keys() == ["a", "bc", "x", "b"]


@in_told_time
async def test_throttled_key_is_asked_for_once_for_all(far: FarSide, reads: Coalescer[str, str]) -> None:
    """Callers that come while a throttled key pauses wait for its next attempt, however many there are."""
    far.throttled = {"a"}
    first = reads.submit("a", "")
    await until(far, 1)
    later = submit(reads, "aaaa")
    await asyncio.sleep(0)
    assert far.keys() == ["a"]
    far.throttled.clear()
    await asyncio.gather(first, *later)
    assert far.keys() == ["a", "a"]


@in_told_time
async def test_poisoned_key_fails_alone(far: FarSide, reads: Coalescer[str, str]) -> None:
    """A batch that is refused because of one key is sent again one by one."""
    far.poisoned = {"c"}
    far.gate.clear()
    futures = submit(reads, "abcd")
    await until(far, 1)
    far.gate.set()
    outcomes = await asyncio.gather(*futures, return_exceptions=True)
    assert outcomes[:2] + outcomes[3:] == ["a=0", "b=1", "d=3"]
    assert isinstance(outcomes[2], Refused)
    assert far.keys() == ["a", "bcd", "b", "c", "d"]


@in_told_time
async def test_caller_that_goes_away_cancels_nothing(far: FarSide, reads: Coalescer[str, str]) -> None:
    """A caller that goes away affects neither the call, nor others in the batch, nor others with the same key."""
    far.gate.clear()
    futures = submit(reads, "abbc")
    await until(far, 1)
    futures[0].cancel()
    futures[1].cancel()
    far.gate.set()
    assert await asyncio.gather(*futures[2:]) == ["b=2", "c=3"]


@in_told_time
async def test_nothing_is_sent_for_those_who_are_gone(far: FarSide, reads: Coalescer[str, str]) -> None:
    """A key that nobody waits for any more is not sent."""
    far.gate.clear()
    futures = submit(reads, "abc")
    await until(far, 1)
    futures[1].cancel()
    far.gate.set()
    await asyncio.gather(futures[0], futures[2])
    assert far.keys() == ["a", "c"]


@in_told_time
async def test_time_is_up(far: FarSide) -> None:
    """A caller that waits for too long gets the error, whether unprocessed, behind a call, or in one."""
    reads = ReadCoalescer(Sender("read", far.one, far.many, LIMIT), Expiry(0.05, Expired), told)
    far.unprocessed = [{"b"}]
    far.gate.clear()
    futures = submit(reads, "abc")
    await until(far, 1)
    far.gate.set()
    assert await futures[2] == "c=2"
    far.gate.clear()
    for future in (futures[1], *submit(reads, "yz")):
        with pytest.raises(Expired):
            await future


@in_told_time
async def test_nothing_leaves_in_the_last_moment(far: FarSide) -> None:
    """A key whose caller is about to run out of time is not sent, since it would cut the call short for others."""
    reads = ReadCoalescer(Sender("read", far.one, far.many, LIMIT), Expiry(LAST_MOMENT_SECONDS / 2, Expired), told)
    with pytest.raises(Expired):
        await reads.submit("a", "")
    assert far.calls == []


@in_told_time
async def test_close_ends_all_calls(far: FarSide, reads: Coalescer[str, str]) -> None:
    """After the service has ended, no call is out and no key is sent any more."""
    tasks = asyncio.all_tasks()
    far.gate.clear()
    submit(reads, "abcdefg")
    await until(far, 2)
    assert asyncio.all_tasks() > tasks
    await reads.close()
    assert asyncio.all_tasks() == tasks
    assert far.keys() == ["a", "bcde"]


def values(far: FarSide, wanted: str) -> list[str]:
    """Return what was sent for a key, call by call."""
    return [value for call in far.calls for key, value in call if key == wanted]


@in_told_time
async def test_writes_that_wait_for_one_key_are_combined(far: FarSide, writes: Coalescer[str, str]) -> None:
    """Only the last of the waiting writes is sent, when the one before is done, and all get its answer."""
    far.gate.clear()
    done: list[str] = []
    futures = submit(writes, "aababa")
    for future in futures:
        future.add_done_callback(lambda future: done.append(future.result()))
    await until(far, 1)
    far.gate.set()
    assert await asyncio.gather(*futures) == ["a=0", "a=5", "b=4", "a=5", "b=4", "a=5"]
    assert (values(far, "a"), values(far, "b")) == (["0", "5"], ["4"])
    assert done[0] == "a=0"


@in_told_time
async def test_many_writers_of_one_key_cost_two_writes(far: FarSide, writes: Coalescer[str, str]) -> None:
    """Of 64 writes of one key, the first is sent, and then the last on behalf of all others."""
    futures = submit(writes, "a" * 64)
    assert await asyncio.gather(*futures) == ["a=0"] + 63 * ["a=63"]
    assert far.calls == [[("a", "0")], [("a", "63")]]


@in_told_time
async def test_value_of_a_write_that_was_given_up_is_not_sent_for_others(
    far: FarSide, writes: Coalescer[str, str]
) -> None:
    """If the caller of the last write has gone, the newest value whose caller still waits is sent."""
    far.gate.clear()
    futures = submit(writes, "abbbb")
    await until(far, 1)
    futures[2].cancel()
    futures[4].cancel()
    far.gate.set()
    assert [await futures[n] for n in (0, 1, 3)] == ["a=0", "b=3", "b=3"]
    assert values(far, "b") == ["3"]


@in_told_time
async def test_combined_write_ends_with_the_caller_of_its_value(far: FarSide, writes: Coalescer[str, str]) -> None:
    """An earlier caller is refused when its own time is over, even behind a call that takes longer."""
    far.gate.clear()
    futures = submit(writes, "a")
    await until(far, 1)
    futures += submit(writes, "b")
    await asyncio.sleep(SPARE_SECONDS / 2)
    futures += [writes.submit("b", "last")]
    latest = asyncio.get_running_loop().time() + BUDGET_SECONDS
    await until(far, 2)
    with pytest.raises(Expired):
        await futures[1]
    far.gate.set()
    assert await futures[2] == "b=last"
    assert far.ends[1] == latest
    assert values(far, "b") == ["last"]


@in_told_time
async def test_combined_writes_share_what_becomes_of_their_call(far: FarSide, writes: Coalescer[str, str]) -> None:
    """If the call fails, all combined writes fail and none is sent again, but writes that came meanwhile go on."""
    far.poisoned = {"a"}
    far.gate.clear()
    first = writes.submit("x", "")
    combined = submit(writes, "aaa")
    await until(far, 2)
    later = submit(writes, "aa")
    far.gate.set()
    for future in combined:
        with pytest.raises(Refused):
            await future
    far.poisoned.clear()
    assert [await first, *[await future for future in later]] == ["x=", "a=1", "a=1"]
    assert values(far, "a") == ["2", "1"]


@in_told_time
async def test_next_write_is_not_sent_before_the_first_is_acknowledged(
    far: FarSide, writes: Coalescer[str, str]
) -> None:
    """While a write is out, however long, no other write of its key leaves."""
    far.gate.clear()
    futures = submit(writes, "aab")
    await until(far, 2)
    assert far.calls == [[("a", "0")], [("b", "2")]]
    far.gate.set()
    await asyncio.gather(*futures)
    assert far.calls[2:] == [[("a", "1")]]


@in_told_time
async def test_unprocessed_write_is_combined_with_those_that_came_since(
    far: FarSide, writes: Coalescer[str, str]
) -> None:
    """An unprocessed write had no effect, so its retry sends the last value for all."""
    far.unprocessed = [{"b"}]
    far.gate.clear()
    futures = submit(writes, "abc")
    await until(far, 1)
    far.gate.set()
    await futures[2]
    futures += submit(writes, "b")
    futures += [writes.submit("b", "last")]
    assert await asyncio.gather(*futures) == ["a=0", "b=last", "c=2", "b=last", "b=last"]
    assert values(far, "b") == ["1", "last"]


@in_told_time
async def test_given_up_write_between_retries_frees_its_key(far: FarSide, writes: Coalescer[str, str]) -> None:
    """If the caller of an unprocessed value gives up, the newest value whose caller waits is sent, and later ones."""
    far.unprocessed = [{"b"}]
    far.gate.clear()
    futures = submit(writes, "abbcb")
    await until(far, 1)
    far.gate.set()
    await futures[3]
    futures[4].cancel()
    futures[1].cancel()
    assert await futures[2] == "b=2"
    assert await writes.submit("b", "new") == "b=new"
    assert values(far, "b") == ["4", "2", "new"]


@in_told_time
async def test_key_that_keeps_failing_is_given_up_however_many_come(far: FarSide) -> None:
    """Writes that come between the attempts of a key share the remaining attempts, and do not add any."""
    later: list[asyncio.Future[str]] = []

    async def fail(_key: str, value: str, _until: float) -> str:
        later.append(failing.submit("a", f"{value}+"))
        raise StorageUnavailable("InternalServerError", Ending.FAILED)

    failing = WriteCoalescer(Sender("write", fail, far.many, LIMIT), Expiry(BUDGET_SECONDS, Expired), told)
    with pytest.raises(StorageUnavailable):
        await failing.submit("a", "")
    assert len(later) == 4
    assert [type(future.exception()) for future in later[:3]] == 3 * [StorageUnavailable]
    assert not later[3].done()
    await failing.close()


@in_told_time
async def test_writes_given_up_in_a_row_let_the_next_one_pass(far: FarSide) -> None:
    """Hundreds of writes of one key that expire behind a slow one do not block the key forever."""
    writes = WriteCoalescer(Sender("write", far.one, far.many, LIMIT), Expiry(0.05, Expired), told)
    far.gate.clear()
    outcomes = await asyncio.gather(*submit(writes, "a" * 1000), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Expired}
    far.gate.set()
    assert await writes.submit("a", "new") == "a=new"
    assert far.calls == [[("a", "0")], [("a", "new")]]


@in_told_time
async def test_every_attempt_ends_with_its_caller(far: FarSide, writes: Coalescer[str, str]) -> None:
    """However often a write is retried, alone or with others, it ends when its caller's time ends."""
    far.unprocessed = [{"b"}, {"b"}]
    far.gate.clear()
    futures = submit(writes, "abc")
    latest = asyncio.get_running_loop().time() + BUDGET_SECONDS
    await until(far, 1)
    far.gate.set()
    await asyncio.gather(*futures)
    assert values(far, "b") == ["1", "1"]
    assert max(far.ends) <= latest


@in_told_time
async def test_attempts_one_by_one_end_with_their_callers(far: FarSide, reads: Coalescer[str, str]) -> None:
    """Keys that are retried because their batch failed get no additional time."""
    far.batches_work = False
    far.gate.clear()
    futures = submit(reads, "abc")
    latest = asyncio.get_running_loop().time() + BUDGET_SECONDS
    await until(far, 1)
    far.gate.set()
    await asyncio.gather(*futures)
    assert far.keys() == ["a", "bc", "b", "c"]
    assert max(far.ends) <= latest


@in_told_time
async def test_read_lasts_until_the_last_caller_is_answered(far: FarSide, reads: Coalescer[str, str]) -> None:
    """A caller that joins a key or a batch of reads later still has all of its time."""
    far.gate.clear()
    futures = submit(reads, "ab")
    before = asyncio.get_running_loop().time() + BUDGET_SECONDS
    futures += submit(reads, "b")
    await until(far, 2)
    futures += submit(reads, "c")
    between = asyncio.get_running_loop().time() + BUDGET_SECONDS
    futures += submit(reads, "d")
    far.gate.set()
    await asyncio.gather(*futures)
    assert far.keys() == ["a", "b", "cd"]
    assert far.ends[0] <= before <= far.ends[1]
    assert far.ends[2] >= between


@in_told_time
async def test_batch_of_writes_ends_with_its_first_caller(far: FarSide, writes: Coalescer[str, str]) -> None:
    """A batch of writes ends with the first of its callers, even if later callers have more time."""
    far.gate.clear()
    futures = submit(writes, "ab")
    middle = asyncio.get_running_loop().time() + BUDGET_SECONDS
    futures += submit(writes, "c")
    await until(far, 1)
    far.gate.set()
    await asyncio.gather(*futures)
    assert far.keys() == ["a", "bc"]
    assert max(far.ends) <= middle
