"""The users of the benchmark: thousands of different names, the same in every run and for every server."""

import random
import string
from datetime import date
from pathlib import Path

BORN = date(1990, 12, 10)
_COUNT = 5000
_LENGTHS = range(4, 16)


def names() -> list[str]:
    """Return the names; the seed is fixed, so all processes agree on them."""
    source = random.Random(1990)
    found: set[str] = set()
    while len(found) < _COUNT:
        found.add("".join(source.choices(string.ascii_letters, k=source.choice(_LENGTHS))))
    return sorted(found)


def write(path: Path, count: int = _COUNT) -> None:
    """Write the first of the names, one a line, for the load generator."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(names()[:count]) + "\n")
