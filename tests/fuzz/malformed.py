"""Requests that are barely HTTP or not at all: those of the corpus, and mutations of its good ones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from tests.fuzz.corpus import AMBIGUOUS, FOREIGN, GET, GOOD, HIDDEN, LENGTHS

_SPICES = (b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\t", b" ", b":", b"%", b"\xff", b"\xed\xa0\x80", b"0\r\n\r\n")


@dataclass(frozen=True)
class Malformed:
    """Bytes to send; `hasty` clients end the sending side at once.

    A request whose end is `ambiguous` must be refused, and what follows it must never be taken for another request.
    """

    data: bytes
    hasty: bool = False
    ambiguous: bool = False


def _flip(random: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        changed[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _cut(random: Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data))]


def _remove(random: Random, data: bytes) -> bytes:
    first, last = _stretch(random, data)
    return data[:first] + data[last:]


def _repeat(random: Random, data: bytes) -> bytes:
    first, last = _stretch(random, data)
    return data[:last] + data[first:last] * random.choice((1, 2, 1000)) + data[last:]


def _splice(random: Random, data: bytes) -> bytes:
    other = random.choice(GOOD)
    return data[: random.randrange(len(data))] + other[random.randrange(len(other)) :]


def _spice(random: Random, data: bytes) -> bytes:
    place = random.randrange(len(data) + 1)
    return data[:place] + random.choice(_SPICES) * random.choice((1, 1, 2, 9000)) + data[place:]


def _break_lines(random: Random, data: bytes) -> bytes:
    lines = data.split(b"\r\n")
    return b"".join(line + random.choice((b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b"")) for line in lines)


def _shuffle_lines(random: Random, data: bytes) -> bytes:
    lines = data.split(b"\r\n")
    random.shuffle(lines)
    return b"\r\n".join(lines)


def _renumber(random: Random, data: bytes) -> bytes:
    place = random.choice([place for place, byte in enumerate(data) if byte in b"0123456789"] or [0])
    return data[:place] + random.choice((*LENGTHS, b"0", b"29", b"27")) + data[place + 1 :]


def _stretch(random: Random, data: bytes) -> tuple[int, int]:
    first = random.randrange(len(data))
    return first, min(len(data), first + random.randint(1, 40))


_MUTATIONS: tuple[Callable[[Random, bytes], bytes], ...] = (
    _flip,
    _cut,
    _remove,
    _repeat,
    _splice,
    _spice,
    _break_lines,
    _shuffle_lines,
    _renumber,
)


def malformed(seed: int, count: int) -> Iterator[Malformed]:
    """Yield `count` requests, the same ones for the same seed: first all that are listed here, then mutations."""
    random = Random(seed)
    listed = [Malformed(data + HIDDEN, ambiguous=True) for data in AMBIGUOUS] + [Malformed(data) for data in FOREIGN]
    yield from listed[:count]
    for _ in range(count - len(listed)):
        data = random.choice(GOOD)
        for _ in range(random.randint(1, 3)):
            data = random.choice(_MUTATIONS)(random, data or GET)
        yield Malformed(data, hasty=random.random() < 0.25)
