"""How long things may take, and what is looked at meanwhile."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How long a deployment may take, and how long it watches in the end."""

    minutes: float
    watch_minutes: float
    ignore_alarms: bool
    base_url: str | None
    settle_minutes: float = 5.0
    """Those that leave are deregistered meanwhile, and new ones registered."""
    poll_seconds: float = 3.0
