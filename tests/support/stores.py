"""Stores in memory: a correct one, and several that are each wrong in a different way."""

import asyncio
from datetime import date


class Memory:
    """A correct store."""

    def __init__(self) -> None:
        """Start empty."""
        self.born: dict[str, date] = {}

    async def get(self, username: str) -> date | None:
        """Return the date of birth."""
        return self.born.get(username)

    async def put(self, username: str, born: date) -> None:
        """Keep the date of birth."""
        self.born[username] = born

    async def delete(self, username: str) -> None:
        """Delete the user, whether known or not."""
        self.born.pop(username, None)

    async def ping(self) -> None:
        """Answer."""


class Breaking(Memory):
    """A store with a bug."""

    async def get(self, username: str) -> date | None:
        """Raise an unexpected exception."""
        raise RuntimeError(username)


class Amnesiac(Memory):
    """A store that keeps nothing, but acknowledges every write."""

    async def put(self, username: str, born: date) -> None:
        """Do nothing."""


class Stale(Memory):
    """A store that never replaces the first date."""

    async def put(self, username: str, born: date) -> None:
        """Keep the date of birth of a new user only."""
        self.born.setdefault(username, born)


class Familiar(Memory):
    """A store that finds every user."""

    async def get(self, username: str) -> date | None:
        """Make a date up."""
        return self.born.get(username, date(1990, 12, 10))


class Hanging(Memory):
    """A store that never answers."""

    async def get(self, username: str) -> date | None:
        """Wait for ever."""
        await asyncio.Event().wait()
        return self.born[username]
