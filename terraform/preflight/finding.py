"""What a check found."""

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """Whether a deployment could work with that."""

    OK = "ok"
    NOTE = "note"
    MISSING = "MISSING"


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, and what is there, or what to do."""

    state: State
    what: str
    says: str

    def __str__(self) -> str:
        """Tell it in one line."""
        return f"{self.state.value:<8} {self.what}: {self.says}"


def ok(what: str, says: str) -> Finding:
    """Return that nothing has to be done."""
    return Finding(State.OK, what, says)


def note(what: str, says: str) -> Finding:
    """Return what is worth knowing, and stops nothing."""
    return Finding(State.NOTE, what, says)


def missing(what: str, says: str) -> Finding:
    """Return what has to be done before a deployment could work; an error of AWS's in it may have several lines."""
    return Finding(State.MISSING, what, " ".join(says.split()))
