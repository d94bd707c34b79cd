"""The result of a check."""

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """Whether a deployment could work with what was found."""

    OK = "ok"
    NOTE = "note"
    MISSING = "MISSING"


@dataclass(frozen=True)
class Finding:
    """One line: what was checked, and what was found or what to do."""

    state: State
    what: str
    says: str

    def __str__(self) -> str:
        """Format it as one line."""
        return f"{self.state.value:<8} {self.what}: {self.says}"


def ok(what: str, says: str) -> Finding:
    """Return a finding that needs no action."""
    return Finding(State.OK, what, says)


def note(what: str, says: str) -> Finding:
    """Return a finding that is worth knowing but blocks nothing."""
    return Finding(State.NOTE, what, says)


def missing(what: str, says: str) -> Finding:
    """Return a finding that blocks a deployment; `says` may have several lines, as AWS's errors do; they are joined."""
    return Finding(State.MISSING, what, " ".join(says.split()))
