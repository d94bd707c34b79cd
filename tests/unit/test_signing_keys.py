"""The issuer's keys: when they are fetched, and that they outlive an outage."""

import asyncio
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from structlog.testing import capture_logs

from service.auth.jwks import SigningKeySet
from service.auth.signing_keys import MAX_AGE_SECONDS, PAUSE_SECONDS, SigningKeys
from service.lifecycle import Lifecycle
from tests.support.issuer import public_jwk
from tests.support.told_time import in_told_time


class Issuer:
    """Gives the keys it has, when the gate is open, or fails."""

    def __init__(self) -> None:
        """Have one key."""
        self.now = 0.0
        self.key_ids = ["first"]
        self.fetches = 0
        self.down = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.ignored: dict[str, int] = {}

    async def fetch(self) -> SigningKeySet:
        """Give all keys."""
        self.fetches += 1
        await self.gate.wait()
        if self.down:
            raise OSError
        return SigningKeySet({name: RSAKey.import_key(public_jwk(name)) for name in self.key_ids}, self.ignored)


@pytest.fixture
def issuer() -> Issuer:
    """Give an issuer that works."""
    return Issuer()


def unopened(issuer: Issuer, *, max_waiting: int = 10, fetch_seconds: float = 10) -> SigningKeys:
    """Return keys that have not been fetched yet."""
    return SigningKeys(
        issuer.fetch, lambda: issuer.now, Lifecycle(), max_waiting=max_waiting, fetch_seconds=fetch_seconds
    )


async def opened(issuer: Issuer, **limits: Any) -> SigningKeys:  # noqa: ANN401 - those of `unopened`
    """Return keys that have been fetched once."""
    keys = unopened(issuer, **limits)
    await keys.open(0)
    return keys


async def settled() -> None:
    """Let what was begun in the background end."""
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))


async def test_unknown_key_is_asked_for_at_most_once_in_a_pause(issuer: Issuer) -> None:
    """An unknown key is fetched from the issuer at once, and then not again before a pause is over."""
    keys = await opened(issuer)
    assert await keys.find("second") is None
    assert issuer.fetches == 2
    issuer.key_ids.append("second")
    issuer.now = PAUSE_SECONDS - 1
    assert await keys.find("second") is None
    assert issuer.fetches == 2
    issuer.now = PAUSE_SECONDS
    assert await keys.find("second") is not None
    assert await keys.find("made-up") is None
    assert issuer.fetches == 3


async def test_all_wait_for_one_fetch(issuer: Issuer) -> None:
    """However many requests need a new key, and even if some go away, it is fetched once."""
    keys = await opened(issuer)
    issuer.key_ids.append("second")
    issuer.gate.clear()
    waiting = [asyncio.create_task(keys.find("second")) for _ in range(10)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    issuer.gate.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert all(isinstance(key, RSAKey) for key in found[1:])
    assert issuer.fetches == 2


@in_told_time
async def test_old_keys_are_renewed_without_anybody_waiting(issuer: Issuer) -> None:
    """A key that was withdrawn is trusted no longer than the keys' age allows, plus one use."""
    keys = await opened(issuer)
    issuer.key_ids = ["second"]
    issuer.now = MAX_AGE_SECONDS - 1
    assert await keys.find("first") is not None
    assert issuer.fetches == 1
    issuer.now = MAX_AGE_SECONDS
    assert await keys.find("first") is not None
    await settled()
    assert await keys.find("first") is None
    assert issuer.fetches == 2


@in_told_time
async def test_keys_outlive_an_outage(issuer: Issuer) -> None:
    """While the issuer is down, its keys stay valid, and fetching them is retried after every pause."""
    keys = await opened(issuer)
    issuer.down = True
    for number in range(5):
        issuer.now = MAX_AGE_SECONDS + number * PAUSE_SECONDS
        assert await keys.find("first") is not None
        await settled()
        assert await keys.find("first") is not None
        assert issuer.fetches == 2 + number


async def test_no_key_id_asks_nobody(issuer: Issuer) -> None:
    """A token that names no key matches none."""
    keys = await opened(issuer)
    assert await keys.find(None) is None
    assert issuer.fetches == 1


@in_told_time
async def test_start_waits_for_an_issuer_that_is_late(issuer: Issuer) -> None:
    """The first fetch is tried again until the time is up."""
    issuer.down = True
    keys = unopened(issuer)
    opening = asyncio.create_task(keys.open(1))
    while not issuer.fetches:
        await asyncio.sleep(0)
    issuer.down = False
    await opening
    assert await keys.find("first") is not None
    assert issuer.fetches == 2


@in_told_time
async def test_start_gives_up(issuer: Issuer) -> None:
    """When the time is up, what went wrong is raised."""
    issuer.down = True
    with pytest.raises(OSError):  # noqa: PT011 - the issuer's own
        await unopened(issuer).open(0)


async def test_no_more_wait_than_may(issuer: Issuer) -> None:
    """If the maximum number of requests waits for an unknown key, others are refused until there is room again."""
    keys = await opened(issuer, max_waiting=2)
    issuer.key_ids.append("second")
    issuer.gate.clear()
    waiting = [asyncio.create_task(keys.find("second")) for _ in range(2)]
    await asyncio.sleep(0)
    assert await keys.find("second") is None
    assert await keys.find("first") is not None
    issuer.gate.set()
    assert None not in await asyncio.gather(*waiting)
    issuer.key_ids.append("third")
    issuer.now = PAUSE_SECONDS
    assert await keys.find("third") is not None


async def test_nobody_waits_for_ever(issuer: Issuer) -> None:
    """A fetch that is never answered is given up, and the current keys stay."""
    keys = await opened(issuer, fetch_seconds=0)
    issuer.gate.clear()
    assert await keys.find("second") is None
    assert await keys.find("first") is not None


@in_told_time
async def test_ignored_keys_are_told_once(issuer: Issuer) -> None:
    """Unusable keys are logged when they change, not with every fetch."""
    issuer.ignored = {"no RSA key": 1}
    with capture_logs() as lines:
        keys = await opened(issuer)
        for number, ignored in enumerate((issuer.ignored, {"no kid": 2}, {}), 1):
            issuer.ignored, issuer.now = ignored, number * MAX_AGE_SECONDS
            await keys.find("first")
            await settled()
    told = [line["reasons"] for line in lines if line["event"] == "auth.keys_ignored"]
    assert told == [{"no RSA key": 1}, {"no kid": 2}]
