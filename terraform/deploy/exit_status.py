"""The ways a deployment can end, and their exit statuses."""

from enum import IntEnum


class Status(IntEnum):
    """Exit statuses; an interrupted deployment ends with 128 + the signal's number, as in a shell."""

    DONE = 0
    FAILED = 1  # the previous version serves again; or there are changes where none were expected
    REFUSED = 2  # nothing was changed
    STUCK = 3  # a person must act


class Refused(Exception):
    """Nothing was changed; the message says why, and what to do."""


class Failed(Exception):
    """The new version is not in service everywhere, or not healthy; before any change, it counts as a refusal."""


class Stuck(Exception):
    """Neither the new version nor the previous one is in service everywhere; the message says what to do."""
